//! An event before and after its commit.

use bytes::Bytes;
use puente_bus::Envelope;
use puente_proto::{Event, EventType};
use puente_types::{EventId, TenantId};
use time::OffsetDateTime;

/// An event that is to be committed with the state it tells of.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its id, new or given by what it is made from.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Which event it is.
    pub event: &'static EventType,
    /// The aggregate it belongs to.
    pub aggregate_id: String,
    /// The aggregate's version after it, where versions are counted.
    pub aggregate_version: Option<i64>,
    /// The event or delivery that led to it.
    pub cause: Option<String>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// The protobuf message.
    pub payload: Bytes,
}

impl NewEvent {
    /// An event of `tenant` about `aggregate_id`, in the current trace.
    #[must_use]
    pub fn new<E: Event>(tenant: &TenantId, aggregate_id: impl ToString, event: &E) -> Self {
        let traceparent = puente_telemetry::current_traceparent();
        Self::traced(tenant, aggregate_id, event, traceparent)
    }

    /// The same, in a trace that is known.
    #[must_use]
    pub fn traced<E: Event>(
        tenant: &TenantId,
        aggregate_id: impl ToString,
        event: &E,
        traceparent: Option<String>,
    ) -> Self {
        Self {
            id: EventId::new(),
            tenant: tenant.clone(),
            event: &E::TYPE,
            aggregate_id: aggregate_id.to_string(),
            aggregate_version: None,
            cause: None,
            traceparent,
            payload: event.encode_to_vec().into(),
        }
    }

    /// With the aggregate's version after it.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.aggregate_version = Some(version);
        self
    }

    /// With what led to it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// In the trace of something earlier than the current work.
    #[must_use]
    pub fn in_trace(mut self, traceparent: Option<String>) -> Self {
        if traceparent.is_some() {
            self.traceparent = traceparent;
        }
        self
    }

    /// In the trace of what it tells of, whatever the work at hand belongs to. Work in that very trace has a span of its
    /// own there, and the event stands below it.
    #[must_use]
    pub fn in_trace_of(self, subject: Option<&str>) -> Self {
        let trace = |traceparent: Option<&str>| {
            traceparent
                .and_then(puente_telemetry::trace_id)
                .map(str::to_owned)
        };
        if trace(self.traceparent.as_deref()) == trace(subject) {
            return self;
        }
        self.in_trace(subject.map(str::to_owned))
    }
}

/// An event that is on disk.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Its place in the outbox.
    pub seq: i64,
    /// The event.
    pub event: NewEvent,
    /// When it was committed.
    pub at: OffsetDateTime,
}

impl Committed {
    pub(crate) fn envelope(&self, source: &str) -> Envelope {
        let event = &self.event;
        Envelope {
            id: event.id,
            tenant: event.tenant.clone(),
            event: event.event,
            source: source.to_owned(),
            aggregate_id: event.aggregate_id.clone(),
            aggregate_version: event.aggregate_version,
            cause: event.cause.clone(),
            traceparent: event.traceparent.clone(),
            occurred_at: self.at,
            replay: false,
            payload: event.payload.clone(),
        }
    }
}
