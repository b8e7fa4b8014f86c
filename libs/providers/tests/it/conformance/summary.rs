//! Events in a form that can be compared and read: fields that are empty are left out.

use puente_ports::{InboundEvent, InboundPayload};
use puente_proto::messaging::{MessageKind, ReceiptState};
use puente_proto::signing::{EnvelopeStatus, SignerReport, SignerStatus};
use serde_json::{Map, Value, json};

pub(super) fn events(events: &[InboundEvent]) -> Value {
    Value::Array(events.iter().map(event).collect())
}

fn event(event: &InboundEvent) -> Value {
    let mut out = Map::new();
    out.insert("dedupe_key".into(), json!(event.dedupe_key));
    put(&mut out, "account", event.account.as_deref().unwrap_or_default());
    put(
        &mut out,
        "traceparent",
        event.traceparent.as_deref().unwrap_or_default(),
    );
    let (name, payload) = match &event.payload {
        InboundPayload::Message(message) => {
            let mut fields = Map::new();
            put(&mut fields, "provider_message_id", &message.provider_message_id);
            put(&mut fields, "contact_id", &message.contact_id);
            put(&mut fields, "contact_phone", &message.contact_phone);
            put(&mut fields, "contact_name", &message.contact_name);
            put(&mut fields, "group_id", &message.group_id);
            if message.own {
                fields.insert("own".into(), json!(true));
            }
            let kind = MessageKind::try_from(message.kind).unwrap();
            put(
                &mut fields,
                "kind",
                kind.as_str_name().trim_start_matches("MESSAGE_KIND_"),
            );
            put(&mut fields, "text", &message.text);
            put(&mut fields, "choice", &message.choice);
            if let Some(media) = &message.media {
                let mut file = Map::new();
                put(&mut file, "provider_media_id", &media.provider_media_id);
                put(&mut file, "url", &media.url);
                put(&mut file, "mime_type", &media.mime_type);
                put(&mut file, "sha256", &media.sha256);
                put(&mut file, "filename", &media.filename);
                fields.insert("media".into(), Value::Object(file));
            }
            if let Some(place) = &message.location {
                let mut at = Map::new();
                at.insert("latitude".into(), json!(place.latitude));
                at.insert("longitude".into(), json!(place.longitude));
                put(&mut at, "name", &place.name);
                put(&mut at, "address", &place.address);
                fields.insert("location".into(), Value::Object(at));
            }
            put(&mut fields, "reply_to", &message.reply_to);
            if let Some(at) = &message.sent_at {
                fields.insert("sent_at".into(), time(at.seconds, at.nanos));
            }
            let filled_by_ingress = (
                &message.provider,
                &message.connection,
                &message.delivery_id,
                message.receipt_sequence,
            );
            assert_eq!(
                filled_by_ingress,
                (&String::new(), &String::new(), &String::new(), 0)
            );
            ("message", fields)
        }
        InboundPayload::Receipt(receipt) => {
            let mut fields = Map::new();
            put(&mut fields, "provider_message_id", &receipt.provider_message_id);
            put(&mut fields, "reference", &receipt.reference);
            let state = ReceiptState::try_from(receipt.state).unwrap();
            put(
                &mut fields,
                "state",
                state.as_str_name().trim_start_matches("RECEIPT_STATE_"),
            );
            put(&mut fields, "error_code", &receipt.error_code);
            put(&mut fields, "error_detail", &receipt.error_detail);
            if let Some(billable) = receipt.billable {
                fields.insert("billable".into(), json!(billable));
            }
            put(&mut fields, "price_category", &receipt.price_category);
            if let Some(at) = &receipt.changed_at {
                fields.insert("changed_at".into(), time(at.seconds, at.nanos));
            }
            ("receipt", fields)
        }
        InboundPayload::Template(template) => {
            let mut fields = Map::new();
            put(&mut fields, "name", &template.name);
            put(&mut fields, "language", &template.language);
            put(&mut fields, "status", &template.status);
            put(&mut fields, "reason", &template.reason);
            ("template", fields)
        }
        InboundPayload::Envelope(envelope) => {
            let mut fields = Map::new();
            put(&mut fields, "envelope_id", &envelope.envelope_id);
            put(&mut fields, "reference", &envelope.reference);
            put(&mut fields, "kind", &envelope.kind);
            let status = EnvelopeStatus::try_from(envelope.status).unwrap();
            put(
                &mut fields,
                "status",
                status.as_str_name().trim_start_matches("ENVELOPE_STATUS_"),
            );
            put(&mut fields, "reason", &envelope.reason);
            if !envelope.signers.is_empty() {
                fields.insert("signers".into(), signers(&envelope.signers));
            }
            if let Some(at) = &envelope.changed_at {
                fields.insert("changed_at".into(), time(at.seconds, at.nanos));
            }
            let filled_by_ingress = (&envelope.provider, &envelope.connection, &envelope.delivery_id);
            assert_eq!(
                filled_by_ingress,
                (&String::new(), &String::new(), &String::new())
            );
            ("envelope", fields)
        }
        InboundPayload::Task(task) => {
            let mut fields = Map::new();
            put(&mut fields, "task_id", &task.task_id);
            put(&mut fields, "action", &task.action);
            put(&mut fields, "field", &task.field);
            put(&mut fields, "actor", &task.actor);
            if let Some(at) = &task.happened_at {
                fields.insert("happened_at".into(), time(at.seconds, at.nanos));
            }
            let filled_by_ingress = (&task.provider, &task.connection, &task.delivery_id);
            assert_eq!(
                filled_by_ingress,
                (&String::new(), &String::new(), &String::new())
            );
            ("task", fields)
        }
        InboundPayload::Ignored { kind, reason } => {
            let mut fields = Map::new();
            put(&mut fields, "kind", kind);
            put(&mut fields, "reason", reason);
            ("ignored", fields)
        }
    };
    out.insert(name.into(), Value::Object(payload));
    Value::Object(out)
}

/// Signers as the fixtures write them.
pub(crate) fn signers(reports: &[SignerReport]) -> Value {
    let one = |report: &SignerReport| {
        let mut fields = Map::new();
        put(&mut fields, "recipient_id", &report.recipient_id);
        let status = SignerStatus::try_from(report.status).unwrap();
        put(
            &mut fields,
            "status",
            status.as_str_name().trim_start_matches("SIGNER_STATUS_"),
        );
        put(&mut fields, "reason", &report.reason);
        if let Some(at) = &report.changed_at {
            fields.insert("changed_at".into(), time(at.seconds, at.nanos));
        }
        Value::Object(fields)
    };
    reports.iter().map(one).collect()
}

fn put(fields: &mut Map<String, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        fields.insert(name.into(), json!(value));
    }
}

fn time(seconds: i64, nanos: i32) -> Value {
    json!(format!("{seconds}.{:03}", nanos / 1_000_000))
}
