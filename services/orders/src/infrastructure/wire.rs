//! Between the published messages and our own words, both directions; pure.

pub(crate) mod assets;

use puente_proto::messaging::{Location, Media, MessageKind, MessageReceived};
use puente_proto::notifications::{MessageRequested, Recipient};
use puente_proto::orders::{
    self as proto, CaptureContinued, ClientRegistered, OrderAssigned, OrderClientChecked, OrderOpened,
    OrderStateChanged, SignatureRequested,
};
use puente_proto::timestamp;
use puente_types::{Nit, Phone, Region};
use time::OffsetDateTime;

use crate::domain::capture::{Attachment, CaptureTurn};
use crate::domain::client::Client;
use crate::domain::conversation::{Heard, Speaker};
use crate::domain::directory::Person;
use crate::domain::event::{Event, Fact, Notice};
use crate::domain::order::{Contact, Reach};
use crate::domain::quotation::Quotation;
use crate::domain::signing::SignatureRequest;
use crate::domain::skill::SkillSet;
use crate::domain::state::Transition;

/// Longer than any id of a messaging provider, shorter than what an index can hold.
const MAX_ID: usize = 512;
/// Longer than any id or name of our own services.
const MAX_WORD: usize = 200;
/// Chat messages end here; what is longer is cut, not refused.
const MAX_CHARS: usize = 4_096;

/// Whether a message is for the bot: groups are not, nor what the tenant itself wrote from another device, nor a thumb
/// on a message.
pub(crate) fn is_for_bot(message: &MessageReceived) -> bool {
    !message.own
        && message.group_id.is_empty()
        && !message.contact_id.is_empty()
        && !message.connection.is_empty()
        && message.kind() != MessageKind::Reaction
}

/// Whether the ids of a message can be keys; the contract with ingress says so, and a table must not depend on it.
pub(crate) fn check_ids(message: &MessageReceived) -> Result<(), &'static str> {
    let ids = [
        &message.provider,
        &message.connection,
        &message.contact_id,
        &message.provider_message_id,
    ];
    let fits = |id: &&String| id.len() <= MAX_ID && !id.contains('\0');
    if ids.iter().all(fits) {
        Ok(())
    } else {
        Err("an id of the message is too long or holds a NUL")
    }
}

/// An id or a name of another service, as far as a table can hold it.
pub(crate) fn word(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_WORD).collect()
}

/// Who wrote.
pub(crate) fn speaker(message: &MessageReceived) -> Speaker {
    Speaker {
        reach: Reach {
            provider: message.provider.clone(),
            connection: message.connection.clone(),
            contact_id: message.contact_id.clone(),
        },
        // E.164 already; what is none is as good as hidden.
        phone: Phone::parse(&message.contact_phone, Region::default()).ok(),
        name: word(message.contact_name.trim()),
    }
}

/// What was written. The pause is the caller's to fill in.
pub(crate) fn heard(message: &MessageReceived) -> Heard {
    let (text, media) = match message.kind() {
        MessageKind::Text | MessageKind::Choice => (message.text.clone(), false),
        MessageKind::Location => (String::new(), false),
        MessageKind::Image
        | MessageKind::Video
        | MessageKind::Audio
        | MessageKind::Voice
        | MessageKind::Document
        | MessageKind::Sticker => (message.text.clone(), true),
        // Their text is a placeholder that the person did not write.
        MessageKind::Unspecified | MessageKind::Contact | MessageKind::Reaction => (String::new(), true),
    };
    Heard {
        message_id: message.provider_message_id.clone(),
        text: bounded(&text),
        choice: Some(bounded(&message.choice)).filter(|choice| !choice.is_empty()),
        place: message
            .location
            .as_ref()
            .filter(|_| message.kind() == MessageKind::Location)
            .map(|at| bounded(&place(at))),
        media,
        file: message
            .media
            .as_ref()
            .filter(|_| media)
            .map(|file| attachment(message.kind(), file)),
        pause: None,
    }
}

