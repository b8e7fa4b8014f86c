//! `puente effects list|show|resolve`, over all services at once.

use std::cmp::Reverse;

use puente_proto::operations::{
    Effect, GetEffectRequest, ListEffectsRequest, Resolution, ResolveEffectRequest,
};
use serde_json::{Value, json};
use tonic::Status;

use crate::answer;
use crate::ask::{Fleet, Peer};
use crate::cli::{AskArgs, EffectsAction, EffectsArgs, ResolveArgs};
use crate::exit::Done;
use crate::ui::{Tone, Ui, plain};

/// The most that one answer holds.
const PAGE: u32 = 100;

pub(crate) async fn run(args: EffectsArgs, ui: &Ui) -> Done {
    match args.action {
        EffectsAction::List {
            states,
            provider,
            subject,
            limit,
            ask,
        } => {
            let wanted = ListEffectsRequest {
                states,
                provider: provider.unwrap_or_default(),
                subject_id: subject.unwrap_or_default(),
                page_size: limit,
                cursor: String::new(),
            };
            list(&wanted, limit, &ask, ui).await
        }
        EffectsAction::Show { id, ask } => {
            for (peer, effect) in find(&id, &ask, ui).await? {
                show(&peer, &effect, ask.json, ui)?;
            }
            Ok(())
        }
        EffectsAction::Resolve(args) => resolve(args, ui).await,
    }
}

async fn list(wanted: &ListEffectsRequest, limit: u32, ask: &AskArgs, ui: &Ui) -> Done {
    let fleet = Fleet::find(ask)?;
    let answers = fleet.all(|peer| effects(peer, wanted.clone(), limit)).await;
    let mut effects: Vec<_> = answers
        .given
        .iter()
        .flat_map(|(peer, (effects, _))| effects.iter().map(|effect| (peer.name, effect)))
        .collect();
    effects.sort_by_key(|(_, effect)| Reverse(effect.created_at.map(|at| (at.seconds, at.nanos))));
    effects.truncate(limit.try_into().unwrap_or(usize::MAX));
    if ask.json {
        for (service, effect) in effects {
            ui.line(&as_json(service, effect)?.to_string());
        }
        return answers.complete(ui);
    }
    let unknown: u64 = answers.given.iter().map(|(_, (_, unknown))| unknown).sum();
    if effects.is_empty() {
        ui.line("no such calls");
    } else {
        let rows: Vec<_> = effects
            .into_iter()
            .map(|(service, effect)| row(service, effect))
            .collect();
        let heading = [
            "asked for",
            "service",
            "tenant",
            "provider",
            "operation",
            "state",
            "tries",
            "last failure",
            "effect",
        ];
        ui.table(&heading, &rows);
    }
    if unknown > 0 {
        ui.line(&ui.paint(
            Tone::Notice,
            &format!("{unknown} in doubt: `puente effects list --state unknown`, then `resolve`"),
        ));
    }
    answers.complete(ui)
}

/// Up to so many calls of one service, and how many are in doubt there.
async fn effects(peer: Peer, wanted: ListEffectsRequest, limit: u32) -> Result<(Vec<Effect>, u64), Status> {
    let (mut effects, mut cursor) = (Vec::new(), String::new());
    loop {
        let left = limit.saturating_sub(u32::try_from(effects.len()).unwrap_or(u32::MAX));
        let question = ListEffectsRequest {
            page_size: left.min(PAGE),
            cursor,
            ..wanted.clone()
        };
        let page = peer
            .operations()
            .list_effects(peer.request(question)?)
            .await?
            .into_inner();
        effects.extend(page.effects);
        cursor = page.next_cursor;
        if cursor.is_empty() || effects.len() >= limit.try_into().unwrap_or(usize::MAX) {
            return Ok((effects, page.unknown));
        }
    }
}

fn row(service: &str, effect: &Effect) -> Vec<String> {
    let failure = [effect.error_class.as_str(), effect.error_code.as_str()];
    vec![
        answer::time(effect.created_at.as_ref()),
        service.to_owned(),
        plain(&effect.tenant),
        plain(&effect.provider),
        plain(&effect.operation),
        plain(&effect.state),
        effect.attempts.to_string(),
        plain(failure.join(" ").trim()),
        plain(&effect.id),
    ]
}

async fn find(id: &str, ask: &AskArgs, ui: &Ui) -> Done<Vec<(Peer, Effect)>> {
    let fleet = Fleet::find(ask)?;
    let answers = fleet.all(|peer| async move {
        let question = GetEffectRequest { id: id.to_owned() };
        let answer = peer.operations().get_effect(peer.request(question)?).await?;
        answer
            .into_inner()
            .effect
            .ok_or_else(|| Status::not_found("none"))
    });
    answers.await.found(&format!("effect {id}"), ui)
}

async fn resolve(args: ResolveArgs, ui: &Ui) -> Done {
    let (resolution, said) = if args.repeat {
        (Resolution::Repeat, "it is called again")
    } else if args.confirm {
        (Resolution::Confirm, "it counts as done")
    } else {
        (Resolution::Close, "it is left")
    };
    // An id is unique over all services.
    for (peer, effect) in find(&args.id, &args.ask, ui).await? {
        let question = ResolveEffectRequest {
            id: effect.id.clone(),
            resolution: resolution.into(),
            reason: args.reason.clone(),
        };
        let answer = async { peer.operations().resolve_effect(peer.request(question)?).await };
        answer.await.map_err(|status| peer.failed(&status))?;
        if args.ask.json {
            let value =
                json!({ "service": peer.name, "id": effect.id, "resolution": resolution.as_str_name() });
            ui.line(&value.to_string());
        } else {
            ui.line(&format!("decided {} in {}: {said}", effect.id, peer.name));
        }
    }
    Ok(())
}

fn show(peer: &Peer, effect: &Effect, json: bool, ui: &Ui) -> Done {
    if json {
        ui.line(&as_json(peer.name, effect)?.to_string());
        return Ok(());
    }
    let rows = [
        ("effect", effect.id.clone()),
        ("service", peer.name.to_owned()),
        ("tenant", effect.tenant.clone()),
        ("key", effect.key.clone()),
        ("provider", effect.provider.clone()),
        ("connection", effect.connection.clone()),
        ("operation", effect.operation.clone()),
        ("belongs to", effect.subject_id.clone()),
        ("state", effect.state.clone()),
        ("priority", effect.priority.clone()),
        ("tries", effect.attempts.to_string()),
        (
            "last failure",
            [&effect.error_class, &effect.error_code, &effect.error_note]
                .map(String::as_str)
                .join(" ")
                .trim()
                .to_owned(),
        ),
        ("trace", effect.trace_id.clone()),
        ("asked for", answer::time(effect.created_at.as_ref())),
        ("called last", answer::time(effect.called_at.as_ref())),
        ("not before", answer::time(effect.not_before.as_ref())),
        ("ended", answer::time(effect.settled_at.as_ref())),
        ("ended by", effect.settled_by.clone()),
        ("payload (masked)", effect.payload_redacted.clone()),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), plain(&value)])
        .collect();
    ui.table(&[], &rows);
    Ok(())
}

/// The call with the service that makes it.
fn as_json(service: &str, effect: &Effect) -> Done<Value> {
    let mut value = answer::value("puente.operations.v1.Effect", effect)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("service".to_owned(), service.into());
    }
    Ok(value)
}
