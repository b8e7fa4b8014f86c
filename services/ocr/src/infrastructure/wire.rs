//! Between our words and the protobuf events, both directions; pure.

use puente_outbox::NewEvent;
use puente_proto::notifications::{MessageRequested, Recipient};
use puente_proto::ocr::{CaptureContact, CaptureStateChanged, StoredPhoto};
use puente_proto::orders::CaptureContinued;
use puente_proto::timestamp;
use uuid::Uuid;

use crate::domain::capture::Moved;
use crate::domain::say::Say;
use crate::infrastructure::store::row::{Contact, Row};
use crate::infrastructure::store::turn::{File, Said};

/// The event of a change of state.
pub(crate) fn moved(row: &Row, moved: &Moved, photos: &[StoredPhoto]) -> NewEvent {
    let event = CaptureStateChanged {
        capture_id: row.id.to_string(),
        order_id: optional(row.order),
        asset_id: optional(row.asset),
        before: moved
            .before
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        after: moved.after.as_str().to_owned(),
        attempt: moved.attempt,
        attempts_allowed: moved.allowed,
        serial: moved.serial.clone(),
        confidence_permille: moved.permille,
        origin: moved
            .origin
            .map(|origin| origin.as_str().to_owned())
            .unwrap_or_default(),
        by: moved.by.clone(),
        engine: moved.engine.clone(),
        facts: moved.facts.clone().into_iter().collect(),
        photos: photos.to_vec(),
        contact: row.contact.as_ref().map(|contact| CaptureContact {
            provider: contact.provider.clone(),
            connection: contact.connection.clone(),
            contact_id: contact.contact_id.clone(),
            phone: contact.phone.clone(),
        }),
        changed_at: Some(timestamp(moved.at)),
        turn: row.next_turn.saturating_sub(1).unsigned_abs(),
    };
    NewEvent::new(&row.tenant, row.id, &event)
        .version(moved.version)
        .in_trace_of(row.traceparent.as_deref())
}

/// Asks for a message to the person of the conversation; `None` when nobody is told.
pub(crate) fn message(row: &Row, say: &Say) -> Option<NewEvent> {
    let contact = row.contact.as_ref()?;
    if contact.connection.is_empty() || (contact.contact_id.is_empty() && contact.phone.is_empty()) {
        return None;
    }
    let message = MessageRequested {
        recipient: Some(Recipient {
            provider: contact.provider.clone(),
            connection: contact.connection.clone(),
            contact_id: contact.contact_id.clone(),
            phone: contact.phone.clone(),
        }),
        template: say.key().to_owned(),
        variables: say
            .variables()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        about: row.order.unwrap_or(row.id).to_string(),
        critical: false,
    };
    let asked = NewEvent::new(&row.tenant, row.id, &message);
    Some(asked.in_trace_of(row.traceparent.as_deref()))
}

/// A turn as its event has it.
pub(crate) struct Heard {
    pub(crate) capture: Uuid,
    pub(crate) turn: i32,
    pub(crate) order: Option<Uuid>,
    pub(crate) contact: Option<Contact>,
    pub(crate) said: Said,
}

/// Reads a turn.
///
/// # Errors
/// What is wrong with it; nothing personal.
pub(crate) fn heard(event: CaptureContinued) -> Result<Heard, &'static str> {
    let contact = event.contact.map(|contact| Contact {
        provider: contact.provider,
        connection: contact.connection,
        contact_id: contact.contact_id,
        phone: contact.phone,
    });
    let file = event.media.map(|media| File {
        provider: contact
            .as_ref()
            .map(|contact| contact.provider.clone())
            .unwrap_or_default(),
        connection: contact
            .as_ref()
            .map(|contact| contact.connection.clone())
            .unwrap_or_default(),
        id: media.provider_media_id,
        url: media.url,
        sha256: media.sha256,
        mime_type: media.mime_type,
    });
    let order = match event.order_id.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| "the order's id is no UUID")?),
    };
    Ok(Heard {
        capture: event
            .capture_id
            .parse()
            .map_err(|_| "the capture's id is no UUID")?,
        turn: i32::try_from(event.turn)
            .ok()
            .filter(|turn| *turn > 0)
            .ok_or("turns are counted from 1")?,
        order,
        contact,
        said: Said {
            file,
            // No table holds NUL.
            text: event.text.replace('\0', ""),
            choice: event.choice.replace('\0', ""),
            ended: event.ended,
        },
    })
}

/// An id, or nothing.
pub(crate) fn optional(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