/// A file as its provider names it. A picture may come as a document: people send large ones like that.
fn attachment(kind: MessageKind, file: &Media) -> Attachment {
    let mime_type = bounded(&file.mime_type);
    let picture = mime_type.to_ascii_lowercase().starts_with("image/");
    Attachment {
        photo: kind == MessageKind::Image || (kind == MessageKind::Document && picture),
        provider_id: bounded(&file.provider_media_id),
        url: bounded(&file.url),
        sha256: bounded(&file.sha256),
        file_name: bounded(&file.filename),
        mime_type,
    }
}

/// A turn of a capture.
pub(crate) fn continued(
    turn: CaptureTurn,
    speaker: &Speaker,
    client: Option<&Client>,
    at: OffsetDateTime,
) -> CaptureContinued {
    let ended = turn.said.is_none();
    let said = turn.said.unwrap_or_default();
    CaptureContinued {
        capture_id: turn.capture.to_string(),
        turn: turn.turn,
        contact: Some(proto::Contact {
            client_id: client.map(|client| client.id.to_string()).unwrap_or_default(),
            name: client.map(|client| client.data.name.clone()).unwrap_or_default(),
            phone: speaker
                .phone
                .as_ref()
                .map(|phone| phone.as_e164().to_owned())
                .unwrap_or_default(),
            provider: speaker.reach.provider.clone(),
            connection: speaker.reach.connection.clone(),
            contact_id: speaker.reach.contact_id.clone(),
        }),
        order_id: turn.order.map(|order| order.to_string()).unwrap_or_default(),
        media: said.file.map(|file| Media {
            provider_media_id: file.provider_id,
            url: file.url,
            mime_type: file.mime_type,
            sha256: file.sha256,
            filename: file.file_name,
        }),
        text: said.text,
        choice: said.choice.unwrap_or_default(),
        ended,
        at: Some(timestamp(at)),
    }
}

/// The message behind a turn that nobody heard; `None` when it says nothing. Without its provider's id: the conversation
/// knows that one as worked.
pub(crate) fn unheard(turn: &CaptureContinued) -> Option<MessageReceived> {
    let contact = turn.contact.clone().unwrap_or_default();
    let kind = match &turn.media {
        Some(file) if file.mime_type.starts_with("image/") => MessageKind::Image,
        Some(_) => MessageKind::Document,
        None if !turn.choice.is_empty() => MessageKind::Choice,
        None if !turn.text.is_empty() => MessageKind::Text,
        None => return None,
    };
    Some(MessageReceived {
        provider: contact.provider,
        connection: contact.connection,
        contact_id: contact.contact_id,
        contact_phone: contact.phone,
        kind: kind.into(),
        text: turn.text.clone(),
        choice: turn.choice.clone(),
        media: turn.media.clone(),
        sent_at: turn.at,
        ..MessageReceived::default()
    })
}

/// As much as is looked at, without what no table can hold.
fn bounded(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_CHARS).collect()
}

/// A place as people write it: its name and address, and where that is for who has to find it.
fn place(location: &Location) -> String {
    let at = format!("{:.5}, {:.5}", location.latitude, location.longitude);
    let words: Vec<&str> = [location.name.trim(), location.address.trim()]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        at
    } else {
        format!("{} ({at})", words.join(", "))
    }
}

/// One of the messages that tell of an order.
pub(crate) enum Published {
    /// It was opened.
    Opened(OrderOpened),
    /// It moved.
    Moved(OrderStateChanged),
    /// Other people work on it.
    Assigned(OrderAssigned),
    /// Its client was checked.
    Checked(OrderClientChecked),
}

/// Who works on an order from now on and did not before, as the directory knows them.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    /// The agent.
    pub(crate) agent: Option<Person>,
    /// The service provider.
    pub(crate) service_provider: Option<Person>,
}

