//! Messages to people.

use axum::Json;
use puente_proto::notifications::{DeliveryState, GetMessageRequest, ListMessagesRequest, Message};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::{Limit, cursor, words};
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const MESSAGE: &str = "puente.notifications.v1.Message";

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadConversations);
    api.get(
        "/api/messages",
        read,
        list,
        doc("listMessages", "The tenant's messages to people, newest first")
            .query::<Wanted>()
            .message("puente.notifications.v1.ListMessagesResponse"),
    )
    .get(
        "/api/messages/{id}",
        read,
        get,
        doc("getMessage", "One message with its timeline").message(MESSAGE),
    )
    .ask(
        "/api/messages/{id}/reveal",
        Access::Needs(Right::RevealPersonal),
        reveal,
        doc(
            "revealMessage",
            "The message with its recipient; leaves a row in the audit trail",
        )
        .body::<Reason>()
        .message(MESSAGE),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Messages in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// What they are about, for instance an order's id.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    about: String,
    /// Words of `state`, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    states: String,
    /// Those of this trace: 32 hex digits.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    trace_id: String,
    /// Those that answer this event.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    cause: String,
    /// Those to this phone number, or its last digits, at least 7.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    phone: String,
    /// Those whose outcome nobody knows.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    parked: bool,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let mut states = Vec::new();
    for word in words(&wanted.states) {
        let name = format!("DELIVERY_STATE_{}", word.to_uppercase());
        let state = DeliveryState::from_str_name(&name).filter(|state| *state != DeliveryState::Unspecified);
        let state = state.ok_or_else(|| Failure::Invalid(format!("states: `{word}` is none")))?;
        states.push(state.into());
    }
    let question = ListMessagesRequest {
        about: wanted.about,
        states,
        trace_id: wanted.trace_id,
        parked: wanted.parked,
        cause: wanted.cause,
        phone: wanted.phone,
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        ..ListMessagesRequest::default()
    };
    let page = asking.ask().list_messages(question).await;
    let page = page.map_err(|status| Failure::of("notifications", &status))?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen(
        "puente.notifications.v1.ListMessagesResponse",
        &page,
        show,
    )))
}

async fn message(asking: &Asking, Id(id): Id) -> Result<Message, Problem> {
    let question = GetMessageRequest {
        message_id: id.to_string(),
    };
    let found = asking.ask().get_message(question).await;
    let found = found.map_err(|status| Failure::of("notifications", &status))?;
    found.message.ok_or_else(Problem::not_found)
}

async fn get(asking: Asking, id: Id) -> Answer {
    let message = message(&asking, id).await?;
    Ok(Json(seen(MESSAGE, &message, Show::to(&asking.principal))))
}

async fn reveal(asking: Asking, id: Id, Body(Reason { reason }): Body<Reason>) -> Answer {
    let message = message(&asking, id).await?;
    asking
        .revealed("message.revealed", &message.message_id, &reason)
        .await?;
    Ok(Json(seen(MESSAGE, &message, Show::All)))
}
