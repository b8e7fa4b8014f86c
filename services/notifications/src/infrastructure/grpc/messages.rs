//! Questions about messages.

use puente_proto::notifications::{
    DeliveryState, GetMessageRequest, GetMessageResponse, ListMessagesRequest, ListMessagesResponse, Message,
    MessageStep, Recipient,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, cursor};
use puente_service::Readers;
use tonic::Status;

use super::ask;
use crate::domain::state::State;
use crate::domain::view::{Filter, MessageView, Place, Step};
use crate::infrastructure::store::query;
use crate::infrastructure::wire;

/// Messages in one part when nobody says how many.
const USUAL: u32 = 50;
/// Messages in one part at most, so that an answer stays within a message.
const MOST: u32 = 100;
/// The kind of cursors of messages: when the last one was asked for, and its id.
const CURSOR: u8 = 1;

pub(super) async fn list(
    readers: &Readers,
    caller: Caller,
    question: ListMessagesRequest,
) -> Result<ListMessagesResponse, Status> {
    let after = cursor::moment(CURSOR, &question.cursor)?.map(|(at, id)| Place { at, id });
    let size = match question.page_size {
        0 => USUAL,
        asked => asked.min(MOST),
    };
    let filter = filter(question)?;
    let tenant = caller.tenant()?;
    let mut tx = readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    // One more than is shown tells whether others follow.
    let mut found = query::newest(&mut tx, tenant, &filter, after, size + 1)
        .await
        .map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let last = found.last().filter(|_| more);
    Ok(ListMessagesResponse {
        next_cursor: last
            .map(|last| cursor::of_moment(CURSOR, last.queued_at, last.id.uuid()))
            .unwrap_or_default(),
        messages: found
            .into_iter()
            .map(|message| shown(message, Vec::new()))
            .collect(),
    })
}

pub(super) async fn get(
    readers: &Readers,
    caller: Caller,
    question: GetMessageRequest,
) -> Result<GetMessageResponse, Status> {
    let id = ask::id(&question.message_id, "a message")?.into();
    let tenant = caller.tenant()?;
    let mut tx = readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let found = query::find(&mut tx, tenant, id).await.map_err(ask::failed)?;
    let message = found.ok_or_else(|| Status::not_found("there is no such message"))?;
    let timeline = query::timeline(&mut tx, tenant, id).await.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    Ok(GetMessageResponse {
        message: Some(shown(message, timeline)),
    })
}

fn filter(question: ListMessagesRequest) -> Result<Filter, Status> {
    let states: Option<Vec<State>> = question.states.iter().map(|state| wire::asked(*state)).collect();
    let cause = Some(question.cause.as_str()).filter(|cause| !cause.is_empty());
    Ok(Filter {
        about: ask::word(question.about, "what messages are about")?,
        connection: ask::word(question.connection, "a connection")?,
        contact_id: ask::word(question.contact_id, "a contact's id")?,
        states: states.ok_or_else(|| Status::invalid_argument("one of the states is none of a message"))?,
        trace_id: ask::trace(&question.trace_id)?,
        parked: question.parked,
        cause: cause.map(|cause| ask::id(cause, "an event")).transpose()?,
        phone: ask::phone(&question.phone)?,
    })
}

fn shown(message: MessageView, timeline: Vec<Step>) -> Message {
    Message {
        message_id: message.id.to_string(),
        about: message.about,
        cause: message.cause.to_string(),
        recipient: Some(Recipient {
            provider: message.provider,
            connection: message.connection,
            contact_id: message.contact_id,
            phone: message.phone,
        }),
        template: message.template,
        form: message.form,
        state: state(message.state),
        provider_message_id: message.provider_message_id.unwrap_or_default(),
        error_code: message.error_code.unwrap_or_default(),
        error_tag: message.error_tag.unwrap_or_default(),
        error_note: message.error_note.unwrap_or_default(),
        parked: message.parked,
        effect_key: message.effect_key,
        trace_id: message.trace_id.unwrap_or_default(),
        cost_minor: message.cost_minor,
        cost_currency: message.cost_currency.unwrap_or_default(),
        queued_at: Some(timestamp(message.queued_at)),
        changed_at: Some(timestamp(message.changed_at)),
        timeline: timeline.into_iter().map(step).collect(),
    }
}

fn step(step: Step) -> MessageStep {
    MessageStep {
        state: state(step.state),
        at: Some(timestamp(step.at)),
        source: step.source,
    }
}

fn state(state: State) -> i32 {
    DeliveryState::into(wire::delivery(state))
}