/// An event of an order. `newcomers` are those of an assignment.
pub(crate) fn published(
    event: &Event,
    set: &SkillSet,
    at: OffsetDateTime,
    newcomers: Newcomers,
) -> Published {
    let order = &event.order;
    let (order_id, number) = (order.id.to_string(), order.number.to_string());
    let (contact, at) = (Some(contact(&order.contact)), Some(timestamp(at)));
    match &event.fact {
        Fact::Opened => Published::Opened(OrderOpened {
            order_id,
            number,
            contact,
            service: order.request.service.clone(),
            description: order.request.description.clone(),
            location: order.request.location.clone(),
            channel: order.channel.name().to_owned(),
            state: order.state.name().to_owned(),
            opened_at: at,
            client_check: order.check.name().to_owned(),
        }),
        Fact::Moved {
            before,
            after,
            transition,
            reason,
        } => Published::Moved(OrderStateChanged {
            order_id,
            number,
            contact,
            before: before.name().to_owned(),
            after: after.name().to_owned(),
            transition: transition.name().to_owned(),
            reason: reason.clone(),
            visible: transition.is_news() && after.visible() && set.told.contains(after),
            changed_at: at,
            quotation: order
                .quotation
                .as_ref()
                .filter(|_| *transition == Transition::SendQuotation)
                .map(quotation),
        }),
        Fact::ClientChecked => Published::Checked(OrderClientChecked {
            order_id,
            number,
            contact,
            outcome: order.check.name().to_owned(),
            checked_at: at,
        }),
        Fact::Assigned { before } => {
            let reached = |person: Option<Person>| {
                person
                    .map(|person| (person.name, person.phone))
                    .unwrap_or_default()
            };
            let agent_email = newcomers.agent.as_ref().map(|agent| agent.email.clone());
            let (agent_name, agent_phone) = reached(newcomers.agent);
            let (service_provider_name, service_provider_phone) = reached(newcomers.service_provider);
            Published::Assigned(OrderAssigned {
                order_id,
                number,
                contact,
                agent: order.assignment.agent.clone().unwrap_or_default(),
                service_provider: order.assignment.service_provider.clone().unwrap_or_default(),
                previous_agent: before.agent.clone().unwrap_or_default(),
                previous_service_provider: before.service_provider.clone().unwrap_or_default(),
                assigned_at: at,
                agent_name,
                agent_phone,
                service_provider_name,
                service_provider_phone,
                service: order.request.service.clone(),
                location: order.request.location.clone(),
                agent_email: agent_email.unwrap_or_default(),
            })
        }
    }
}

fn contact(contact: &Contact) -> proto::Contact {
    proto::Contact {
        client_id: contact.client_id.to_string(),
        name: contact.name.clone(),
        phone: contact.phone.clone(),
        provider: contact.reach.provider.clone(),
        connection: contact.reach.connection.clone(),
        contact_id: contact.reach.contact_id.clone(),
    }
}

/// A price.
pub(crate) fn quotation(quotation: &Quotation) -> proto::Quotation {
    proto::Quotation {
        amount_minor: quotation.price.minor,
        currency: quotation.price.currency.as_str().to_owned(),
        note: quotation.note.clone(),
        valid_until: quotation
            .valid_until
            .map(|last| last.to_string())
            .unwrap_or_default(),
    }
}

/// The documents of an order are to be signed.
pub(crate) fn to_be_signed(request: &SignatureRequest, at: OffsetDateTime) -> SignatureRequested {
    let order = &request.order;
    let parties = request.parties.each().map(|(role, party)| proto::SigningParty {
        role: role.name().to_owned(),
        name: party.name.clone(),
        email: party.email.clone(),
        phone: party.phone.clone(),
        tax_id: party.tax_id.clone(),
        address: party.address.clone(),
    });
    SignatureRequested {
        request_id: request.id.to_string(),
        order_id: order.id.to_string(),
        number: order.number.to_string(),
        attempt: order.attempts,
        contact: Some(contact(&order.contact)),
        parties: parties.collect(),
        service: order.request.service.clone(),
        description: order.request.description.clone(),
        location: order.request.location.clone(),
        quotation: order.quotation.as_ref().map(quotation),
        requested_by: request.by.clone(),
        requested_at: Some(timestamp(at)),
    }
}

/// A tax id as other services read it: `900373115-3`.
pub(crate) fn spelled(nit: &Nit) -> String {
    format!("{}-{}", nit.body(), nit.dv())
}

