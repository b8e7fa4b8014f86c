//! API keys of programs: made, listed, revoked, and found again when one is presented.
//!
//! A key is `pk_<prefix>_<secret>`. The prefix may be shown; of the secret only its SHA-256 is kept, and it is told
//! once, when the key is made. Callable with a database pool alone, as `gateway_worker`: the command-line tool does, by
//! [`recorded`].

pub mod recorded;

use std::num::NonZeroU32;

use puente_rpc::Scope;
use puente_types::{Secret, TenantId};
use serde::Serialize;
use sqlx::{PgExecutor, PgPool};
use subtle::ConstantTimeEq as _;
use time::{OffsetDateTime, UtcOffset};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts;
use crate::auth::random;
use crate::auth::session::scope;
use crate::domain::{Principal, Role, Who};

/// Characters of a name at most.
pub const LONGEST_NAME: usize = 100;
/// Requests a minute at most.
pub const MOST_PER_MINUTE: u32 = 60_000;
/// Requests a minute of a key that asks for no number.
pub const USUAL_PER_MINUTE: u32 = 600;
/// Keys in one list.
pub const MOST_LISTED: u32 = 500;
/// More than any key has.
const LONGEST_KEY: usize = 200;

/// A key that is wanted.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose; `None` for one of the installation.
    pub tenant: Option<TenantId>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Requests a minute, 1 to [`MOST_PER_MINUTE`].
    pub per_minute: u32,
    /// Until when it is good; `None` until it is revoked.
    pub expires_at: Option<OffsetDateTime>,
    /// Who makes it: `user:<id>`, `key:<id>`, or a program's name.
    pub created_by: String,
}

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// Whose; absent for one of the installation.
    pub tenant: Option<String>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// The part that may be shown.
    pub prefix: String,
    /// Requests a minute.
    pub per_minute: i32,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// Until when it is good.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<OffsetDateTime>,
    /// When it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<OffsetDateTime>,
    /// When it was used last, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<OffsetDateTime>,
}

/// A new key with what is told once.
#[derive(Debug)]
pub struct Created {
    /// As it may be shown.
    pub key: Key,
    /// The whole text: `pk_<prefix>_<secret>`.
    pub text: Secret,
}

/// Why a key cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A name of 1 to 100 characters is needed.
    #[error("a key's name has 1 to {LONGEST_NAME} characters, and none that controls")]
    Name,
    /// The limit is out of range.
    #[error("a key allows 1 to {MOST_PER_MINUTE} requests a minute")]
    PerMinute,
    /// It would be good for no time, or its end is later than can be kept.
    #[error("a key ends in the future, and before the year 10000")]
    Expired,
    /// The database is away.
    #[error("the database is not usable")]
    Database(#[from] sqlx::Error),
}

/// Makes a key.
///
/// # Errors
/// When a field is out of range, or the database is away.
pub async fn create(
    database: impl PgExecutor<'_>,
    new: &NewKey,
    now: OffsetDateTime,
) -> Result<Created, KeyError> {
    let name = accounts::plain_name(&new.name, LONGEST_NAME).ok_or(KeyError::Name)?;
    let per_minute = i32::try_from(new.per_minute)
        .ok()
        .filter(|n| (1..=MOST_PER_MINUTE.cast_signed()).contains(n))
        .ok_or(KeyError::PerMinute)?;
    let expires_at = new.expires_at.map(|end| until(end, now)).transpose()?;
    let (prefix, secret) = (random::name(), random::token());
    let key = sqlx::query_as!(
        Key,
        "INSERT INTO api_keys (id, tenant, name, role, prefix, secret_hash, per_minute, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         RETURNING id, tenant, name, role, prefix, per_minute, created_by, created_at, expires_at, revoked_at, last_used_at",
        Uuid::now_v7(),
        new.tenant.as_ref().map(TenantId::as_str),
        name,
        new.role.word(),
        prefix,
        random::hash(&secret),
        per_minute,
        new.created_by,
        now,
        expires_at,
    )
    .fetch_one(database)
    .await?;
    Ok(Created {
        key,
        text: Secret::new(format!("pk_{prefix}_{secret}")),
    })
}

/// The end of a key. In UTC, for the last hours of the last year have no place there and writing them would panic.
fn until(end: OffsetDateTime, now: OffsetDateTime) -> Result<OffsetDateTime, KeyError> {
    let end = end.checked_to_offset(UtcOffset::UTC);
    end.filter(|end| *end > now).ok_or(KeyError::Expired)
}

/// The newest 500 keys of the scope; [`page`] has the others.
///
/// # Errors
/// When the database is away.
pub async fn list(pool: &PgPool, scope: &Scope) -> Result<Vec<Key>, sqlx::Error> {
    page(pool, scope, None, MOST_LISTED).await
}

/// The keys of the scope, newest first, also revoked ones: a tenant's, or all of the installation's. Those that are older
/// than `below`, at most `limit`.
///
/// # Errors
/// When the database is away.
pub async fn page(
    pool: &PgPool,
    scope: &Scope,
    below: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "SELECT id, tenant, name, role, prefix, per_minute, created_by, created_at, expires_at, revoked_at, last_used_at
         FROM api_keys WHERE ($1::text IS NULL OR tenant = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        scope.tenant().map(TenantId::as_str),
        below,
        i64::from(limit.min(MOST_LISTED)),
    )
    .fetch_all(pool)
    .await
}

/// Revokes a key of the scope, by its id or its prefix; it is refused from now on. `None` when the scope has none.
///
/// # Errors
/// When the database is away.
pub async fn revoke(
    database: impl PgExecutor<'_>,
    scope: &Scope,
    which: &str,
    now: OffsetDateTime,
) -> Result<Option<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3)
         WHERE ($1::text IS NULL OR tenant = $1) AND (id::text = $2 OR prefix = $2)
         RETURNING id, tenant, name, role, prefix, per_minute, created_by, created_at, expires_at, revoked_at, last_used_at",
        scope.tenant().map(TenantId::as_str),
        which,
        now,
    )
    .fetch_optional(database)
    .await
}

/// Who presents this key, and how often they may ask; `None` when it is not good.
pub(crate) async fn find(
    pool: &PgPool,
    text: &str,
    now: OffsetDateTime,
) -> Result<Option<(Principal, NonZeroU32)>, sqlx::Error> {
    let parts = text.strip_prefix("pk_").and_then(|rest| rest.split_once('_'));
    let Some((prefix, secret)) = parts.filter(|_| text.len() <= LONGEST_KEY && !text.contains('\0')) else {
        return Ok(None);
    };
    let found = sqlx::query!(
        r#"SELECT id, tenant, name, role, secret_hash, per_minute,
                  (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute') AS "stale!"
           FROM api_keys WHERE prefix = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"#,
        prefix,
        now,
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let right: bool = random::hash(secret).ct_eq(&row.secret_hash).into();
    let limit = u32::try_from(row.per_minute).ok().and_then(NonZeroU32::new);
    let (true, Ok(role), Some(scope), Some(limit)) =
        (right, row.role.parse(), scope(row.tenant.as_deref()), limit)
    else {
        return Ok(None);
    };
    if row.stale {
        sqlx::query!("UPDATE api_keys SET last_used_at = $2 WHERE id = $1", row.id, now)
            .execute(pool)
            .await?;
    }
    let principal = Principal {
        who: Who::Key(row.id),
        name: row.name,
        role,
        scope,
    };
    Ok(Some((principal, limit)))
}
