//! One simulated envelope: its states, and how DocuSign's JSON shows it.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

/// An envelope.
#[derive(Debug, Clone, Default)]
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) transaction_id: String,
    pub(super) subject: String,
    pub(super) status: &'static str,
    pub(super) documents: Vec<Document>,
    pub(super) signers: Vec<Signer>,
    pub(super) custom_fields: Vec<(String, String)>,
    pub(super) notification: Option<Notification>,
    /// When each state was reached.
    pub(super) reached: Vec<(&'static str, OffsetDateTime)>,
    pub(super) voided_reason: String,
    /// When its status was last asked for, and how often.
    pub(super) polled: Option<OffsetDateTime>,
    pub(super) polls: u32,
    /// The shortest time between two questions, in milliseconds.
    pub(super) shortest_poll_ms: Option<i128>,
}

/// A document as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) pdf: Bytes,
}

/// A signer.
#[derive(Debug, Clone, Default)]
pub(super) struct Signer {
    pub(super) id: String,
    pub(super) guid: String,
    pub(super) order: u32,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) anchors: Vec<String>,
    pub(super) status: &'static str,
    pub(super) reached: Vec<(&'static str, OffsetDateTime)>,
    pub(super) declined_reason: String,
}

/// What the envelope's own subscription asks for.
#[derive(Debug, Clone)]
pub(super) struct Notification {
    pub(super) url: String,
    pub(super) events: Vec<String>,
    /// Whether a message carries the envelope.
    pub(super) summary: bool,
    pub(super) acknowledged: bool,
}

impl Envelope {
    pub(super) fn turn(&mut self, status: &'static str, now: OffsetDateTime) {
        self.status = status;
        self.reached.push((status, now));
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status, "completed" | "declined" | "voided")
    }

    /// The order that is signed now.
    pub(super) fn current_order(&self) -> Option<u32> {
        let open = self.signers.iter().filter(|signer| signer.status != "completed");
        open.map(|signer| signer.order).min()
    }

    /// As `GET /envelopes/{id}` and Connect show it.
    pub(super) fn shown(&self, recipients: bool, custom_fields: bool) -> Value {
        let uri = format!("/envelopes/{}", self.id);
        let mut fields = object(json!({
            "status": self.status,
            "documentsUri": format!("{uri}/documents"),
            "recipientsUri": format!("{uri}/recipients"),
            "envelopeUri": uri,
            "emailSubject": self.subject,
            "envelopeId": self.id,
            "transactionId": self.transaction_id,
        }));
        times(&mut fields, &self.reached);
        if let Some((_, at)) = self.reached.last() {
            fields.insert("statusChangedDateTime".to_owned(), json!(moment(*at)));
        }
        if !self.voided_reason.is_empty() {
            fields.insert("voidedReason".to_owned(), json!(self.voided_reason));
        }
        if custom_fields {
            let texts: Vec<Value> = self
                .custom_fields
                .iter()
                .enumerate()
                .map(|(at, (name, value))| json!({"fieldId": (at + 1).to_string(), "name": name, "show": "false", "value": value}))
                .collect();
            fields.insert("customFields".to_owned(), json!({"textCustomFields": texts}));
        }
        if recipients {
            fields.insert("recipients".to_owned(), self.recipients());
        }
        Value::Object(fields)
    }

    /// As `GET /envelopes/{id}/recipients` shows them.
    pub(super) fn recipients(&self) -> Value {
        let signers: Vec<Value> = self.signers.iter().map(Signer::shown).collect();
        let last = self.signers.iter().map(|signer| signer.order).max();
        let current = self.current_order().or(last).unwrap_or(1);
        json!({"signers": signers, "recipientCount": self.signers.len().to_string(),
            "currentRoutingOrder": current.to_string()})
    }
}

impl Signer {
    pub(super) fn turn(&mut self, status: &'static str, now: OffsetDateTime) {
        self.status = status;
        self.reached.push((status, now));
    }

    fn shown(&self) -> Value {
        let mut fields = object(json!({
            "recipientId": self.id, "recipientIdGuid": self.guid, "userId": self.guid, "name": self.name,
            "email": self.email, "routingOrder": self.order.to_string(), "status": self.status,
        }));
        let reached: Vec<_> = self
            .reached
            .iter()
            .map(|(status, at)| (if *status == "completed" { "signed" } else { *status }, *at))
            .collect();
        times(&mut fields, &reached);
        if !self.declined_reason.is_empty() {
            fields.insert("declinedReason".to_owned(), json!(self.declined_reason));
        }
        Value::Object(fields)
    }
}

/// `sent` → `sentDateTime`, for every state that was reached.
fn times(fields: &mut Map<String, Value>, reached: &[(&'static str, OffsetDateTime)]) {
    for (status, at) in reached {
        fields.insert(format!("{status}DateTime"), json!(moment(*at)));
    }
}

/// An instant with seven digits of a second.
pub(super) fn moment(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
    at.format(form).unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
