//! Events that a service could not handle.

use axum::Json;
use axum::extract::Path;
use puente_proto::operations::{
    CloseDeadLetterRequest, DeadLetter, GetDeadLetterRequest, ListDeadLettersRequest, RetryDeadLetterRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use uuid::Uuid;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Query};
use super::lists::{Limit, cursor};
use super::orders::payload;
use crate::application::failure::Failure;
use crate::application::fanout::{self, Cursor, Part};
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::peers::Peer;
use crate::web::{Access, Problem};

const LETTER: &str = "puente.operations.v1.DeadLetter";

pub(super) fn routes(api: Api) -> Api {
    let settle = Access::Needs(Right::SettleDeadLetters);
    let one = "/api/dead-letters/{service}/{consumer}/{event_id}";
    api.get(
        "/api/dead-letters",
        Access::Needs(Right::ReadDeadLetters),
        list,
        doc(
            "listDeadLetters",
            "Events that could not be handled, of all services, newest first",
        )
        .query::<Wanted>()
        .object(&[
            ("letters", Shape::OfServices(LETTER)),
            ("next_cursor", Shape::Text),
            ("waiting", Shape::Count),
            ("unavailable", Shape::Texts),
        ]),
    )
    .get(
        one,
        Access::Needs(Right::ReadDeadLetters),
        get,
        doc("getDeadLetter", "One of them, its payload decoded and masked").message(LETTER),
    )
    .post(
        "/api/dead-letters/{service}/{consumer}/{event_id}/retry",
        settle,
        retry,
        doc("retryDeadLetter", "Handles the event again from the start")
            .object(&[("handled", Shape::Flag), ("reason", Shape::Text)]),
    )
    .post(
        "/api/dead-letters/{service}/{consumer}/{event_id}/close",
        settle,
        close,
        doc("closeDeadLetter", "Leaves the event unhandled for good")
            .body::<Reason>()
            .object(&[("closed", Shape::Flag)]),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Letters in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// Also those that were retried or closed.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    resolved: bool,
    /// Those of this event type: `puente.orders.v1.OrderOpened`.
    #[serde(default, rename = "type")]
    #[param(value_type = Option<String>)]
    kind: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let ask = asking.ask();
    let services: Vec<&'static str> = ask.all().iter().map(|peer| peer.name).collect();
    let cursor = Cursor::read(&wanted.cursor)?;
    let wanted = &wanted;
    let of_one = |service: &'static str, cursor: String| async move {
        let peer = ask
            .named(service)
            .ok_or_else(|| tonic::Status::unavailable("not connected"))?;
        let question = ListDeadLettersRequest {
            resolved: wanted.resolved,
            r#type: wanted.kind.clone(),
            page_size: wanted.limit.0,
            cursor,
        };
        let found = ask.list_dead_letters(peer, question).await?;
        Ok(Part {
            items: found.letters,
            next: found.next_cursor,
            count: found.waiting,
        })
    };
    let limit = usize::try_from(wanted.limit.0).unwrap_or(usize::MAX);
    // What services page by.
    let key = |letter: &DeadLetter| {
        let at = letter.dead_at.unwrap_or_default();
        let (event, consumer) = (letter.event_id.clone(), letter.consumer.clone());
        (at.seconds, at.nanos, event, consumer)
    };
    let page = fanout::page(&services, &cursor, limit, of_one, key).await?;
    let show = Show::to(&asking.principal);
    let letters: Vec<Value> = page
        .items
        .iter()
        .map(|(service, letter)| of_service(service, seen(LETTER, letter, show)))
        .collect();
    Ok(Json(json!({
        "letters": letters,
        "next_cursor": page.next,
        "waiting": page.count,
        "unavailable": page.unavailable,
    })))
}

/// Adds the name of the service that has it.
pub(super) fn of_service(service: &str, mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.insert("service".to_owned(), service.into());
    }
    value
}

/// The service that the path names.
pub(super) fn service<'a>(asking: &'a Asking, name: &str) -> Result<&'a Peer, Problem> {
    asking
        .app
        .peers
        .all()
        .find(|peer| peer.name == name)
        .ok_or_else(Problem::not_found)
}

type Which = Path<(String, String, String)>;

fn named(event_id: &str, consumer: &str) -> Result<(), Problem> {
    let fits = consumer.len() <= 200 && !consumer.chars().any(char::is_control);
    if fits && Uuid::try_parse(event_id).is_ok() {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

async fn letter(asking: &Asking, peer: &Peer, event_id: &str, consumer: &str) -> Result<DeadLetter, Problem> {
    named(event_id, consumer)?;
    let question = GetDeadLetterRequest {
        event_id: event_id.to_owned(),
        consumer: consumer.to_owned(),
    };
    let found = asking.ask().get_dead_letter(peer, question).await;
    let found = found.map_err(|status| Failure::of(peer.name, &status))?;
    found.letter.ok_or_else(Problem::not_found)
}

async fn get(asking: Asking, Path((of, consumer, event_id)): Which) -> Answer {
    let peer = service(&asking, &of)?;
    let letter = letter(&asking, peer, &event_id, &consumer).await?;
    let show = Show::to(&asking.principal);
    let mut value = seen(LETTER, &letter, show);
    if let Value::Object(fields) = &mut value {
        fields.insert(
            "payload".to_owned(),
            payload(&letter.r#type, &letter.payload, show),
        );
    }
    Ok(Json(value))
}

async fn retry(asking: Asking, Path((of, consumer, event_id)): Which) -> Answer {
    let peer = service(&asking, &of)?;
    named(&event_id, &consumer)?;
    let question = RetryDeadLetterRequest {
        event_id: event_id.clone(),
        consumer: consumer.clone(),
    };
    let retried = async {
        let done = asking.ask().retry_dead_letter(peer, question).await;
        done.map_err(|status| Failure::of(peer.name, &status).into())
    };
    let after = json!({ "service": peer.name, "consumer": consumer });
    let done = asking
        .recorded(
            "dead_letter.retried",
            &event_id,
            (None, Some(after)),
            None,
            retried,
        )
        .await?;
    Ok(Json(json!({ "handled": done.handled, "reason": done.reason })))
}

async fn close(
    asking: Asking,
    Path((of, consumer, event_id)): Which,
    Body(Reason { reason }): Body<Reason>,
) -> Answer {
    let peer = service(&asking, &of)?;
    named(&event_id, &consumer)?;
    let question = CloseDeadLetterRequest {
        event_id: event_id.clone(),
        consumer: consumer.clone(),
        reason: reason.clone(),
    };
    let closed = async {
        let done = asking.ask().close_dead_letter(peer, question).await;
        done.map_err(|status| Failure::of(peer.name, &status).into())
    };
    let after = json!({ "service": peer.name, "consumer": consumer });
    asking
        .recorded(
            "dead_letter.closed",
            &event_id,
            (None, Some(after)),
            Some(&reason),
            closed,
        )
        .await?;
    Ok(Json(json!({ "closed": true })))
}
