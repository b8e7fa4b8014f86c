//! `puente deliveries list|show|replay`.

mod progress;
mod replay;

use puente_proto::ingress::{
    Delivery, DeliveryFilter, GetDeliveryRequest, GetDeliveryResponse, ListDeliveriesRequest,
};
use puente_types::{Clock as _, SystemClock};
use serde_json::Value;
use time::OffsetDateTime;

use crate::answer;
use crate::ask::{Fleet, Peer};
use crate::cli::{DeliveriesAction, DeliveriesArgs, FilterArgs};
use crate::exit::Done;
use crate::ui::{Tone, Ui, plain};

/// The most that one answer holds.
const PAGE: u32 = 100;
/// Of a body on the terminal; the whole is in `--json`.
const BODY_SHOWN: usize = 64 * 1024;

pub(crate) async fn run(args: DeliveriesArgs, ui: &Ui) -> Done {
    match args.action {
        DeliveriesAction::List {
            filter,
            trace,
            limit,
            ask,
        } => {
            let fleet = Fleet::find(&ask)?;
            let filter = DeliveryFilter {
                trace_id: trace.unwrap_or_default(),
                ..wanted(filter, SystemClock.now())
            };
            list(fleet.peer("ingress")?, filter, limit, ask.json, ui).await
        }
        DeliveriesAction::Show { id, body, ask } => {
            let fleet = Fleet::find(&ask)?;
            show(fleet.peer("ingress")?, id, body, ask.json, ui).await
        }
        DeliveriesAction::Replay(args) => Box::pin(replay::run(*args, ui)).await,
    }
}

/// What the command line asks for, as ingress understands it.
fn wanted(filter: FilterArgs, now: OffsetDateTime) -> DeliveryFilter {
    let at = |moment: crate::when::Moment| puente_proto::timestamp(moment.instant(now));
    DeliveryFilter {
        provider: filter.provider.unwrap_or_default(),
        connection: filter.connection.unwrap_or_default(),
        outcomes: filter.outcomes,
        since: filter.since.map(at),
        until: filter.until.map(at),
        trace_id: String::new(),
    }
}

async fn list(ingress: &Peer, filter: DeliveryFilter, limit: u32, json: bool, ui: &Ui) -> Done {
    let mut left = limit;
    let mut cursor = String::new();
    let mut rows = Vec::new();
    while left > 0 {
        let question = ListDeliveriesRequest {
            filter: Some(filter.clone()),
            page_size: left.min(PAGE),
            cursor,
        };
        let answer = async {
            ingress
                .deliveries()
                .list_deliveries(ingress.request(question)?)
                .await
        };
        let page = answer
            .await
            .map_err(|status| ingress.failed(&status))?
            .into_inner();
        left = left.saturating_sub(u32::try_from(page.deliveries.len()).unwrap_or(u32::MAX));
        for delivery in &page.deliveries {
            if !json {
                rows.push(row(delivery));
            } else if !ui.printed(&answer::value("puente.ingress.v1.Delivery", delivery)?.to_string()) {
                return Ok(());
            }
        }
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    if json {
        return Ok(());
    }
    if rows.is_empty() {
        ui.line("no such deliveries");
        return Ok(());
    }
    let heading = [
        "received",
        "provider",
        "tenant",
        "connection",
        "outcome",
        "events",
        "bytes",
        "delivery",
    ];
    ui.table(&heading, &rows);
    if !cursor.is_empty() {
        ui.note("there are older ones: --limit, --until");
    }
    Ok(())
}

fn row(delivery: &Delivery) -> Vec<String> {
    let outcome = match delivery.reason.as_str() {
        "" => delivery.outcome.clone(),
        reason => format!("{} ({reason})", delivery.outcome),
    };
    vec![
        answer::time(delivery.received_at.as_ref()),
        plain(&delivery.provider),
        plain(&delivery.tenant),
        plain(&delivery.connection),
        plain(&outcome),
        delivery.events.to_string(),
        delivery.body_bytes.to_string(),
        delivery.id.clone(),
    ]
}

async fn show(ingress: &Peer, id: String, body: bool, json: bool, ui: &Ui) -> Done {
    let question = GetDeliveryRequest { id };
    let answer = async {
        ingress
            .deliveries()
            .get_delivery(ingress.request(question)?)
            .await
    };
    let found = answer
        .await
        .map_err(|status| ingress.failed(&status))?
        .into_inner();
    if json {
        let mut value = answer::value("puente.ingress.v1.GetDeliveryResponse", &found)?;
        if let Some(fields) = value.as_object_mut().filter(|_| !body) {
            fields.insert("body".to_owned(), Value::Null);
        }
        ui.line(&value.to_string());
        return Ok(());
    }
    let GetDeliveryResponse { delivery, .. } = &found;
    let Some(delivery) = delivery else { return Ok(()) };
    let rows = [
        ("delivery", delivery.id.clone()),
        ("received", answer::time(delivery.received_at.as_ref())),
        (
            "place in the order of receipt",
            delivery.receipt_sequence.to_string(),
        ),
        ("provider", delivery.provider.clone()),
        ("connection", delivery.connection.clone()),
        ("tenant", delivery.tenant.clone()),
        ("verification", delivery.verification.clone()),
        ("outcome", delivery.outcome.clone()),
        ("reason", delivery.reason.clone()),
        ("path", delivery.path.clone()),
        ("query", found.query.clone()),
        ("trace", delivery.trace_id.clone()),
        (
            "body",
            format!("{} bytes, SHA-256 {}", delivery.body_bytes, found.body_sha256),
        ),
        ("events", found.event_ids.join(", ")),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), plain(&value)])
        .collect();
    ui.table(&[], &rows);
    ui.heading("Headers");
    let headers: Vec<_> = found
        .headers
        .iter()
        .map(|header| vec![plain(&header.name), plain(&header.value)])
        .collect();
    ui.table(&[], &headers);
    if body {
        ui.heading("Body");
        let shown = found.body.get(..BODY_SHOWN).unwrap_or(&found.body);
        for line in String::from_utf8_lossy(shown).lines() {
            ui.line(&plain(line));
        }
        if shown.len() < found.body.len() {
            ui.note("the rest is in --json --body");
        }
    } else {
        ui.line(&ui.paint(Tone::Dim, "--body shows what was sent: it holds personal data"));
    }
    Ok(())
}
