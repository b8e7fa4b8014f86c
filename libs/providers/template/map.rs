//! Their webhooks to our events, our messages to their requests, their answers to results. Pure.

use puente_ports::{
    Content, InboundEvent, InboundPayload, Manifest, OutboundMessage, OutboundResponse, ProviderError,
    ProviderErrorKind, Sent,
};
use puente_proto::messaging::{MessageKind, MessageReceived, ReceiptChanged, ReceiptState};
use puente_types::Phone;

use super::wire;
use crate::kit::{MAX_ID, MAX_TEXT, classify, content_key, cut, instant, key, read};

pub(super) fn translate(body: &[u8]) -> Result<Vec<InboundEvent>, ProviderError> {
    let event: wire::Event =
        serde_json::from_slice(body).map_err(|_| ProviderError::malformed("the body is no event"))?;
    let state = match event.status.as_str() {
        "sent" => Some(ReceiptState::Sent),
        "delivered" => Some(ReceiptState::Delivered),
        "read" => Some(ReceiptState::Read),
        "failed" => Some(ReceiptState::Failed),
        _ => None,
    };
    let (dedupe_key, payload) = match (event.event.as_str(), state) {
        ("message", _) if !event.id.is_empty() => (
            key('m', &[&event.id]),
            InboundPayload::Message(Box::new(message_received(&event))),
        ),
        ("status", Some(state)) if !event.id.is_empty() => {
            let receipt = ReceiptChanged {
                provider_message_id: cut(&event.id, MAX_ID),
                state: state.into(),
                error_code: if state == ReceiptState::Failed {
                    cut(&event.text, 64)
                } else {
                    String::new()
                },
                changed_at: instant(&event.timestamp).map(puente_proto::timestamp),
                ..ReceiptChanged::default()
            };
            (
                key('s', &[&event.id, &event.status]),
                InboundPayload::Receipt(Box::new(receipt)),
            )
        }
        (kind, _) => {
            let payload = InboundPayload::Ignored {
                kind: cut(kind, 64),
                reason: "no known event",
            };
            (content_key(body, 0), payload)
        }
    };
    let account = (!event.account.is_empty()).then(|| cut(&event.account, MAX_ID));
    Ok(vec![InboundEvent {
        dedupe_key,
        account,
        payload,
        traceparent: None,
    }])
}

fn message_received(event: &wire::Event) -> MessageReceived {
    MessageReceived {
        provider_message_id: cut(&event.id, MAX_ID),
        contact_id: cut(&event.from, MAX_ID),
        contact_phone: Phone::from_whatsapp_id(&event.from)
            .map(|p| p.as_e164().to_owned())
            .unwrap_or_default(),
        contact_name: cut(&event.name, MAX_ID),
        kind: MessageKind::Text.into(),
        text: cut(&event.text, MAX_TEXT),
        sent_at: instant(&event.timestamp).map(puente_proto::timestamp),
        ..MessageReceived::default()
    }
}

pub(super) fn message(message: &OutboundMessage) -> Result<wire::Send<'_>, ProviderError> {
    match &message.content {
        Content::Text { body } => Ok(wire::Send {
            to: &message.to,
            text: body,
            reference: &message.reference,
        }),
        Content::Template { .. } => Err(ProviderError::configuration(
            "templates_unsupported",
            "there are no templates",
        )),
    }
}

pub(super) fn sent(manifest: &Manifest, response: &OutboundResponse) -> Result<Sent, ProviderError> {
    if !response.status.is_success() {
        let refusal: wire::Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
        return Err(classify(
            manifest,
            response,
            refusal.code.as_deref(),
            &refusal.message,
        ));
    }
    let accepted: wire::Accepted = read(response, true)?;
    if accepted.id.is_empty() {
        let detail = "the answer names no message";
        return Err(ProviderError::new(
            ProviderErrorKind::OutcomeUnknown,
            "reply_unreadable",
            detail,
        ));
    }
    Ok(Sent {
        provider_message_id: cut(&accepted.id, MAX_ID),
        contact_id: None,
    })
}
