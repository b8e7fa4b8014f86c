//! One event as it is shown: its envelope, and its payload decoded and masked.
//!
//! A message that is no event of this version is shown, too, with what is wrong with it and without its payload:
//! nobody knows what is personal in it.

use async_nats::HeaderMap;
use puente_bus::{Envelope, header};
use puente_proto::json::{self, Personal};
use puente_proto::{EventType, Subject};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::feed::Taken;
use super::pattern::short;
use crate::ui::{Tone, Ui, plain};

/// An event for scripts: one line of `--json`. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    sequence: u64,
    subject: String,
    tenant: Option<String>,
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    source: Option<String>,
    aggregate_id: Option<String>,
    aggregate_version: Option<i64>,
    time: Option<String>,
    stored_at: String,
    cause: Option<String>,
    traceparent: Option<String>,
    replay: bool,
    data: Option<Value>,
    /// Why there is no `data`.
    problem: Option<String>,
    #[serde(skip)]
    event: Option<&'static EventType>,
}

impl Shown {
    /// Reads a message.
    pub(crate) fn read(taken: &Taken, personal: Personal) -> Self {
        let message = &taken.message;
        let envelope = Envelope::read(message);
        let headers = message.headers.as_ref();
        let text = |name: &str| headers.and_then(|headers| value(headers, name));
        let event = match &envelope {
            Ok(envelope) => Some(envelope.event),
            Err(_) => message
                .subject
                .parse::<Subject>()
                .ok()
                .map(|subject| subject.event),
        };
        let data = envelope.map_err(|error| error.to_string()).and_then(|envelope| {
            json::json(envelope.event, &envelope.payload, personal).map_err(|error| error.to_string())
        });
        let (data, problem) = match data {
            Ok(data) => (Some(data), None),
            Err(problem) => (None, Some(problem)),
        };
        Self {
            sequence: taken.sequence,
            subject: message.subject.to_string(),
            tenant: text(header::TENANT),
            id: text(header::ID),
            kind: text(header::TYPE),
            source: text(header::SOURCE),
            aggregate_id: text(header::SUBJECT),
            aggregate_version: text(header::VERSION).and_then(|version| version.parse().ok()),
            time: text(header::TIME),
            stored_at: taken.stored_at.format(&Rfc3339).unwrap_or_default(),
            cause: text(header::CAUSE),
            traceparent: text(header::TRACEPARENT),
            replay: text(header::REPLAY).is_some(),
            data,
            problem,
            event,
        }
    }

    /// The full protobuf name of its type, where there is one.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// For people: a line with what and whose, one with the ids, and the fields that are set.
    pub(crate) fn text(&self, ui: &Ui) -> String {
        let what = self.event.map_or_else(|| self.subject.clone(), short);
        let mut text = format!(
            "{}  {}  {}  #{}",
            ui.paint(Tone::Dim, &self.clock()),
            ui.paint(Tone::Strong, &plain(&what)),
            plain(self.tenant.as_deref().unwrap_or("?")),
            self.sequence
        );
        if let Some(version) = self.aggregate_version {
            text.push_str(&format!("  v{version}"));
        }
        if self.replay {
            text.push_str(&format!("  {}", ui.paint(Tone::Notice, "replay")));
        }
        let ids = [
            ("id", self.id.as_deref()),
            ("aggregate", self.aggregate_id.as_deref()),
            ("cause", self.cause.as_deref()),
            ("trace", self.trace()),
        ];
        let ids: Vec<_> = ids
            .into_iter()
            .filter_map(|(name, id)| Some(format!("{name} {}", plain(id?))))
            .collect();
        text.push_str(&format!("\n    {}", ui.paint(Tone::Dim, &ids.join("  "))));
        if let Some(problem) = &self.problem {
            text.push_str(&format!("\n    {}", ui.paint(Tone::Bad, &plain(problem))));
        }
        let mut fields = Vec::new();
        if let (Some(event), Some(data)) = (self.event, &self.data) {
            flatten(event, data, &mut fields);
        }
        let width = fields
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, value) in fields {
            text.push_str(&format!("\n    {name:<width$}  {value}"));
        }
        text
    }

    fn clock(&self) -> String {
        let time = self.time.as_deref().unwrap_or(&self.stored_at);
        OffsetDateTime::parse(time, &Rfc3339).map_or_else(|_| plain(time), crate::when::second)
    }

    fn trace(&self) -> Option<&str> {
        self.traceparent.as_deref()?.split('-').nth(1)
    }
}

fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.as_str().to_owned())
}

/// The fields that are set, by their paths, in the order of the proto file.
fn flatten(event: &EventType, data: &Value, into: &mut Vec<(String, String)>) {
    let Some(message) = json::descriptor(event) else {
        return;
    };
    for field in message.fields() {
        if let Some(value) = data.get(field.name()) {
            leaf(field.name().to_owned(), value, into);
        }
    }
}

fn leaf(path: String, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => into.push((path, plain(text))),
        Value::Bool(_) | Value::Number(_) => into.push((path, value.to_string())),
        Value::Object(entries) => {
            for (name, value) in entries {
                leaf(format!("{path}.{}", plain(name)), value, into);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                leaf(format!("{path}[{at}]"), value, into);
            }
        }
    }
}
