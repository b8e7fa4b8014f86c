//! An effect, and what a service has to say about its own.

use async_trait::async_trait;
use puente_outbox::{ApplyError, Tx};
use puente_ports::{CallCtx, ProviderError, Recovery};
use puente_types::{ConnectionId, EffectId, TenantId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Which of a connection's effects go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Someone waits for it.
    Critical,
    /// The ordinary case.
    Normal,
    /// Campaigns and catching up.
    Bulk,
}

impl Priority {
    /// All, the first ones first.
    pub(crate) const ALL: [Self; 3] = [Self::Critical, Self::Normal, Self::Bulk];
}

/// A call that is to be made.
#[derive(Debug, Clone)]
pub struct NewEffect {
    /// Unique in the service: the same key is the same effect. Travels as idempotency key.
    pub key: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The tenant's connection.
    pub connection: ConnectionId,
    /// What is done: `messages.send`.
    pub operation: &'static str,
    /// The aggregate of the service that it belongs to.
    pub subject_id: String,
    /// What the executor needs for the call.
    pub payload: Value,
    /// Which goes first.
    pub priority: Priority,
    /// Not before this instant; `None` for at once.
    pub not_before: Option<OffsetDateTime>,
}

/// What [`enqueue`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new effect.
    New(EffectId),
    /// The key is taken by an effect that is still under way.
    Exists,
}

/// Writes an effect into the transaction of the state that wants it, in the current trace.
///
/// # Errors
/// The database's own.
pub async fn enqueue(connection: &mut PgConnection, effect: &NewEffect) -> Result<Enqueued, sqlx::Error> {
    let id = EffectId::new();
    sqlx::query!(
        "INSERT INTO effect_lanes (connection, tenant, provider) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        effect.connection.as_str(),
        effect.tenant.as_str(),
        effect.provider,
    )
    .execute(&mut *connection)
    .await?;
    let written = sqlx::query!(
        "INSERT INTO effects (id, tenant, key, provider, connection, operation, subject_id, payload, priority,
                              state, not_before, traceparent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'due', coalesce($10, now()), $11)
         ON CONFLICT (key) DO NOTHING",
        id.uuid(),
        effect.tenant.as_str(),
        effect.key,
        effect.provider,
        effect.connection.as_str(),
        effect.operation,
        effect.subject_id,
        effect.payload,
        effect.priority as i16,
        effect.not_before,
        puente_telemetry::current_traceparent(),
    )
    .execute(&mut *connection)
    .await?;
    Ok(if written.rows_affected() == 1 {
        Enqueued::New(id)
    } else {
        Enqueued::Exists
    })
}

/// An effect under way.
#[derive(Debug, Clone)]
pub struct Effect {
    /// Its id.
    pub id: EffectId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its key.
    pub key: String,
    /// The provider's slug.
    pub provider: String,
    /// The tenant's connection.
    pub connection: ConnectionId,
    /// What is done.
    pub operation: String,
    /// The aggregate that it belongs to.
    pub subject_id: String,
    /// What the executor needs for the call.
    pub payload: Value,
    /// Which claim of it this is, from 1: what is written about a call counts only as long as no later one was begun.
    pub attempts: i32,
    /// Calls that ended in a rate limit.
    pub limited: i32,
    /// Calls that ended in an outage, or in doubt.
    pub failed: i32,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// How an effect ended, or that it cannot be known.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The provider did it.
    Done(Value),
    /// It will not happen.
    Failed(ProviderError),
    /// It may have happened; a person decides.
    Unknown {
        /// Why it cannot be known.
        reason: String,
    },
}

/// What a service knows about its own effects.
#[async_trait]
pub trait EffectExecutor: Send + Sync + 'static {
    /// How the operation recovers when its outcome is unknown.
    fn recovery(&self, effect: &Effect) -> Recovery;

    /// Makes the call.
    async fn call(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Value, ProviderError>;

    /// Asks the provider whether the effect happened; for [`Recovery::Findable`] operations.
    async fn find(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Option<Value>, ProviderError>;

    /// Takes the outcome into the service's own state, in the settling transaction.
    async fn settled(&self, tx: &mut Tx, effect: &Effect, outcome: &Outcome) -> Result<(), ApplyError>;
}
