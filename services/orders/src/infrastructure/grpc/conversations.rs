//! Questions about conversations.

use puente_proto::orders::{
    Conversation, GetConversationRequest, GetConversationResponse, ListConversationsRequest,
    ListConversationsResponse, ReceivedMessage,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, cursor};
use tonic::Status;

use super::super::store::PgQueries;
use super::ask;
use crate::application::list_conversations::list_conversations;
use crate::domain::queries::ConversationQueries;
use crate::domain::view::{ConversationFilter, ConversationView, ReceivedView};

/// The kind of cursors of conversations: when the contact of the last one wrote, and its id.
const CURSOR: u8 = 3;

pub(super) async fn get(
    queries: &PgQueries,
    caller: Caller,
    question: GetConversationRequest,
) -> Result<GetConversationResponse, Status> {
    let id = ask::id(&question.conversation_id, "a conversation")?;
    let found = ConversationQueries::find(queries, caller.tenant()?, id)
        .await
        .map_err(ask::failed)?;
    let (conversation, messages) = found.ok_or_else(|| Status::not_found("there is no such conversation"))?;
    Ok(GetConversationResponse {
        conversation: Some(shown(conversation)),
        messages: messages.into_iter().map(received).collect(),
    })
}

pub(super) async fn list(
    queries: &PgQueries,
    caller: Caller,
    question: ListConversationsRequest,
) -> Result<ListConversationsResponse, Status> {
    let filter = ConversationFilter {
        client: ask::optional_id(&question.client_id, "a client")?,
        phone: ask::phone(&question.phone)?,
    };
    let after = ask::place(CURSOR, &question.cursor)?;
    let page = list_conversations(queries, caller.tenant()?, &filter, after, question.page_size)
        .await
        .map_err(ask::failed)?;
    let next = page
        .last_of_many()
        .map(|last| cursor::of_moment(CURSOR, last.spoken_at, last.id.uuid()));
    Ok(ListConversationsResponse {
        next_cursor: next.unwrap_or_default(),
        conversations: page.entries.into_iter().map(shown).collect(),
    })
}

fn shown(conversation: ConversationView) -> Conversation {
    let (client_id, client_name) = conversation
        .client
        .map(|(id, name)| (id.to_string(), name))
        .unwrap_or_default();
    Conversation {
        conversation_id: conversation.id.to_string(),
        provider: conversation.reach.provider,
        connection: conversation.reach.connection,
        contact_id: conversation.reach.contact_id,
        client_id,
        client_name,
        begun_at: Some(timestamp(conversation.begun_at)),
        last_at: conversation.last_at.map(timestamp),
        waiting: conversation.waiting,
        aggregate_id: conversation.aggregate_id,
    }
}

fn received(message: ReceivedView) -> ReceivedMessage {
    ReceivedMessage {
        event_id: message.event.to_string(),
        occurred_at: Some(timestamp(message.occurred_at)),
        worked_at: message.worked_at.map(timestamp),
        trace_id: ask::trace(message.traceparent.as_deref()),
    }
}
