//! The turns of a conversation, as they are kept until they are worked.

use puente_outbox::Tx;
use puente_types::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::infrastructure::store::flat::{decode, json};

/// What a person sent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<File>,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) choice: String,
    #[serde(default)]
    pub(crate) ended: bool,
}

/// A file, as its message named it, and the connection that it came in by.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) sha256: String,
    pub(crate) mime_type: String,
}

/// A person's words and files reach no log by way of `{:?}`.
impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Said")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// A file's address reaches no log by way of `{:?}`.
impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// A turn that is to be worked.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) turn: i32,
    pub(crate) event_id: Uuid,
    pub(crate) said: Said,
    pub(crate) at: OffsetDateTime,
    pub(crate) traceparent: Option<String>,
}

/// Keeps a turn. One that is there already stays.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    turn: &Turn,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO turns (capture_id, turn, tenant, event_id, said, at, traceparent)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (capture_id, turn) DO NOTHING",
        capture,
        turn.turn,
        tenant.as_str(),
        turn.event_id,
        json(&turn.said)?,
        turn.at,
        turn.traceparent,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A capture has work if this turn is the next one.
pub(crate) async fn wake(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    turn: i32,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE plate_captures SET due_at = least(due_at, $4) WHERE id = $1 AND tenant = $2 AND next_turn = $3",
        capture,
        tenant.as_str(),
        turn,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A turn of a capture that was not worked yet.
pub(crate) async fn next(
    connection: &mut PgConnection,
    tenant: &TenantId,
    capture: Uuid,
    turn: i32,
) -> Result<Option<Turn>, sqlx::Error> {
    let found = sqlx::query!(
        "SELECT event_id, said, at, traceparent FROM turns WHERE capture_id = $1 AND tenant = $2 AND turn = $3",
        capture,
        tenant.as_str(),
        turn,
    )
    .fetch_optional(connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Turn {
        turn,
        event_id: found.event_id,
        said: serde_json::from_value(found.said).map_err(decode)?,
        at: found.at,
        traceparent: found.traceparent,
    }))
}

/// It was worked: what the person said is forgotten.
pub(crate) async fn worked(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    turn: i32,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE turns SET worked_at = $4, said = '{}' WHERE capture_id = $1 AND tenant = $2 AND turn = $3",
        capture,
        tenant.as_str(),
        turn,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
