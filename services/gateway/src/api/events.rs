//! Published events, with their payloads as JSON.

use axum::Json;
use futures::future::join_all;
use puente_proto::operations::list_events_request::Key;
use puente_proto::operations::{EventIds, ListEventsRequest, PublishedEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use uuid::Uuid;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::Limit;
use super::orders::payload;
use crate::application::failure::Failure;
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
        .object(&[("events", Shape::Messages(EVENT)), ("unavailable", Shape::Texts)]),
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
    let (events, unavailable) = find(&asking, wanted.key()?, limit).await?;
    let show = Show::to(&asking.principal);
    let events: Vec<Value> = events.iter().map(|found| event(found, show)).collect();
    Ok(Json(json!({ "events": events, "unavailable": unavailable })))
}

async fn reveal(asking: Asking, Id(id): Id, Body(Reason { reason }): Body<Reason>) -> Answer {
    let key = Key::Ids(EventIds {
        ids: vec![id.to_string()],
    });
    let (events, unavailable) = find(&asking, key, 1).await?;
    let Some(found) = events.first() else {
        return Err(match unavailable.first() {
            Some(service) => Failure::Away(service).into(),
            None => Problem::not_found(),
        });
    };
    asking.revealed("event.revealed", &found.id, &reason).await?;
    Ok(Json(event(found, Show::All)))
}

async fn find(
    asking: &Asking,
    key: Key,
    limit: u32,
) -> Result<(Vec<PublishedEvent>, Vec<&'static str>), Problem> {
    let ask = asking.ask();
    let asked = ask.all().into_iter().map(|peer| {
        let question = ListEventsRequest {
            key: Some(key.clone()),
            limit,
        };
        async move { (peer.name, ask.list_events(peer, question).await) }
    });
    let (mut events, mut unavailable) = (Vec::new(), Vec::new());
    for (service, answer) in join_all(asked).await {
        match answer {
            Ok(found) => events.extend(found.events),
            // A service that keeps no such index has nothing to tell.
            Err(status) if status.code() == tonic::Code::FailedPrecondition => {}
            Err(status) => match Failure::of(service, &status) {
                failure if failure.is_away() => unavailable.push(service),
                failure => return Err(failure.into()),
            },
        }
    }
    events.sort_by_key(|event| event.committed_at.map(|at| (at.seconds, at.nanos)));
    events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((events, unavailable))
}

/// An event with its payload decoded.
pub(super) fn event(event: &PublishedEvent, show: Show) -> Value {
    let mut value = seen(EVENT, event, show);
    if let Value::Object(fields) = &mut value {
        fields.insert("payload".to_owned(), payload(&event.r#type, &event.payload, show));
    }
    value
}