/// A client is registered.
pub(crate) fn registered(client: &Client, at: OffsetDateTime) -> ClientRegistered {
    ClientRegistered {
        client_id: client.id.to_string(),
        name: client.data.name.clone(),
        email: client.data.email.clone(),
        phone: client.data.phone.as_e164().to_owned(),
        location: client.data.location.clone(),
        registered_at: Some(timestamp(at)),
        nit: client.data.nit.as_ref().map(spelled).unwrap_or_default(),
    }
}

/// A message is asked for.
pub(crate) fn requested(notice: Notice) -> MessageRequested {
    MessageRequested {
        recipient: Some(Recipient {
            provider: notice.to.provider,
            connection: notice.to.connection,
            contact_id: notice.to.contact_id,
            phone: notice
                .phone
                .map(|phone| phone.as_e164().to_owned())
                .unwrap_or_default(),
        }),
        template: notice.template,
        variables: notice.variables.into_iter().collect(),
        about: notice.about,
        critical: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: MessageKind, text: &str) -> MessageReceived {
        MessageReceived {
            provider: "wuzapi".into(),
            connection: "acme".into(),
            provider_message_id: "m1".into(),
            contact_id: "573001234567".into(),
            contact_phone: "+573001234567".into(),
            kind: kind.into(),
            text: text.into(),
            ..MessageReceived::default()
        }
    }

    #[test]
    fn groups_own_messages_and_reactions_are_not_for_the_bot() {
        let text = message(MessageKind::Text, "hola");
        assert!(is_for_bot(&text));
        assert!(!is_for_bot(&MessageReceived {
            own: true,
            ..text.clone()
        }));
        assert!(!is_for_bot(&MessageReceived {
            group_id: "g".into(),
            ..text.clone()
        }));
        assert!(!is_for_bot(&MessageReceived {
            contact_id: String::new(),
            ..text
        }));
        assert!(!is_for_bot(&message(MessageKind::Reaction, "👍")));
    }

    #[test]
    fn what_no_table_can_hold_is_refused_or_cut() {
        let text = message(MessageKind::Text, &format!("ho\0la{}", "x".repeat(9_000)));
        assert_eq!(heard(&text).text.chars().count(), MAX_CHARS);
        assert!(heard(&text).text.starts_with("hola"));
        assert_eq!(check_ids(&text), Ok(()));
        assert!(
            check_ids(&MessageReceived {
                contact_id: "a\0".into(),
                ..text.clone()
            })
            .is_err()
        );
        assert!(
            check_ids(&MessageReceived {
                provider_message_id: "m".repeat(600),
                ..text
            })
            .is_err()
        );
    }

    #[test]
    fn a_caption_is_text_and_a_placeholder_is_not() {
        let photo = heard(&message(MessageKind::Image, "la nevera"));
        assert_eq!((photo.text.as_str(), photo.media), ("la nevera", true));
        assert!(heard(&message(MessageKind::Contact, "[contacto]")).is_bare_media());
        assert!(heard(&message(MessageKind::Unspecified, "[?]")).is_bare_media());
    }

    #[test]
    fn a_pin_becomes_words_with_its_place() {
        let mut pin = message(MessageKind::Location, "");
        pin.location = Some(Location {
            latitude: 4.609_712,
            longitude: -74.081_754,
            name: "Torre 24".into(),
            address: " Cra 7 # 24 ".into(),
        });
        assert_eq!(
            heard(&pin).place.as_deref(),
            Some("Torre 24, Cra 7 # 24 (4.60971, -74.08175)")
        );
        pin.location = Some(Location {
            latitude: 1.0,
            longitude: 2.0,
            ..Location::default()
        });
        assert_eq!(heard(&pin).place.as_deref(), Some("1.00000, 2.00000"));
    }

    #[test]
    fn a_hidden_number_is_no_number() {
        let hidden = MessageReceived {
            contact_phone: String::new(),
            ..message(MessageKind::Text, "hola")
        };
        assert_eq!(speaker(&hidden).phone, None);
        assert!(speaker(&message(MessageKind::Text, "hola")).phone.is_some());
    }
}
