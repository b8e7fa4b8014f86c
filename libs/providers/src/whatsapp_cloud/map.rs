//! Their webhooks to our events. Pure. The walk over entries and changes is here, what one message holds in `content`.

mod content;
pub(super) mod outbound;

use puente_ports::{InboundEvent, InboundPayload, ProviderError};
use puente_proto::messaging::{ReceiptChanged, ReceiptState, TemplateChanged};
use serde_json::value::RawValue;

use super::wire;
use crate::kit::{MAX_ID, content_key, cut, instant, key, scrub, split_reference};

/// Everything that a body tells. One odd item becomes [`InboundPayload::Ignored`] and costs the others nothing.
pub(super) fn translate(body: &[u8]) -> Result<Vec<InboundEvent>, ProviderError> {
    let notification: wire::Notification<'_> = serde_json::from_slice(body).map_err(|error| {
        ProviderError::malformed(format!(
            "no webhook body: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut walk = Walk {
        body,
        events: Vec::new(),
    };
    if notification.object.as_str() != "whatsapp_business_account" {
        walk.ignore(None, notification.object.as_str(), "not about a WhatsApp account");
        return Ok(walk.events);
    }
    for entry in &notification.entry {
        for change in &entry.changes {
            walk.change(entry, change);
        }
    }
    Ok(walk.events)
}

struct Walk<'a> {
    body: &'a [u8],
    events: Vec<InboundEvent>,
}

impl Walk<'_> {
    fn ignore(&mut self, account: Option<String>, kind: &str, reason: &'static str) {
        let dedupe_key = content_key(self.body, self.events.len());
        let payload = InboundPayload::Ignored {
            kind: cut(kind, 64),
            reason,
        };
        self.events.push(InboundEvent {
            dedupe_key,
            account,
            payload,
            traceparent: None,
        });
    }

    fn change(&mut self, entry: &wire::Entry<'_>, change: &wire::Change<'_>) {
        let waba = named(&entry.id);
        let Some(value) = change.value else {
            return self.ignore(waba, &change.field, "the change has no value");
        };
        match change.field.as_str() {
            "messages" => match serde_json::from_str::<wire::Value<'_>>(value.get()) {
                Ok(value) => self.messages(&value),
                Err(_) => self.ignore(waba, "messages", "the value cannot be read"),
            },
            "message_template_status_update"
            | "message_template_quality_update"
            | "template_category_update" => match template(entry, &change.field, value) {
                Some(event) => self.events.push(event),
                None => self.ignore(waba, &change.field, "the value cannot be read"),
            },
            other => self.ignore(waba, other, "this field makes no event"),
        }
    }

    fn messages(&mut self, value: &wire::Value<'_>) {
        let account = named(&value.metadata.phone_number_id);
        for raw in &value.messages {
            let message: Option<wire::Message> = read(raw);
            match message.filter(|message| !message.id.is_empty()) {
                Some(message) => self.events.push(InboundEvent {
                    dedupe_key: key('m', &[&message.id]),
                    account: account.clone(),
                    payload: InboundPayload::Message(Box::new(content::message(&message, &value.contacts))),
                    traceparent: None,
                }),
                None => self.ignore(account.clone(), "message", "the message has no id"),
            }
        }
        for raw in &value.statuses {
            let status: Option<wire::Status> = read(raw);
            match status
                .as_ref()
                .and_then(|status| receipt(status, account.clone()))
            {
                Some(event) => self.events.push(event),
                None => {
                    let word = status.map(|status| status.status.0).unwrap_or_default();
                    self.ignore(
                        account.clone(),
                        &format!("status {word}"),
                        "no known status of a message",
                    );
                }
            }
        }
        for _ in &value.errors {
            self.ignore(
                account.clone(),
                "errors",
                "an error of the account, of no message",
            );
        }
    }
}

/// Reads one item of a list; every field of it is lenient, so only what is no object fails.
fn read<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn named(id: &str) -> Option<String> {
    (!id.is_empty()).then(|| cut(id, MAX_ID))
}

fn receipt(status: &wire::Status, account: Option<String>) -> Option<InboundEvent> {
    let state = match status.status.as_str() {
        "sent" => ReceiptState::Sent,
        "delivered" => ReceiptState::Delivered,
        // A voice note that was played was seen; no further state is of use.
        "read" | "played" => ReceiptState::Read,
        "failed" => ReceiptState::Failed,
        _ => return None,
    };
    if status.id.is_empty() {
        return None;
    }
    let (reference, traceparent) = split_reference(&status.biz_opaque_callback_data);
    let error = status.errors.first();
    let detail = error.map(|error| {
        let most_telling = [&error.error_data.details, &error.title, &error.message];
        most_telling
            .into_iter()
            .find(|text| !text.is_empty())
            .map(|text| scrub(text))
            .unwrap_or_default()
    });
    let receipt = ReceiptChanged {
        provider_message_id: cut(&status.id, MAX_ID),
        reference: cut(reference, MAX_ID),
        state: state.into(),
        error_code: error
            .and_then(|error| error.code.as_ref())
            .map(|code| cut(code, 64))
            .unwrap_or_default(),
        error_detail: detail.unwrap_or_default(),
        billable: status.pricing.as_ref().and_then(|pricing| pricing.billable),
        price_category: status
            .pricing
            .as_ref()
            .map(|pricing| cut(&pricing.category, 64))
            .unwrap_or_default(),
        changed_at: instant(&status.timestamp).map(puente_proto::timestamp),
        ..ReceiptChanged::default()
    };
    Some(InboundEvent {
        dedupe_key: key('s', &[&status.id, &status.status]),
        account,
        payload: InboundPayload::Receipt(Box::new(receipt)),
        traceparent: traceparent.map(str::to_owned),
    })
}

/// A template's new state, quality (`QUALITY_YELLOW`) or category (`CATEGORY_MARKETING`).
fn template(entry: &wire::Entry<'_>, field: &str, value: &RawValue) -> Option<InboundEvent> {
    let template: wire::Template = read(value)?;
    let (event, status, reason) = match field {
        "message_template_status_update" => {
            let reason = if template.reason.as_str() == "NONE" {
                ""
            } else {
                template.reason.as_str()
            };
            (
                template.event.0.clone(),
                template.event.0.clone(),
                reason.to_owned(),
            )
        }
        "message_template_quality_update" => {
            let status = format!("QUALITY_{}", template.new_quality_score.as_str());
            (
                format!("quality_{}", template.new_quality_score.as_str()),
                status,
                template.previous_quality_score.0.clone(),
            )
        }
        _ => {
            let status = format!("CATEGORY_{}", template.new_category.as_str());
            (
                format!("category_{}", template.new_category.as_str()),
                status,
                String::new(),
            )
        }
    };
    if template.message_template_id.is_empty() || event.is_empty() || event.ends_with('_') {
        return None;
    }
    Some(InboundEvent {
        dedupe_key: key('t', &[&template.message_template_id, &event, &entry.time]),
        account: named(&entry.id),
        payload: InboundPayload::Template(Box::new(TemplateChanged {
            name: cut(&template.message_template_name, MAX_ID),
            language: cut(&template.message_template_language, 64),
            status: cut(&status, 64),
            reason: cut(&reason, MAX_ID),
            ..TemplateChanged::default()
        })),
        traceparent: None,
    })
}
