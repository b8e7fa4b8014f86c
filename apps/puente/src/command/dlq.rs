//! `puente dlq list|show|retry|close`, over all services at once.

use std::cmp::Reverse;

use anyhow::anyhow;
use puente_proto::json::{self, Personal};
use puente_proto::operations::{
    CloseDeadLetterRequest, DeadLetter, GetDeadLetterRequest, ListDeadLettersRequest, RetryDeadLetterRequest,
};
use serde_json::{Value, json};
use tonic::Status;

use crate::answer;
use crate::ask::{Fleet, Peer};
use crate::cli::{AskArgs, DlqAction, DlqArgs, LetterArgs};
use crate::exit::{Done, Failed};
use crate::ui::{Tone, Ui, plain};

/// The most that one answer holds.
const PAGE: u32 = 100;

pub(crate) async fn run(args: DlqArgs, ui: &Ui) -> Done {
    match args.action {
        DlqAction::List {
            all,
            kind,
            limit,
            ask,
        } => list(all, kind.unwrap_or_default(), limit, &ask, ui).await,
        DlqAction::Show { letter, reveal, ask } => {
            let personal = if reveal { Personal::Shown } else { Personal::Masked };
            let found = find(&letter, &ask, ui).await?;
            for (peer, letter) in found {
                show(&peer, &letter, personal, ask.json, ui)?;
            }
            Ok(())
        }
        DlqAction::Retry { letter, ask } => retry(&letter, &ask, ui).await,
        DlqAction::Close { letter, reason, ask } => close(&letter, reason, &ask, ui).await,
    }
}

async fn list(resolved: bool, kind: String, limit: u32, ask: &AskArgs, ui: &Ui) -> Done {
    let fleet = Fleet::find(ask)?;
    let answers = fleet
        .all(|peer| letters(peer, resolved, kind.clone(), limit))
        .await;
    let mut letters: Vec<_> = answers
        .given
        .iter()
        .flat_map(|(peer, (letters, _))| letters.iter().map(|letter| (peer.name, letter)))
        .collect();
    letters.sort_by_key(|(_, letter)| Reverse(letter.dead_at.map(|at| (at.seconds, at.nanos))));
    letters.truncate(limit.try_into().unwrap_or(usize::MAX));
    if ask.json {
        for (service, letter) in letters {
            ui.line(&as_json(service, letter, None)?.to_string());
        }
        return answers.complete(ui);
    }
    let waiting: u64 = answers.given.iter().map(|(_, (_, waiting))| waiting).sum();
    if letters.is_empty() {
        ui.line("no dead letters");
    } else {
        let rows: Vec<_> = letters
            .into_iter()
            .map(|(service, letter)| row(service, letter))
            .collect();
        ui.table(
            &[
                "given up", "service", "tenant", "type", "tries", "state", "reason", "event",
            ],
            &rows,
        );
        ui.line(&ui.paint(Tone::Dim, &format!("{waiting} wait for a person")));
    }
    answers.complete(ui)
}

/// Up to so many letters of one service, and how many wait there.
async fn letters(
    peer: Peer,
    resolved: bool,
    kind: String,
    limit: u32,
) -> Result<(Vec<DeadLetter>, u64), Status> {
    let (mut letters, mut cursor) = (Vec::new(), String::new());
    loop {
        let left = limit.saturating_sub(u32::try_from(letters.len()).unwrap_or(u32::MAX));
        let question = ListDeadLettersRequest {
            resolved,
            r#type: kind.clone(),
            page_size: left.min(PAGE),
            cursor,
        };
        let page = peer
            .operations()
            .list_dead_letters(peer.request(question)?)
            .await?
            .into_inner();
        letters.extend(page.letters);
        cursor = page.next_cursor;
        if cursor.is_empty() || letters.len() >= limit.try_into().unwrap_or(usize::MAX) {
            return Ok((letters, page.waiting));
        }
    }
}

