//! Published events, with their payloads as JSON.

use std::cmp::Reverse;

use axum::Json;
use puente_proto::operations::list_events_request::Key;
use puente_proto::operations::{EventIds, ListEventsRequest, PublishedEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::{Code, Status};
use utoipa::IntoParams;
use uuid::Uuid;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::{Limit, cursor};
use super::orders::payload;
use crate::application::failure::Failure;
use crate::application::fanout::{self, Cursor, Page, Part};
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const EVENT: &str = "puente.operations.v1.PublishedEvent";

pub(super) fn routes(api: Api) -> Api {
    api.get(
        "/api/events",
        Access::Needs(Right::ReadTraffic),
        list,
        doc(
            "listEvents",
            "Events of one aggregate, trace, cause or id, oldest first; payloads are decoded, personal fields masked",
        )
        .query::<Wanted>()
        .object(&[
            ("events", Shape::Messages(EVENT)),
            ("next_cursor", Shape::Text),
            ("unavailable", Shape::Texts),
        ]),
    )
    .ask(
        "/api/events/{id}/reveal",
        Access::Needs(Right::RevealPayload),
        reveal,
        doc("revealEvent", "The event unmasked; leaves a row in the audit trail").body::<Reason>().message(EVENT),
    )
}

/// Exactly one of the first four.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What they happened to.
    #[param(max_length = 200)]
    aggregate_id: Option<String>,
    /// The trace: 32 hex digits.
    #[param(pattern = "^[0-9a-f]{32}$")]
    trace_id: Option<String>,
    /// The event or delivery that led to them.
    #[param(max_length = 200)]
    cause: Option<String>,
    /// The event.
    id: Option<Uuid>,
    /// Events in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
}

impl Wanted {
    fn key(self) -> Result<Key, Failure> {
        let keys = [
            self.aggregate_id.map(Key::AggregateId),
            self.trace_id.map(Key::TraceId),
            self.cause.map(Key::Cause),
            self.id.map(|id| {
                Key::Ids(EventIds {
                    ids: vec![id.to_string()],
                })
            }),
        ];
        let mut given = keys.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(Key::TraceId(trace)), None) if !is_trace(&trace) => {
                Err(Failure::Invalid("trace_id: 32 lower-case hex digits".to_owned()))
            }
            (Some(Key::AggregateId(text) | Key::Cause(text)), None)
                if text.is_empty() || text.len() > 200 =>
            {
                Err(Failure::Invalid("an id has 1 to 200 characters".to_owned()))
            }
            (Some(key), None) => Ok(key),
            _ => Err(Failure::Invalid(
                "give exactly one of aggregate_id, trace_id, cause and id".to_owned(),
            )),
        }
    }
}

/// Whether this is a trace's id.
pub(crate) fn is_trace(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let limit = wanted.limit.0;
    let cursor = Cursor::read(&wanted.cursor)?;
    let found = find(&asking, &wanted.key()?, &cursor, limit).await?;
    let show = Show::to(&asking.principal);
    let events: Vec<Value> = found.items.iter().map(|(_, one)| event(one, show)).collect();
    Ok(Json(json!({
        "events": events,
        "next_cursor": found.next,
        "unavailable": found.unavailable,
    })))
}

async fn reveal(asking: Asking, Id(id): Id, Body(Reason { reason }): Body<Reason>) -> Answer {
    let key = Key::Ids(EventIds {
        ids: vec![id.to_string()],
    });
    let page = find(&asking, &key, &Cursor::default(), 1).await?;
    let Some((_, found)) = page.items.first() else {
        return Err(match page.unavailable.first() {
            Some(service) => Failure::Away(service).into(),
            None => Problem::not_found(),
        });
    };
    asking.revealed("event.revealed", &found.id, &reason).await?;
    Ok(Json(event(found, Show::All)))
}

/// What services page by: oldest first, where a fan-out wants the largest first.
type Place = Reverse<(i64, i32, i64)>;

async fn find(
    asking: &Asking,
    key: &Key,
    cursor: &Cursor<Place>,
    limit: u32,
) -> Result<Page<PublishedEvent>, Failure> {
    let ask = asking.ask();
    let services: Vec<&'static str> = ask.all().iter().map(|peer| peer.name).collect();
    let of_one = |service: &'static str, cursor: String| async move {
        let peer = ask
            .named(service)
            .ok_or_else(|| Status::unavailable("not connected"))?;
        let question = ListEventsRequest {
            key: Some(key.clone()),
            limit,
            cursor,
        };
        match ask.list_events(peer, question).await {
            Ok(found) => Ok(Part {
                items: found.events,
                next: found.next_cursor,
                count: 0,
            }),
            // A service that keeps no such index has nothing to tell.
            Err(status) if status.code() == Code::FailedPrecondition => Ok(Part {
                items: Vec::new(),
                next: String::new(),
                count: 0,
            }),
            Err(status) => Err(status),
        }
    };
    let place = |event: &PublishedEvent| {
        let at = event.committed_at.unwrap_or_default();
        Reverse((at.seconds, at.nanos, event.seq))
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    fanout::page(&services, cursor, limit, of_one, place).await
}

/// An event with its payload decoded.
pub(super) fn event(event: &PublishedEvent, show: Show) -> Value {
    let mut value = seen(EVENT, event, show);
    if let Value::Object(fields) = &mut value {
        fields.insert("payload".to_owned(), payload(&event.r#type, &event.payload, show));
    }
    value
}
