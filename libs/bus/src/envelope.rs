//! An event with what travels beside its payload, after the CloudEvents NATS binding in binary mode.

use std::borrow::Cow;

use async_nats::{HeaderMap, HeaderName};
use bytes::Bytes;
use puente_proto::{Event, EventType, Subject};
use puente_types::{EventId, TenantId};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Header names.
pub mod header {
    /// The event's id, UUID v7.
    pub const ID: &str = "ce-id";
    /// The full protobuf name.
    pub const TYPE: &str = "ce-type";
    /// The service that published it.
    pub const SOURCE: &str = "ce-source";
    /// The aggregate's id.
    pub const SUBJECT: &str = "ce-subject";
    /// When it happened, RFC 3339.
    pub const TIME: &str = "ce-time";
    /// Always `1.0`.
    pub const SPEC: &str = "ce-specversion";
    /// Always `application/protobuf`.
    pub const CONTENT_TYPE: &str = "content-type";
    /// W3C trace context.
    pub const TRACEPARENT: &str = "traceparent";
    /// The tenant.
    pub const TENANT: &str = "puente-tenant";
    /// The aggregate's version after the event, where it is counted.
    pub const VERSION: &str = "puente-aggregate-version";
    /// The event, delivery or request that led to it.
    pub const CAUSE: &str = "puente-cause";
    /// Set on replays.
    pub const REPLAY: &str = "puente-replay";
}

/// An event on its way.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Which event it is.
    pub event: &'static EventType,
    /// The service that published it.
    pub source: String,
    /// The aggregate it belongs to.
    pub aggregate_id: String,
    /// The aggregate's gapless version, where it is counted.
    pub aggregate_version: Option<i64>,
    /// What led to it.
    pub cause: Option<String>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// When it was committed.
    pub occurred_at: OffsetDateTime,
    /// Whether an operator had it published again.
    pub replay: bool,
    /// The protobuf message.
    pub payload: Bytes,
}

/// A message that is no event of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A header is absent or not what it should be.
    #[error("header `{0}` is missing or malformed")]
    Header(&'static str),
    /// An event that this version does not know.
    #[error("unknown event type `{0}`")]
    UnknownType(String),
    /// The subject's tenant is not the header's.
    #[error("the subject and the tenant header name different tenants")]
    TenantMismatch,
    /// The payload is not the message that the type names.
    #[error("the payload is no valid {0}")]
    Payload(&'static str),
}

impl Envelope {
    /// The subject to publish on.
    #[must_use]
    pub fn subject(&self) -> String {
        Subject::render(&self.tenant, self.event)
    }

    /// The headers to publish with.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Names are static: a name given as text would be copied for each event.
        let mut put = |name: &'static str, value: &str| headers.insert(HeaderName::from_static(name), value);
        let id = self.id.to_string();
        put("Nats-Msg-Id", &id);
        put(header::ID, &id);
        put(header::TYPE, self.event.name);
        put(header::SOURCE, &self.source);
        put(header::SUBJECT, &safe(&self.aggregate_id));
        put(
            header::TIME,
            &self.occurred_at.format(&Rfc3339).unwrap_or_default(),
        );
        put(header::SPEC, "1.0");
        put(header::CONTENT_TYPE, "application/protobuf");
        put(header::TENANT, self.tenant.as_str());
        if let Some(version) = self.aggregate_version {
            put(header::VERSION, &version.to_string());
        }
        if let Some(cause) = &self.cause {
            put(header::CAUSE, &safe(cause));
        }
        if let Some(traceparent) = &self.traceparent {
            put(header::TRACEPARENT, &safe(traceparent));
        }
        if self.replay {
            put(header::REPLAY, "1");
        }
        headers
    }

    /// Reads a message. The subject decides event and tenant; headers must agree with it.
    ///
    /// # Errors
    /// Says what is missing or contradictory.
    pub fn read(message: &async_nats::Message) -> Result<Self, EnvelopeError> {
        let subject: Subject = message
            .subject
            .as_str()
            .parse()
            .map_err(|_| EnvelopeError::UnknownType(message.subject.chars().take(200).collect()))?;
        let headers = message
            .headers
            .as_ref()
            .ok_or(EnvelopeError::Header(header::ID))?;
        let text = |name: &'static str| headers.get(name).map(|value| value.as_str().to_owned());
        let required = |name: &'static str| text(name).ok_or(EnvelopeError::Header(name));
        if required(header::TYPE)? != subject.event.name {
            return Err(EnvelopeError::Header(header::TYPE));
        }
        if required(header::TENANT)? != subject.tenant.as_str() {
            return Err(EnvelopeError::TenantMismatch);
        }
        let aggregate_version = match text(header::VERSION) {
            Some(version) => Some(
                version
                    .parse()
                    .map_err(|_| EnvelopeError::Header(header::VERSION))?,
            ),
            None => None,
        };
        Ok(Self {
            id: required(header::ID)?
                .parse()
                .map_err(|_| EnvelopeError::Header(header::ID))?,
            tenant: subject.tenant,
            event: subject.event,
            source: required(header::SOURCE)?,
            aggregate_id: required(header::SUBJECT)?,
            aggregate_version,
            cause: text(header::CAUSE),
            traceparent: text(header::TRACEPARENT),
            occurred_at: moment(&required(header::TIME)?).ok_or(EnvelopeError::Header(header::TIME))?,
            replay: text(header::REPLAY).is_some(),
            payload: message.payload.clone(),
        })
    }

    /// Whether this is an `E`.
    #[must_use]
    pub fn is<E: Event>(&self) -> bool {
        self.event.name == E::TYPE.name
    }

    /// The payload as an `E`.
    ///
    /// # Errors
    /// [`EnvelopeError::Payload`] when the event is another one, or the bytes are no such message.
    pub fn decode<E: Event>(&self) -> Result<E, EnvelopeError> {
        if !self.is::<E>() {
            return Err(EnvelopeError::Payload(E::TYPE.name));
        }
        E::decode(self.payload.clone()).map_err(|_| EnvelopeError::Payload(E::TYPE.name))
    }
}

