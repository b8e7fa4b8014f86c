//! Jelou's webhooks to our events. Pure. The family shows by the fields of a body.

pub(super) mod outbound;

use puente_ports::{InboundEvent, InboundPayload, ProviderError};
use puente_proto::messaging::{Location, Media, MessageKind, MessageReceived, ReceiptChanged, ReceiptState};
use puente_types::Phone;

use super::wire;
use crate::kit::{MAX_ID, MAX_PAYLOAD, MAX_TEXT, content_key, cut, instant, key, scrub};

/// Everything that a body tells: one happening, or a list of them.
pub(super) fn translate(body: &[u8]) -> Result<Vec<InboundEvent>, ProviderError> {
    let error = |error: serde_json::Error| {
        ProviderError::malformed(format!(
            "no webhook body: line {}, column {}",
            error.line(),
            error.column()
        ))
    };
    let bodies: Vec<wire::Body> = if body.trim_ascii_start().first() == Some(&b'[') {
        serde_json::from_slice(body).map_err(error)?
    } else {
        vec![serde_json::from_slice(body).map_err(error)?]
    };
    Ok(bodies
        .iter()
        .enumerate()
        .map(|(at, one)| event(one, &content_key(body, at)))
        .collect())
}

/// One happening. `fallback` is the key of what carries no id.
fn event(body: &wire::Body, fallback: &str) -> InboundEvent {
    let word = body.event.as_str();
    if body.object.as_str() == "message_event" || body.field.as_str() == "messages" {
        return match &body.value {
            Some(part) if body.event_type.as_str() == "message" => support(body, part, fallback),
            _ => ignored(
                body,
                &body.event_type,
                "an event of the conversation, no message",
                fallback,
            ),
        };
    }
    if let Some(bubble) = &body.bubble {
        let created = body.status.is_empty() || body.status.as_str() == "created";
        return if created {
            legacy(body, bubble, fallback)
        } else {
            ignored(body, &body.status, "no new message", fallback)
        };
    }
    match (word, &body.message) {
        ("message", Some(part)) => channel(body, part, fallback),
        ("reply", _) => ignored(body, word, "the reply itself comes as a message", fallback),
        _ => receipt(body, fallback),
    }
}

/// The user wrote while we are the agents' desk.
fn support(body: &wire::Body, part: &wire::Part, fallback: &str) -> InboundEvent {
    let content: Option<wire::Part> = part
        .content
        .as_deref()
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let content = content.as_ref().unwrap_or(part);
    let contact = (body.contact.id.as_str(), body.contact.name.as_str());
    let message = message(&part.id, &part.kind, content, contact, &body.timestamp, false);
    made(body, &[&part.id], message, fallback)
}

/// The bot says something to a user of our own channel: it speaks for the tenant.
fn channel(body: &wire::Body, part: &wire::Part, fallback: &str) -> InboundEvent {
    let message = message(
        &part.message_id,
        &part.kind,
        part,
        (&body.user_id, ""),
        &body.timestamp,
        true,
    );
    made(body, &[&body.bot_id, &part.message_id], message, fallback)
}

/// A message of a conversation in manual state, written by the user or by someone of the tenant.
fn legacy(body: &wire::Body, part: &wire::Part, fallback: &str) -> InboundEvent {
    let own = !body.owner.is_empty() && body.owner.as_str() != "user";
    let contact = (body.user_id.as_str(), body.names.as_str());
    let message = message(&body.message_id, &part.kind, part, contact, &body.received, own);
    made(body, &[&body.message_id], message, fallback)
}

fn made(body: &wire::Body, id: &[&str], mut message: MessageReceived, fallback: &str) -> InboundEvent {
    let named = !message.provider_message_id.is_empty();
    if !named {
        fallback.clone_into(&mut message.provider_message_id);
    }
    InboundEvent {
        dedupe_key: if named { key('m', id) } else { fallback.to_owned() },
        account: account(body),
        payload: InboundPayload::Message(Box::new(message)),
        traceparent: None,
    }
}

