//! Dead letters handled again because a person says so: by the same handler, in one transaction with the letter's end.

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_types::TenantId;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::inbox::short;
use crate::passing::is_passing;
use crate::{ApplyError, EventHandler, Inbox, Tx};

/// What became of a dead letter that was to be handled again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redelivered {
    /// It is handled: now, or meanwhile by the consumer. The letter is resolved.
    Handled,
    /// It failed again, for this reason. The letter waits on.
    Failed(String),
    /// There is no such letter, or it is another tenant's.
    Missing,
    /// Somebody has retried or closed it before.
    Resolved,
    /// The message was no event that this version knows; it can only be closed.
    NoEvent,
}

/// A consumer whose dead letters can be handled again.
#[async_trait]
pub trait Redeliver: Send + Sync + 'static {
    /// The consumer's name, as its letters have it.
    fn consumer(&self) -> &'static str;

    /// Handles the letter's event from the start, on behalf of `by`. With a tenant, only if it is that tenant's.
    ///
    /// # Errors
    /// When the database does not answer; then nothing has changed.
    async fn redeliver(
        &self,
        event: Uuid,
        tenant: Option<&TenantId>,
        by: &str,
    ) -> Result<Redelivered, sqlx::Error>;
}

struct Letter {
    tenant: String,
    kind: String,
    aggregate_id: String,
    aggregate_version: Option<i64>,
    cause: Option<String>,
    traceparent: Option<String>,
    occurred_at: OffsetDateTime,
    payload: Vec<u8>,
    resolved: bool,
}

impl Letter {
    /// The letter's row, locked: of two people who retry it, one waits and then finds it resolved.
    async fn lock(
        tx: &mut Tx,
        event: Uuid,
        consumer: &str,
        tenant: Option<&TenantId>,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            Self,
            r#"SELECT tenant, type AS kind, aggregate_id, aggregate_version, cause, traceparent, occurred_at, payload,
                      resolved_at IS NOT NULL AS "resolved!"
               FROM dead_letters
               WHERE event_id = $1 AND consumer = $2 AND ($3::text IS NULL OR tenant = $3) FOR UPDATE"#,
            event,
            consumer,
            tenant.map(TenantId::as_str),
        )
        .fetch_optional(&mut **tx)
        .await
    }

    fn envelope(self, id: Uuid) -> Option<Envelope> {
        let event = puente_proto::find(&self.kind)?;
        Some(Envelope {
            id: id.into(),
            tenant: self.tenant.parse().ok()?,
            event,
            source: event.owner.to_owned(),
            aggregate_id: self.aggregate_id,
            aggregate_version: self.aggregate_version,
            cause: self.cause,
            traceparent: self.traceparent,
            occurred_at: self.occurred_at,
            replay: true,
            payload: self.payload.into(),
        })
    }
}

#[async_trait]
impl<H: EventHandler> Redeliver for Inbox<H> {
    fn consumer(&self) -> &'static str {
        self.spec.durable
    }

    async fn redeliver(
        &self,
        event: Uuid,
        tenant: Option<&TenantId>,
        by: &str,
    ) -> Result<Redelivered, sqlx::Error> {
        let mut tx = self.outbox.begin().await?;
        let Some(letter) = Letter::lock(&mut tx, event, self.spec.durable, tenant).await? else {
            return Ok(Redelivered::Missing);
        };
        if letter.resolved {
            return Ok(Redelivered::Resolved);
        }
        let Some(envelope) = letter.envelope(event) else {
            return Ok(Redelivered::NoEvent);
        };
        let reason = match self.again(tx, &envelope, by).await {
            Ok(()) => return Ok(Redelivered::Handled),
            Err(ApplyError::Database(error)) if is_passing(&error) => return Err(error),
            Err(ApplyError::Database(error)) => format!("the database refused: {error}"),
            Err(
                error @ (ApplyError::Retry(_)
                | ApplyError::Passing(_)
                | ApplyError::Dead(_)
                | ApplyError::Early),
            ) => error.to_string(),
        };
        let reason = short(&reason);
        self.failed_again(event, &reason).await?;
        tracing::warn!(consumer = self.spec.durable, event.id = %event, reason, "dead letter failed again");
        Ok(Redelivered::Failed(reason))
    }
}

impl<H: EventHandler> Inbox<H> {
    /// The event and the end of its letter, in one commit.
    async fn again(&self, mut tx: Tx, event: &Envelope, by: &str) -> Result<(), ApplyError> {
        let count = self.work(&mut tx, &[event]).await?;
        sqlx::query!(
            "UPDATE dead_letters SET resolved_at = now(), resolution = 'retried', resolved_by = $3
             WHERE event_id = $1 AND consumer = $2",
            event.id.uuid(),
            self.spec.durable,
            by,
        )
        .execute(&mut *tx)
        .await?;
        self.finish(tx, count).await
    }

    /// The letter keeps its place among the others: it was given up when it was given up.
    async fn failed_again(&self, event: Uuid, reason: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE dead_letters SET reason = $3, attempts = attempts + 1
             WHERE event_id = $1 AND consumer = $2 AND resolved_at IS NULL",
            event,
            self.spec.durable,
            reason,
        )
        .execute(self.outbox.pool())
        .await?;
        Ok(())
    }
}