/// Text that can stand in a header: line breaks and other controls would break the protocol's framing.
fn safe(text: &str) -> Cow<'_, str> {
    // Printable ASCII is the usual case, and is passed on as it is.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.into();
    }
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A time, in UTC. The last years that can be written with an offset have no moment there.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use puente_proto::orders::OrderOpened;

    fn message(envelope: &Envelope, subject: &str, headers: HeaderMap) -> async_nats::Message {
        async_nats::Message {
            subject: subject.into(),
            reply: None,
            payload: envelope.payload.clone(),
            headers: Some(headers),
            status: None,
            description: None,
            length: 0,
        }
    }

    fn example() -> Envelope {
        Envelope {
            id: EventId::new(),
            tenant: "algesta".parse().unwrap(),
            event: puente_proto::find(OrderOpened::TYPE.name).unwrap(),
            source: "orders".into(),
            aggregate_id: "o-1\r\nx: y".into(),
            aggregate_version: Some(1),
            cause: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            replay: false,
            payload: Bytes::new(),
        }
    }

    #[test]
    fn an_envelope_comes_back_as_it_went_and_line_breaks_cannot_forge_headers() {
        let sent = example();
        let got = Envelope::read(&message(&sent, &sent.subject(), sent.headers())).unwrap();
        assert_eq!(
            (got.id, got.tenant.clone(), got.aggregate_version),
            (sent.id, sent.tenant.clone(), Some(1))
        );
        assert_eq!(got.aggregate_id, "o-1x: y");
        assert!(got.decode::<OrderOpened>().is_ok());
        assert!(got.decode::<puente_proto::orders::ClientRegistered>().is_err());
    }

    #[test]
    fn a_time_beyond_what_a_database_takes_is_refused() {
        let sent = example();
        for (time, is_read) in [
            ("9999-12-31T23:59:59-05:00", false),
            ("2026-11-26T10:00:00-05:00", true),
        ] {
            let mut headers = sent.headers();
            headers.insert(header::TIME, time);
            let got = Envelope::read(&message(&sent, &sent.subject(), headers));
            assert_eq!(got.is_ok(), is_read, "{time}");
        }
    }

    #[test]
    fn a_tenant_header_that_contradicts_the_subject_is_refused() {
        let sent = example();
        let foreign = "puente.v1.other.orders.order.opened";
        assert_eq!(
            Envelope::read(&message(&sent, foreign, sent.headers())).unwrap_err(),
            EnvelopeError::TenantMismatch
        );
    }
}
