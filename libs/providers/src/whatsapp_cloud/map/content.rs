//! What one WhatsApp message holds. Every message becomes an event; an unknown kind says so in its text.

use puente_proto::messaging::{Location, Media, MessageKind, MessageReceived};
use puente_types::Phone;

use super::super::wire;
use crate::kit::{MAX_ID, MAX_PAYLOAD, MAX_TEXT, cut, hex_digest, instant};

/// The parts of a message that depend on its kind.
#[derive(Default)]
struct Content {
    kind: MessageKind,
    text: String,
    choice: String,
    media: Option<Media>,
    location: Option<Location>,
    /// What a reaction is about; other kinds have it in their context.
    about: Option<String>,
}

/// One message, with the sender's name from the contacts that came beside it.
pub(super) fn message(message: &wire::Message, contacts: &[wire::Contact]) -> MessageReceived {
    let content = content(message);
    let contact = contacts
        .iter()
        .find(|c| {
            (!c.wa_id.is_empty() && c.wa_id == message.from)
                || (!c.user_id.is_empty() && c.user_id == message.from_user_id)
        })
        .or_else(|| {
            contacts
                .first()
                .filter(|_| contacts.len() == 1 && message.from.is_empty() && message.from_user_id.is_empty())
        });
    // People with a user name may hide their phone: then their user id is the one to answer to.
    let wa_id = if message.from.is_empty() {
        contact.map(|c| c.wa_id.as_str()).unwrap_or_default()
    } else {
        message.from.as_str()
    };
    let user_id = if message.from_user_id.is_empty() {
        contact.map(|c| c.user_id.as_str()).unwrap_or_default()
    } else {
        message.from_user_id.as_str()
    };
    let contact_id = if wa_id.is_empty() { user_id } else { wa_id };
    MessageReceived {
        provider_message_id: cut(&message.id, MAX_ID),
        contact_id: cut(contact_id, MAX_ID),
        contact_phone: Phone::from_whatsapp_id(wa_id)
            .map(|phone| phone.as_e164().to_owned())
            .unwrap_or_default(),
        contact_name: contact.map(|c| cut(&c.profile.name, MAX_ID)).unwrap_or_default(),
        group_id: cut(&message.group_id, MAX_ID),
        kind: content.kind.into(),
        text: cut(&content.text, MAX_TEXT),
        choice: cut(&content.choice, MAX_PAYLOAD),
        media: content.media,
        location: content.location,
        reply_to: cut(content.about.as_deref().unwrap_or(&message.context.id), MAX_ID),
        sent_at: instant(&message.timestamp).map(puente_proto::timestamp),
        ..MessageReceived::default()
    }
}

fn content(message: &wire::Message) -> Content {
    let kind = message.kind.as_str();
    match kind {
        "text" => Content {
            kind: MessageKind::Text,
            text: message.text.body.0.clone(),
            ..Content::default()
        },
        "image" => file(MessageKind::Image, message.image.as_ref()),
        "video" => file(MessageKind::Video, message.video.as_ref()),
        "document" => file(MessageKind::Document, message.document.as_ref()),
        "sticker" => file(MessageKind::Sticker, message.sticker.as_ref()),
        "audio" | "voice" => {
            let voice = kind == "voice" || message.audio.as_ref().is_some_and(|audio| audio.voice);
            file(
                if voice {
                    MessageKind::Voice
                } else {
                    MessageKind::Audio
                },
                message.audio.as_ref(),
            )
        }
        "location" => Content {
            kind: MessageKind::Location,
            location: message.location.as_ref().map(|place| Location {
                latitude: place.latitude.0,
                longitude: place.longitude.0,
                name: cut(&place.name, MAX_ID),
                address: cut(&place.address, MAX_TEXT),
            }),
            ..Content::default()
        },
        "contacts" => Content {
            kind: MessageKind::Contact,
            text: cards(&message.contacts),
            ..Content::default()
        },
        "button" => choice(&message.button.text, &message.button.payload),
        "interactive" => interactive(&message.interactive),
        "reaction" => Content {
            kind: MessageKind::Reaction,
            text: message.reaction.emoji.0.clone(),
            about: Some(message.reaction.message_id.0.clone()),
            ..Content::default()
        },
        other => unsupported(other),
    }
}

fn interactive(interactive: &wire::Interactive) -> Content {
    match interactive.kind.as_str() {
        "button_reply" => choice(&interactive.button_reply.title, &interactive.button_reply.id),
        "list_reply" => choice(&interactive.list_reply.title, &interactive.list_reply.id),
        "nfm_reply" => choice(&interactive.nfm_reply.body, &interactive.nfm_reply.response_json),
        other => unsupported(&format!("interactive {other}")),
    }
}

fn choice(title: &str, payload: &str) -> Content {
    Content {
        kind: MessageKind::Choice,
        text: title.to_owned(),
        choice: payload.to_owned(),
        ..Content::default()
    }
}

/// What people read in place of a kind that is not understood; the raw delivery keeps the rest.
fn unsupported(kind: &str) -> Content {
    let kind = if kind.trim().is_empty() {
        "desconocido"
    } else {
        kind
    };
    Content {
        text: format!("[mensaje no compatible: {}]", cut(kind, 64)),
        ..Content::default()
    }
}

fn file(kind: MessageKind, media: Option<&wire::Media>) -> Content {
    let Some(media) = media else {
        return Content {
            kind,
            ..Content::default()
        };
    };
    let found = Media {
        provider_media_id: cut(&media.id, MAX_ID),
        url: cut(&media.url, MAX_TEXT),
        mime_type: cut(&media.mime_type, MAX_ID),
        sha256: hex_digest(&media.sha256),
        filename: cut(&media.filename, MAX_ID),
    };
    Content {
        kind,
        text: media.caption.0.clone(),
        media: Some(found),
        ..Content::default()
    }
}

/// Cards as lines of `name: number, number`.
fn cards(cards: &[wire::Card]) -> String {
    let line = |card: &wire::Card| {
        let name = if card.name.formatted_name.is_empty() {
            &card.name.first_name
        } else {
            &card.name.formatted_name
        };
        let phones: Vec<&str> = card
            .phones
            .iter()
            .map(|p| {
                if p.phone.is_empty() {
                    p.wa_id.as_str()
                } else {
                    p.phone.as_str()
                }
            })
            .collect();
        if phones.is_empty() {
            name.0.clone()
        } else {
            format!("{}: {}", name.as_str(), phones.join(", "))
        }
    };
    cards.iter().map(line).collect::<Vec<_>>().join("\n")
}
