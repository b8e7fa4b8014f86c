//! Conversations with contacts. The words are with whoever received them: the events of ingress.

use std::collections::HashMap;

use axum::Json;
use puente_proto::operations::list_events_request::Key;
use puente_proto::operations::{EventIds, ListEventsRequest};
use puente_proto::orders::{GetConversationRequest, GetConversationResponse, ListConversationsRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::{Limit, cursor};
use super::orders::payload;
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const CONVERSATION: &str = "puente.orders.v1.Conversation";

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadConversations);
    let whole = [
        ("conversation", Shape::Message(CONVERSATION)),
        ("messages", Shape::Any),
        ("unavailable", Shape::Texts),
    ];
    api.get(
        "/api/conversations",
        read,
        list,
        doc(
            "listConversations",
            "The tenant's conversations, the one last written to first",
        )
        .query::<Wanted>()
        .message("puente.orders.v1.ListConversationsResponse"),
    )
    .get(
        "/api/conversations/{id}",
        read,
        get,
        doc(
            "getConversation",
            "One conversation with what came in, newest first; words are masked",
        )
        .object(&whole),
    )
    .ask(
        "/api/conversations/{id}/reveal",
        Access::Needs(Right::RevealPersonal),
        reveal,
        doc(
            "revealConversation",
            "The conversation with its words; leaves a row in the audit trail",
        )
        .body::<Reason>()
        .object(&whole),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Conversations in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// Those of this client.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    client_id: String,
    /// Those with this phone number, or its last digits, at least 7.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    phone: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let question = ListConversationsRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        client_id: wanted.client_id,
        phone: wanted.phone,
    };
    let page = asking.ask().list_conversations(question).await;
    let page = page.map_err(|status| Failure::of("orders", &status))?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen(
        "puente.orders.v1.ListConversationsResponse",
        &page,
        show,
    )))
}

async fn find(asking: &Asking, Id(id): Id) -> Result<GetConversationResponse, Problem> {
    let question = GetConversationRequest {
        conversation_id: id.to_string(),
    };
    let found = asking.ask().get_conversation(question).await;
    Ok(found.map_err(|status| Failure::of("orders", &status))?)
}

async fn get(asking: Asking, id: Id) -> Answer {
    let found = find(&asking, id).await?;
    whole(&asking, &found, Show::to(&asking.principal)).await
}

async fn reveal(asking: Asking, id: Id, Body(Reason { reason }): Body<Reason>) -> Answer {
    let object = id.0.to_string();
    let found = find(&asking, id).await?;
    asking.revealed("conversation.revealed", &object, &reason).await?;
    whole(&asking, &found, Show::All).await
}

async fn whole(asking: &Asking, found: &GetConversationResponse, show: Show) -> Answer {
    let ask = asking.ask();
    let ids = found
        .messages
        .iter()
        .map(|message| message.event_id.clone())
        .collect();
    let (mut words, mut unavailable) = (HashMap::new(), Vec::new());
    match asking.app.peers.ingress() {
        Ok(peer) if !found.messages.is_empty() => {
            let question = ListEventsRequest {
                key: Some(Key::Ids(EventIds { ids })),
                limit: super::lists::MOST,
                ..ListEventsRequest::default()
            };
            match ask.list_events(peer, question).await {
                Ok(events) => words.extend(events.events.into_iter().map(|event| (event.id.clone(), event))),
                Err(_) => unavailable.push("ingress"),
            }
        }
        Ok(_) => {}
        Err(_) => unavailable.push("ingress"),
    }
    let messages: Vec<Value> = found
        .messages
        .iter()
        .map(|message| {
            let mut value = seen("puente.orders.v1.ReceivedMessage", message, show);
            if let Value::Object(fields) = &mut value {
                let event = words.get(&message.event_id);
                let content = event.map(|event| payload(&event.r#type, &event.payload, show));
                fields.insert("content".to_owned(), content.unwrap_or_default());
            }
            value
        })
        .collect();
    let conversation = found.conversation.as_ref();
    Ok(Json(json!({
        "conversation": conversation.map(|one| seen(CONVERSATION, one, show)),
        "messages": messages,
        "unavailable": unavailable,
    })))
}
