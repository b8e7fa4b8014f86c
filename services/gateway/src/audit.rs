//! Who did or saw what. A row is written before the thing is done, so that nothing happens without a trail; when it then
//! fails, a second row says so.

use puente_rpc::Scope;
use puente_service::Readers;
use puente_types::Clock as _;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::application::failure::Failure;
use crate::domain::Principal;
use crate::state::App;

/// Characters of an object's id at most: the longest is a path of three ids.
const LONGEST_OBJECT: usize = 300;
/// Rows of one page at most.
pub(crate) const MOST: u32 = 100;

/// Something that is done or seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry<'a> {
    /// `order.moved`, `delivery.revealed` …: a thing and a past verb.
    pub(crate) action: &'static str,
    /// What it is done to, by its id.
    pub(crate) object: &'a str,
    /// As it was before, where that is known.
    pub(crate) before: Option<Value>,
    /// What was asked for. Never a secret or a person's data.
    pub(crate) after: Option<Value>,
    /// Why.
    pub(crate) reason: Option<&'a str>,
    /// The request's trace.
    pub(crate) trace: &'a str,
}

/// A row as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Row {
    /// Its id; rows are ordered by it.
    pub(crate) id: Uuid,
    /// Whose business it was; absent for the installation's.
    pub(crate) tenant: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: OffsetDateTime,
    /// Who, by id: `user:<id>` or `key:<id>`.
    pub(crate) subject: String,
    /// Who, as they were called then.
    pub(crate) name: String,
    /// What was done.
    pub(crate) action: String,
    /// To what.
    pub(crate) object: String,
    /// As it was before.
    pub(crate) before: Option<Value>,
    /// What was asked for.
    pub(crate) after: Option<Value>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The trace of the request.
    pub(crate) trace: Option<String>,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(error = %error, "the database of the gateway does not answer");
        Self::Database
    }
}

/// Whose row it is.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// Whose business it was; `None` for the installation's.
    pub(crate) tenant: Option<String>,
    /// Who, by id; `link` for whoever holds a link and is not logged in, `stranger` for whoever knew an account and not
    /// its password.
    pub(crate) subject: String,
    /// Who, as they are called.
    pub(crate) name: String,
}

impl From<&Principal> for Actor {
    fn from(principal: &Principal) -> Self {
        Self {
            tenant: principal.scope.tenant().map(|tenant| tenant.as_str().to_owned()),
            subject: principal.subject(),
            name: principal.name.clone(),
        }
    }
}

/// Writes a row.
pub(crate) async fn record(app: &App, principal: &Principal, entry: &Entry<'_>) -> Result<(), sqlx::Error> {
    record_by(app, &Actor::from(principal), entry).await
}

/// Writes a row of whoever did it.
pub(crate) async fn record_by(app: &App, actor: &Actor, entry: &Entry<'_>) -> Result<(), sqlx::Error> {
    record_with(&app.pool, app.clock.now(), actor, entry).await
}

/// The same, where what is done is written.
pub(crate) async fn record_with(
    place: impl PgExecutor<'_>,
    now: OffsetDateTime,
    actor: &Actor,
    entry: &Entry<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO audit (id, tenant, at, subject, name, action, object, before, after, reason, trace)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        Uuid::now_v7(),
        actor.tenant.as_deref(),
        now,
        actor.subject,
        actor.name,
        entry.action,
        plain(entry.object)
            .chars()
            .take(LONGEST_OBJECT)
            .collect::<String>(),
        entry.before.as_ref().map(plain_value),
        entry.after.as_ref().map(plain_value),
        entry.reason.map(plain),
        Some(entry.trace).filter(|trace| !trace.is_empty()),
    )
    .execute(place)
    .await?;
    Ok(())
}

/// Whether this may be the id of something: anything longer, or with what no id has, is the id of nothing.
pub(crate) fn may_be_object(text: &str) -> bool {
    text.chars().count() <= LONGEST_OBJECT && !text.chars().any(char::is_control)
}

/// The database takes all characters but this one.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn plain_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(items) => items.iter().map(plain_value).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (plain(name), plain_value(value)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Writes a row, does the thing, and writes another row if it failed.
pub(crate) async fn recorded<T, E>(
    app: &App,
    principal: &Principal,
    entry: Entry<'_>,
    doing: impl Future<Output = Result<T, E>>,
) -> Result<T, E>
where
    E: From<sqlx::Error> + std::fmt::Display,
{
    record(app, principal, &entry).await?;
    let done = doing.await;
    if let Err(error) = &done {
        let failed = Entry {
            after: Some(serde_json::json!({ "failed": error.to_string() })),
            before: None,
            ..entry
        };
        if let Err(error) = record(app, principal, &failed).await {
            tracing::error!(error = %error, "the audit trail does not tell that an action failed");
        }
    }
    done
}

/// Rows of the scope, newest first, older than `below`.
pub(crate) async fn list(
    readers: &Readers,
    scope: &Scope,
    object: Option<&str>,
    below: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut tx = readers.begin(scope.tenant()).await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, tenant, at, subject, name, action, object, before, after, reason, trace FROM audit
         WHERE ($1::text IS NULL OR object = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        object,
        below,
        i64::from(limit.min(MOST + 1)),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}