fn message(
    id: &str,
    kind: &str,
    part: &wire::Part,
    contact: (&str, &str),
    at: &str,
    own: bool,
) -> MessageReceived {
    let word = kind.to_ascii_lowercase();
    let kind = match word.as_str() {
        "text" => MessageKind::Text,
        // What a bot offers is a text; what a user presses is a choice.
        "buttons" | "quick_reply" | "cta_url" if own => MessageKind::Text,
        "buttons" | "button" | "button_reply" | "quick_reply" | "interactive" | "list_reply" => {
            MessageKind::Choice
        }
        "image" => MessageKind::Image,
        "video" => MessageKind::Video,
        "audio" => MessageKind::Audio,
        "voice" | "ptt" => MessageKind::Voice,
        "document" | "file" => MessageKind::Document,
        "sticker" => MessageKind::Sticker,
        "location" => MessageKind::Location,
        "contacts" | "contact" => MessageKind::Contact,
        _ => MessageKind::Unspecified,
    };
    let said = first(&[&part.text, &part.body, &part.caption, &part.title]);
    let text = match kind {
        MessageKind::Unspecified if word.trim().is_empty() => {
            "[mensaje no compatible: desconocido]".to_owned()
        }
        MessageKind::Unspecified => format!("[mensaje no compatible: {}]", cut(&word, 64)),
        _ => cut(said, MAX_TEXT),
    };
    MessageReceived {
        provider_message_id: cut(id, MAX_ID),
        contact_id: cut(contact.0, MAX_ID),
        contact_phone: Phone::from_whatsapp_id(contact.0)
            .map(|phone| phone.as_e164().to_owned())
            .unwrap_or_default(),
        contact_name: cut(contact.1, MAX_ID),
        own,
        kind: kind.into(),
        text,
        choice: if kind == MessageKind::Choice {
            cut(first(&[&part.payload, &part.id]), MAX_PAYLOAD)
        } else {
            String::new()
        },
        media: media(part),
        location: location(part),
        sent_at: instant(at).map(puente_proto::timestamp),
        ..MessageReceived::default()
    }
}

fn media(part: &wire::Part) -> Option<Media> {
    let url = first(&[&part.media_url, &part.url]);
    (!url.is_empty()).then(|| Media {
        url: cut(url, MAX_TEXT),
        mime_type: cut(first(&[&part.mime_type, &part.media_type]), MAX_ID),
        filename: cut(&part.filename, MAX_ID),
        ..Media::default()
    })
}

fn location(part: &wire::Part) -> Option<Location> {
    let (latitude, longitude) = (part.lat.or(part.latitude)?, part.lng.or(part.longitude)?);
    let (name, address) = (cut(&part.name, MAX_ID), cut(&part.address, MAX_TEXT));
    Some(Location {
        latitude: latitude.0,
        longitude: longitude.0,
        name,
        address,
    })
}

/// A delivery event; its body is ASSUMED until a live one is seen.
fn receipt(body: &wire::Body, fallback: &str) -> InboundEvent {
    let state = match body.event.as_str() {
        "delivered_channel" => ReceiptState::Sent,
        "delivered_user" => ReceiptState::Delivered,
        "read" => ReceiptState::Read,
        "failed" => ReceiptState::Failed,
        other => return ignored(body, other, "no known event", fallback),
    };
    if body.message_id.is_empty() {
        return ignored(body, &body.event, "a delivery event of no message", fallback);
    }
    let receipt = ReceiptChanged {
        provider_message_id: cut(&body.message_id, MAX_ID),
        state: state.into(),
        error_code: cut(&body.error.code, 64),
        error_detail: scrub(&body.error.message),
        changed_at: instant(&body.timestamp).map(puente_proto::timestamp),
        ..ReceiptChanged::default()
    };
    InboundEvent {
        dedupe_key: key('s', &[&body.message_id, &body.event]),
        account: account(body),
        payload: InboundPayload::Receipt(Box::new(receipt)),
        traceparent: None,
    }
}

fn ignored(body: &wire::Body, kind: &str, reason: &'static str, fallback: &str) -> InboundEvent {
    let payload = InboundPayload::Ignored {
        kind: cut(kind, 64),
        reason,
    };
    InboundEvent {
        dedupe_key: fallback.to_owned(),
        account: account(body),
        payload,
        traceparent: None,
    }
}

fn account(body: &wire::Body) -> Option<String> {
    let id = first(&[&body.bot.id, &body.bot_id]);
    (!id.is_empty()).then(|| cut(id, MAX_ID))
}

/// The first text that is not empty.
fn first<'a>(texts: &[&'a str]) -> &'a str {
    texts
        .iter()
        .find(|text| !text.is_empty())
        .copied()
        .unwrap_or_default()
}
