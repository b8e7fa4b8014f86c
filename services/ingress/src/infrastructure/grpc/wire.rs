//! Between protobuf and ours, both ways. Whatever a caller sends is checked here.

use puente_proto::ingress::{Delivery, DeliveryFilter as WireFilter, Replay, ReplayCounts, ReplayDifference};
use puente_proto::{instant, timestamp};
use time::{Duration, OffsetDateTime};
use tonic::Status;
use uuid::Uuid;

use crate::domain::{Counts, DeliveryFilter, Difference};
use crate::infrastructure::deliveries::Listed;
use crate::infrastructure::replays::jobs;

/// Longest provider or connection name.
const MAX_NAME: usize = 64;
const OUTCOMES: [&str; 6] = [
    "accepted",
    "duplicate",
    "ignored",
    "unroutable",
    "malformed",
    "refused",
];
/// Entries of a list that says nothing, and at most.
const PAGE: (u32, u32) = (50, 100);

/// How many entries are wanted.
pub(super) fn page_size(asked: u32) -> usize {
    let size = if asked == 0 { PAGE.0 } else { asked.min(PAGE.1) };
    usize::try_from(size).unwrap_or(1)
}

/// An id, or that nothing has it.
pub(super) fn id(text: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(text).map_err(|_| Status::invalid_argument("this is no id"))
}

/// The filter of a caller. Times are brought into the range that anything here can have.
pub(super) fn filter(wire: Option<WireFilter>, now: OffsetDateTime) -> Result<DeliveryFilter, Status> {
    let wire = wire.unwrap_or_default();
    let name = |text: String, what: &str| match text.len() {
        0 => Ok(None),
        1..=MAX_NAME if !text.contains('\0') => Ok(Some(text)),
        _ => Err(Status::invalid_argument(format!("this is no {what}"))),
    };
    let at = |time: Option<prost_types::Timestamp>| match time {
        None => Ok(None),
        Some(time) => instant(&time)
            .map(|at| Some(at.clamp(OffsetDateTime::UNIX_EPOCH, now + Duration::days(1))))
            .ok_or_else(|| Status::invalid_argument("a time is out of range")),
    };
    if wire.outcomes.len() > OUTCOMES.len()
        || wire.outcomes.iter().any(|one| !OUTCOMES.contains(&one.as_str()))
    {
        return Err(Status::invalid_argument(format!(
            "outcomes are {}",
            OUTCOMES.join(", ")
        )));
    }
    let trace = wire.trace_id.to_ascii_lowercase();
    let is_trace = trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit());
    if !trace.is_empty() && !is_trace {
        return Err(Status::invalid_argument("a trace id is 32 hex digits"));
    }
    let (since, until) = (at(wire.since)?, at(wire.until)?);
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        return Err(Status::invalid_argument("the time ends before it begins"));
    }
    Ok(DeliveryFilter {
        provider: name(wire.provider, "provider")?,
        connection: name(wire.connection, "connection")?,
        outcomes: wire.outcomes,
        since,
        until,
        trace_id: Some(trace).filter(|trace| !trace.is_empty()),
    })
}

pub(super) fn delivery(listed: Listed) -> Delivery {
    Delivery {
        id: listed.id.to_string(),
        tenant: listed.tenant.unwrap_or_default(),
        provider: listed.provider,
        connection: listed.connection.unwrap_or_default(),
        received_at: Some(timestamp(listed.received_at)),
        receipt_sequence: listed.receipt_sequence,
        verification: listed.verification,
        outcome: listed.outcome,
        reason: listed.reason.unwrap_or_default(),
        events: u32::try_from(listed.events).unwrap_or(0),
        body_bytes: u32::try_from(listed.body_bytes).unwrap_or(0),
        trace_id: trace_id(listed.traceparent.as_deref()),
        path: listed.path,
    }
}

/// The trace of a `traceparent`: its second part.
fn trace_id(traceparent: Option<&str>) -> String {
    let trace = traceparent.and_then(|text| text.split('-').nth(1));
    trace.unwrap_or_default().to_owned()
}

pub(super) fn counts(counts: Counts) -> ReplayCounts {
    ReplayCounts {
        deliveries: counts.deliveries,
        same: counts.same,
        different: counts.different,
        fresh: counts.fresh,
        skipped: counts.skipped,
    }
}

pub(super) fn difference(one: Difference) -> ReplayDifference {
    ReplayDifference {
        delivery_id: one.delivery.to_string(),
        event_id: one.event.map(|id| id.to_string()).unwrap_or_default(),
        r#type: one.kind.to_owned(),
        fields: one.fields,
    }
}

pub(super) fn replay(replay: jobs::Replay) -> Replay {
    let filter = replay.wanted.filter;
    Replay {
        id: replay.id.to_string(),
        state: replay.state,
        filter: Some(WireFilter {
            provider: filter.provider.unwrap_or_default(),
            connection: filter.connection.unwrap_or_default(),
            outcomes: filter.outcomes,
            since: Some(timestamp(replay.wanted.since)),
            until: Some(timestamp(replay.wanted.until)),
            trace_id: filter.trace_id.unwrap_or_default(),
        }),
        requested_by: replay.requested_by,
        reason: replay.reason,
        total: replay.total.unwrap_or(0),
        done: Some(counts(replay.done)),
        started_at: Some(timestamp(replay.started_at)),
        ended_at: replay.ended_at.map(timestamp),
        error: replay.error.unwrap_or_default(),
    }
}
