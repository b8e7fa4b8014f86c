//! Changes of a task that are not settled; the task's row is locked.

use puente_outbox::Tx;
use puente_ports::TaskChange;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::change::Kind;

/// Changes of one task that wait. With more, those of a kind are dropped that a later one of it makes pointless.
const MOST_WAITING: i64 = 50;

/// A change that waits for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The order's version that it belongs to.
    pub(crate) version: i64,
    pub(crate) kind: Kind,
    pub(crate) change: TaskChange,
    pub(crate) traceparent: Option<String>,
    pub(crate) at: OffsetDateTime,
}

/// Keeps a change. One of the same version is the one that is there.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &TenantId,
    task: Uuid,
    waiting: &Waiting,
) -> Result<(), sqlx::Error> {
    let change =
        serde_json::to_value(&waiting.change).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query!(
        "INSERT INTO task_changes (task, version, tenant, kind, change, traceparent, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        task,
        waiting.version,
        tenant.as_str(),
        waiting.kind.as_str(),
        change,
        waiting.traceparent,
        waiting.at,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM task_changes
         WHERE task = $1 AND kind = $2 AND version < $3 AND NOT called
           AND (SELECT count(*) FROM task_changes WHERE task = $1) > $4",
        task,
        waiting.kind.as_str(),
        waiting.version,
        MOST_WAITING,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the next change as the one that is called; none while another one is.
pub(crate) async fn next(tx: &mut Tx, task: Uuid) -> Result<Option<Waiting>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE task_changes SET called = true
         WHERE task = $1 AND version = (SELECT min(version) FROM task_changes WHERE task = $1)
           AND NOT EXISTS (SELECT 1 FROM task_changes WHERE task = $1 AND called)
         RETURNING version, kind, change, traceparent, at",
        task,
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| {
        Ok(Waiting {
            version: row.version,
            kind: row.kind.parse().map_err(decode)?,
            change: serde_json::from_value(row.change).map_err(decode)?,
            traceparent: row.traceparent,
            at: row.at,
        })
    })
    .transpose()
}

/// Removes a change that is settled. `false` when it was before.
pub(crate) async fn settle(tx: &mut Tx, task: Uuid, version: i64) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM task_changes WHERE task = $1 AND version = $2",
        task,
        version
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// Removes all changes of a task that has none to make any more.
pub(crate) async fn forget(tx: &mut Tx, task: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM task_changes WHERE task = $1", task)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How many changes of a task are not settled.
pub(crate) async fn count(
    connection: &mut PgConnection,
    tenant: &TenantId,
    task: Uuid,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM task_changes WHERE task = $1 AND tenant = $2"#,
        task,
        tenant.as_str(),
    )
    .fetch_one(connection)
    .await
}

fn decode<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