fn row(service: &str, letter: &DeadLetter) -> Vec<String> {
    let state = if letter.resolution.is_empty() {
        "waits"
    } else {
        &letter.resolution
    };
    vec![
        answer::time(letter.dead_at.as_ref()),
        service.to_owned(),
        plain(&letter.tenant),
        plain(letter.r#type.strip_prefix("puente.").unwrap_or(&letter.r#type)),
        letter.attempts.to_string(),
        plain(state),
        plain(&letter.reason),
        plain(&letter.event_id),
    ]
}

/// The letters of this event: of the consumer that is named, or of every service's own.
async fn find(wanted: &LetterArgs, ask: &AskArgs, ui: &Ui) -> Done<Vec<(Peer, DeadLetter)>> {
    let fleet = Fleet::find(ask)?;
    let answers = fleet.all(|peer| async move {
        let question = GetDeadLetterRequest {
            event_id: wanted.event_id.clone(),
            // A service's consumer has the service's name.
            consumer: wanted.consumer.clone().unwrap_or_else(|| peer.name.to_owned()),
        };
        let answer = peer.operations().get_dead_letter(peer.request(question)?).await?;
        answer
            .into_inner()
            .letter
            .ok_or_else(|| Status::not_found("none"))
    });
    answers
        .await
        .found(&format!("dead letter of the event {}", wanted.event_id), ui)
}

/// The one letter that is meant.
async fn one(wanted: &LetterArgs, ask: &AskArgs, ui: &Ui) -> Done<(Peer, DeadLetter)> {
    let mut found = find(wanted, ask, ui).await?;
    match (found.pop(), found.is_empty()) {
        (Some(letter), true) => Ok(letter),
        _ => Err(Failed::usage(anyhow!(
            "several consumers gave up the event {}: say which one by --consumer (`puente dlq show` lists them)",
            wanted.event_id
        ))),
    }
}

async fn retry(wanted: &LetterArgs, ask: &AskArgs, ui: &Ui) -> Done {
    let (peer, letter) = one(wanted, ask, ui).await?;
    let question = RetryDeadLetterRequest {
        event_id: letter.event_id.clone(),
        consumer: letter.consumer.clone(),
    };
    let answer = async { peer.operations().retry_dead_letter(peer.request(question)?).await };
    let retried = answer.await.map_err(|status| peer.failed(&status))?.into_inner();
    if ask.json {
        let value = json!({ "service": peer.name, "event_id": letter.event_id, "consumer": letter.consumer,
            "handled": retried.handled, "reason": retried.reason });
        ui.line(&value.to_string());
    } else if retried.handled {
        ui.line(&format!(
            "{} {} by {}",
            ui.paint(Tone::Good, "handled"),
            letter.event_id,
            peer.name
        ));
    }
    if retried.handled {
        return Ok(());
    }
    Err(Failed::from(anyhow!(
        "it failed again in {}: {}",
        peer.name,
        plain(&retried.reason)
    )))
}

async fn close(wanted: &LetterArgs, reason: String, ask: &AskArgs, ui: &Ui) -> Done {
    let (peer, letter) = one(wanted, ask, ui).await?;
    let question = CloseDeadLetterRequest {
        event_id: letter.event_id.clone(),
        consumer: letter.consumer.clone(),
        reason,
    };
    let answer = async { peer.operations().close_dead_letter(peer.request(question)?).await };
    answer.await.map_err(|status| peer.failed(&status))?;
    if ask.json {
        let value = json!({ "service": peer.name, "event_id": letter.event_id, "consumer": letter.consumer, "closed": true });
        ui.line(&value.to_string());
    } else {
        ui.line(&format!(
            "closed {} in {}: it stays unhandled",
            letter.event_id, peer.name
        ));
    }
    Ok(())
}

fn show(peer: &Peer, letter: &DeadLetter, personal: Personal, json: bool, ui: &Ui) -> Done {
    // What cannot be decoded is often why it is here; nobody knows what is personal in it.
    let data = puente_proto::find(&letter.r#type)
        .and_then(|event| json::json(event, &letter.payload, personal).ok());
    if json {
        ui.line(&as_json(peer.name, letter, data)?.to_string());
        return Ok(());
    }
    let rows = [
        ("event", letter.event_id.clone()),
        ("service", peer.name.to_owned()),
        ("consumer", letter.consumer.clone()),
        ("tenant", letter.tenant.clone()),
        ("subject", letter.subject.clone()),
        ("type", letter.r#type.clone()),
        ("aggregate", letter.aggregate_id.clone()),
        ("cause", letter.cause.clone()),
        ("trace", letter.trace_id.clone()),
        ("reason", letter.reason.clone()),
        ("tries", letter.attempts.to_string()),
        ("happened", answer::time(letter.occurred_at.as_ref())),
        ("given up", answer::time(letter.dead_at.as_ref())),
        ("resolved", answer::time(letter.resolved_at.as_ref())),
        ("resolution", letter.resolution.clone()),
        ("resolved by", letter.resolved_by.clone()),
        ("resolved because", letter.resolution_reason.clone()),
        (
            "payload",
            data.as_ref().map_or_else(
                || format!("{} bytes that are no event of this version", letter.payload.len()),
                Value::to_string,
            ),
        ),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), plain(&value)])
        .collect();
    ui.table(&[], &rows);
    Ok(())
}

/// The letter with the service that has it, and with `data` in the place of its encoded payload.
fn as_json(service: &str, letter: &DeadLetter, data: Option<Value>) -> Done<Value> {
    let mut value = answer::value("puente.operations.v1.DeadLetter", letter)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("payload");
        fields.insert("service".to_owned(), service.into());
        fields.insert("data".to_owned(), data.unwrap_or(Value::Null));
    }
    Ok(value)
}
