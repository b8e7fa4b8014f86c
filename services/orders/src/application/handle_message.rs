//! Works one message of a conversation: what the bot decides is done, and the replies come back as notices.
//!
//! Runs inside the conversation's turn, so that the memory, the client, the order and the replies are one commit.

use std::collections::BTreeMap;

use puente_types::{ClientId, ConversationId, Nit, OrderId, Region};
use uuid::Uuid;

use crate::application::open_order::open_order;
use crate::application::register_client::register_client;
use crate::application::track_order::track_order;
use crate::domain::client::Client;
use crate::domain::company::Checked;
use crate::domain::conversation::{Conversation, Heard, Mode, Speaker};
use crate::domain::engine::{Action, Facts, KnownClient, advance, names_nit};
use crate::domain::error::StoreError;
use crate::domain::event::Notice;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Channel, Contact, Order};
use crate::domain::ports::Turn;
use crate::domain::skill::SkillSet;

/// What a message led to, besides what the turn has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// The memory to keep.
    pub conversation: Conversation,
    /// Replies to ask notifications for.
    pub notices: Vec<Notice>,
    /// The order that was opened, if one was.
    pub opened: Option<Order>,
    /// The client that the speaker is, if it is one by now.
    pub client: Option<ClientId>,
    /// The message was not worked: it waits for what the ERP says of this tax id.
    pub waits_for: Option<Nit>,
}

/// A message with what stands around it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The conversation's id; replies are about it.
    pub id: ConversationId,
    /// Who wrote.
    pub speaker: &'a Speaker,
    /// What was written.
    pub heard: &'a Heard,
    /// Where numbers without a country code belong.
    pub region: Region,
    /// An id for what this message begins.
    pub fresh: Uuid,
}

/// Works a message.
///
/// # Errors
/// The store's answer; the whole turn is then worked again later.
pub async fn handle_message<T: Turn>(
    set: &SkillSet,
    turn: &mut T,
    mut conversation: Conversation,
    message: Message<'_>,
) -> Result<Handled, StoreError> {
    let speaker = message.speaker;
    let mut client = turn.client_of(speaker).await?;
    if let Mode::Capturing(capture) = &conversation.mode
        && turn.capture_ended(capture.id).await?
    {
        // ocr is done with it: the message stands by itself.
        conversation.mode = Mode::Idle;
    }
    let checked = match names_nit(set, &conversation, message.heard) {
        None => None,
        Some(nit) => match turn.weigh(&nit).await? {
            Some(verdict) => Some(Checked { nit, verdict }),
            None => {
                return Ok(Handled {
                    conversation,
                    notices: Vec::new(),
                    opened: None,
                    client: None,
                    waits_for: Some(nit),
                });
            }
        },
    };
    let order = named_order(turn, client.as_ref(), &conversation, &message).await?;
    let facts = Facts {
        checked,
        order,
        fresh: message.fresh,
        client: client.as_ref().map(known),
        phone: speaker.phone.clone(),
        region: message.region,
    };
    let step = advance(set, conversation, message.heard, facts);
    let mut handled = Handled {
        conversation: step.conversation,
        notices: Vec::new(),
        opened: None,
        client: None,
        waits_for: None,
    };
    let notice = |template, variables| Notice {
        to: speaker.reach.clone(),
        phone: speaker.phone.clone(),
        template,
        variables,
        about: message.id.to_string(),
    };
    for action in step.actions {
        match action {
            Action::Reply { template, variables } => handled.notices.push(notice(template, variables)),
            Action::RegisterClient(data) => client = Some(register_client(turn, speaker, data).await?),
            Action::EnrolCompany(data) => {
                turn.enrol(data).await?;
            }
            Action::KeepNit(nit) => {
                let client = client.as_ref().ok_or_else(|| no_client("a tax id"))?;
                turn.keep_nit(client.id, &nit).await?;
            }
            Action::OpenOrder { request, company } => {
                let company = match &company {
                    Some(nit) => turn.client_of_nit(nit).await?,
                    None => None,
                };
                let contact = contact(speaker, client.as_ref(), company.as_ref())
                    .ok_or_else(|| no_client("an order"))?;
                handled.opened = Some(open_order(turn, contact, request, Channel::Whatsapp).await?);
            }
            Action::TellCapture(told) => match too_many(set, turn, told.turn).await? {
                Some(text) => {
                    handled.conversation.mode = Mode::Idle;
                    handled.notices.push(notice(text.to_owned(), BTreeMap::new()));
                }
                None => turn.tell_capture(speaker, client.as_ref(), told).await?,
            },
            Action::TrackOrder {
                number,
                found,
                not_found,
            } => {
                let (template, variables) =
                    track_order(turn, client.as_ref(), number, found, not_found).await?;
                handled.notices.push(notice(template, variables));
            }
        }
    }
    handled.client = client.map(|client| client.id);
    Ok(handled)
}

/// What is said instead of beginning a capture, when the conversation has begun too many.
async fn too_many<'s, T: Turn>(
    set: &'s SkillSet,
    turn: &mut T,
    number: u32,
) -> Result<Option<&'s str>, StoreError> {
    match set.captures_per_day() {
        Some((most, text)) if number == 1 => {
            let begun = turn.captures_of_a_day().await?;
            Ok((begun >= u64::from(most)).then_some(text))
        }
        _ => Ok(None),
    }
}

/// The order that the message names, or the one that waits for it to be done with, if the speaker may serve it.
async fn named_order<T: Turn>(
    turn: &mut T,
    client: Option<&Client>,
    conversation: &Conversation,
    message: &Message<'_>,
) -> Result<Option<(OrderNumber, OrderId)>, StoreError> {
    let waiting = || conversation.waiting_opening().and_then(OrderNumber::find);
    let Some(number) = OrderNumber::find(&message.heard.text).or_else(waiting) else {
        return Ok(None);
    };
    let client = client.map(|client| client.id);
    let order = turn.order_to_serve(message.speaker, client, number).await?;
    Ok(order.map(|id| (number, id)))
}

/// Whose order it is, and who is told of it: the speaker, also where the order is another client's. What the speaker did
/// not say of themselves is not told to them, since a tax id is easily typed.
fn contact(speaker: &Speaker, own: Option<&Client>, company: Option<&Client>) -> Option<Contact> {
    let said = own.map(|client| (client.data.name.clone(), client.data.phone.as_e164().to_owned()));
    let (name, phone) = said.unwrap_or_else(|| {
        let phone = speaker.phone.as_ref().map(|phone| phone.as_e164().to_owned());
        (speaker.name.clone(), phone.unwrap_or_default())
    });
    Some(Contact {
        client_id: company.or(own)?.id,
        name,
        phone,
        reach: speaker.reach.clone(),
    })
}

fn no_client(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} without a client"))
}

fn known(client: &Client) -> KnownClient {
    KnownClient {
        name: client.data.name.clone(),
        location: client.data.location.clone(),
        nit: client.data.nit.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
