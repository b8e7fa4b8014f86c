//! Documents as protobuf has them, and dates as people write them.

use puente_proto::{documents as proto, timestamp};
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tonic::Status;

use crate::Document;

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl From<Document> for proto::Document {
    fn from(document: Document) -> Self {
        let traceparent = document.traceparent.as_deref();
        Self {
            document_id: document.id.to_string(),
            about_kind: document.about.kind,
            about_id: document.about.id,
            kind: document.kind,
            container: document.container.to_string(),
            key: document.key.to_string(),
            file_name: document.file_name,
            media_type: document.media_type.mime().to_owned(),
            bytes: document.bytes,
            sha256: document.sha256.to_string(),
            stored_at: Some(timestamp(document.stored_at)),
            by: document.by,
            expires_on: document.expires_on.map(day).unwrap_or_default(),
            replaced_at: document.replaced_at.map(timestamp),
            note: document.note,
            trace_id: traceparent
                .and_then(puente_telemetry::trace_id)
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

fn day(date: Date) -> String {
    date.format(DAY).unwrap_or_default()
}

/// The date that a text says; `None` for an empty one.
pub(crate) fn date(text: &str) -> Result<Option<Date>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let date = Date::parse(text, DAY);
    date.map(Some)
        .map_err(|_| Status::invalid_argument("a date is written like 2026-12-31"))
}
