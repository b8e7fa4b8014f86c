//! Tasks: inserted once per order, read under their row's lock, written back.

use puente_outbox::Tx;
use puente_types::{OrderId, TenantId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::change::Kind;
use crate::domain::state::State;

/// What a task says of its order. The client's name and number are here only where the connection allows them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) service: String,
    pub(crate) description: String,
    pub(crate) location: String,
    pub(crate) state: String,
    pub(crate) client_name: String,
    pub(crate) client_phone: String,
}

/// What went wrong last, and is not mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) tag: String,
    pub(crate) change: Kind,
    pub(crate) since: OffsetDateTime,
}

/// A task.
#[derive(Clone)]
pub(crate) struct Task {
    /// Our reference at the provider.
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) order: OrderId,
    pub(crate) number: String,
    pub(crate) state: State,
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) facts: Facts,
    /// The provider's id and page; empty before it was created.
    pub(crate) task_id: String,
    pub(crate) url: String,
    /// The order's state that it stands in at the provider.
    pub(crate) stage: String,
    pub(crate) version: i64,
    pub(crate) tries: i32,
    pub(crate) command_key: String,
    pub(crate) problem: Option<Problem>,
    pub(crate) traceparent: Option<String>,
    pub(crate) asked_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// The columns of a task.
struct Flat {
    id: Uuid,
    order_id: Uuid,
    number: String,
    state: String,
    provider: String,
    connection: String,
    facts: serde_json::Value,
    task_id: String,
    url: String,
    stage: String,
    version: i64,
    tries: i32,
    command_key: String,
    problem_code: Option<String>,
    problem: Option<String>,
    problem_tag: Option<String>,
    problem_change: Option<String>,
    problem_since: Option<OffsetDateTime>,
    traceparent: Option<String>,
    asked_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Flat {
    fn task(self, tenant: &TenantId) -> Result<Task, sqlx::Error> {
        let problem = match (
            self.problem_code,
            self.problem_tag,
            self.problem_change,
            self.problem_since,
        ) {
            (Some(code), Some(tag), Some(change), Some(since)) => Some(Problem {
                code,
                detail: self.problem.unwrap_or_default(),
                tag,
                change: change.parse().map_err(decode)?,
                since,
            }),
            _ => None,
        };
        Ok(Task {
            id: self.id,
            tenant: tenant.clone(),
            order: self.order_id.into(),
            number: self.number,
            state: self.state.parse().map_err(decode)?,
            provider: self.provider,
            connection: self.connection,
            facts: serde_json::from_value(self.facts).map_err(decode)?,
            task_id: self.task_id,
            url: self.url,
            stage: self.stage,
            version: self.version,
            tries: self.tries,
            command_key: self.command_key,
            problem,
            traceparent: self.traceparent,
            asked_at: self.asked_at,
            updated_at: self.updated_at,
        })
    }
}

/// Writes a new task. `false` when its order has one.
pub(crate) async fn insert(tx: &mut Tx, task: &Task) -> Result<bool, sqlx::Error> {
    let written = sqlx::query!(
        "INSERT INTO tasks (id, tenant, order_id, number, state, provider, connection, facts, command_key, traceparent,
                            asked_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         ON CONFLICT (tenant, order_id) DO NOTHING",
        task.id,
        task.tenant.as_str(),
        task.order.uuid(),
        task.number,
        task.state.as_str(),
        task.provider,
        task.connection,
        facts(task)?,
        task.command_key,
        task.traceparent,
        task.asked_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Reads and locks the task of an order.
pub(crate) async fn lock_of(
    tx: &mut Tx,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Task>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM tasks WHERE tenant = $1 AND order_id = $2",
        tenant.as_str(),
        order.uuid(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    match id {
        Some(id) => lock(tx, tenant, id).await,
        None => Ok(None),
    }
}

/// Reads and locks a task.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<Task>, sqlx::Error> {
    let flat = sqlx::query_as!(
        Flat,
        "SELECT id, order_id, number, state, provider, connection, facts, task_id, url, stage, version, tries,
                command_key, problem_code, problem, problem_tag, problem_change, problem_since, traceparent, asked_at,
                updated_at
         FROM tasks WHERE id = $1 AND tenant = $2 FOR UPDATE",
        id,
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    flat.map(|flat| flat.task(tenant)).transpose()
}

/// Reads the task of an order as it stands now.
pub(crate) async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Task>, sqlx::Error> {
    let flat = sqlx::query_as!(
        Flat,
        "SELECT id, order_id, number, state, provider, connection, facts, task_id, url, stage, version, tries,
                command_key, problem_code, problem, problem_tag, problem_change, problem_since, traceparent, asked_at,
                updated_at
         FROM tasks WHERE tenant = $1 AND order_id = $2",
        tenant.as_str(),
        order.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    flat.map(|flat| flat.task(tenant)).transpose()
}

/// Writes a locked task back.
pub(crate) async fn save(tx: &mut Tx, task: &Task, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let problem = task.problem.as_ref();
    sqlx::query!(
        "UPDATE tasks
         SET number = $3, state = $4, provider = $5, connection = $6, facts = $7, task_id = $8, url = $9, stage = $10,
             version = $11, tries = $12, command_key = $13, problem_code = $14, problem = $15, problem_tag = $16,
             problem_change = $17, problem_since = $18, updated_at = $19
         WHERE id = $1 AND tenant = $2",
        task.id,
        task.tenant.as_str(),
        task.number,
        task.state.as_str(),
        task.provider,
        task.connection,
        facts(task)?,
        task.task_id,
        task.url,
        task.stage,
        task.version,
        task.tries,
        task.command_key,
        problem.map(|problem| problem.code.as_str()),
        problem.map(|problem| problem.detail.as_str()),
        problem.map(|problem| problem.tag.as_str()),
        problem.map(|problem| problem.change.as_str()),
        problem.map(|problem| problem.since),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn facts(task: &Task) -> Result<serde_json::Value, sqlx::Error> {
    serde_json::to_value(&task.facts).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

fn decode<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
