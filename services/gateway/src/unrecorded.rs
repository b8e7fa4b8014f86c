//! Files that were stored and never recorded: a process died in between, or somebody else put them there.
//!
//! # Protocol
//! 1. Once a day each container is listed, page by page ([`sweep`]). Files of a page that are older than a day are asked
//!    for at every service that keeps documents; those that none has recorded are noted. A page and how far the look has
//!    come are one commit, so that whoever goes on after a crash misses nothing. What a whole round did not see any more
//!    was recorded or deleted meanwhile, and is forgotten.
//! 2. Unless all of those services are configured and answer, nothing is judged: a file is unknown only when all were
//!    asked.
//! 3. Nothing is deleted by itself. A file tells by its name whose it is, and nothing of what it is about: whether it is
//!    worth something, a person sees. They may discard what is known to nobody for a week. That leaves a row in the audit
//!    trail first, and all services are asked once more before the file is deleted.
//!
//! Callable with a database pool alone, as `gateway_worker`: the command-line tool does.
//!
//! # Never
//! A file deleted that a service has recorded; one tenant's files shown to another.

mod store;
pub(crate) mod sweep;

use puente_blob::{BlobKey, Container};
use puente_rpc::Scope;
use puente_types::TenantId;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A younger file may still be recorded: whoever stored it tries for hours.
const YOUNG: Duration = Duration::hours(24);
/// A file is discarded when it is known to nobody for so long.
pub const GRACE: Duration = Duration::days(7);
/// Characters of a reason at most.
pub const LONGEST_REASON: usize = 500;
/// Files in one list.
pub const MOST_LISTED: u32 = 1_000;

/// A file that no service has recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its container.
    pub container: String,
    /// Its name there.
    pub name: String,
    /// Whose it is by its name; absent for a name that tells of nobody.
    pub tenant: Option<String>,
    /// How large it is.
    pub bytes: i64,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub stored_at: OffsetDateTime,
    /// When it was found first.
    #[serde(with = "time::serde::rfc3339")]
    pub found_at: OffsetDateTime,
    /// Who had it discarded; it is deleted within minutes.
    pub discarded_by: Option<String>,
}

/// Where the look through a container stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// The container.
    pub container: String,
    /// When the last whole round came to its end; absent before the first.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Whether a round is under way.
    pub under_way: bool,
}

/// Who discards a file, and why.
#[derive(Debug, Clone)]
pub struct Discard<'a> {
    /// Its container.
    pub container: Container,
    /// Its key.
    pub key: &'a BlobKey,
    /// `tool:<id>`; an id, never a name.
    pub by: &'a str,
    /// Why, in up to [`LONGEST_REASON`] characters.
    pub reason: &'a str,
}

/// Why a file is not discarded.
#[derive(Debug, thiserror::Error)]
pub enum DiscardError {
    /// No such file is noted.
    #[error("no such file is known to be unrecorded")]
    NotFound,
    /// It was found too short a time ago.
    #[error("it was found on {}; what is discarded is known to nobody for {} days", found_at.date(), GRACE.whole_days())]
    TooEarly {
        /// When it was found first.
        found_at: OffsetDateTime,
    },
    /// A reason is needed.
    #[error("say why, in 1 to {LONGEST_REASON} characters")]
    Reason,
    /// The database is away.
    #[error("the database is not usable")]
    Database(#[from] sqlx::Error),
}

/// The files of the scope, the one found last first: a tenant's, or all of the installation's.
///
/// # Errors
/// When the database is away.
pub async fn list(pool: &PgPool, scope: &Scope, most: u32) -> Result<Vec<File>, sqlx::Error> {
    let most = i64::from(most.min(MOST_LISTED));
    sqlx::query_as!(
        File,
        "SELECT container, name, tenant, bytes, stored_at, found_at, discarded_by FROM unrecorded_files
         WHERE $1::text IS NULL OR tenant = $1 ORDER BY found_at DESC, container, name LIMIT $2",
        scope.tenant().map(TenantId::as_str),
        most,
    )
    .fetch_all(pool)
    .await
}

/// How far the gateway has looked.
///
/// # Errors
/// When the database is away.
pub async fn swept(pool: &PgPool) -> Result<Vec<Swept>, sqlx::Error> {
    sqlx::query_as!(
        Swept,
        r#"SELECT container, finished_at, (next_page IS NOT NULL OR finished_at IS NULL) AS "under_way!"
           FROM file_sweeps ORDER BY container"#
    )
    .fetch_all(pool)
    .await
}

/// Has the gateway look through every container now, from the beginning, instead of at its time.
///
/// # Errors
/// When the database is away.
pub async fn look_now(pool: &PgPool, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    store::begin_anew(pool, now).await
}

/// Has a file deleted that nobody knows. The row in the audit trail is written with it.
///
/// # Errors
/// When it is not noted in this scope, or was found too short a time ago, or the database is away.
pub async fn discard(
    pool: &PgPool,
    scope: &Scope,
    discard: &Discard<'_>,
    now: OffsetDateTime,
) -> Result<(), DiscardError> {
    if !(1..=LONGEST_REASON).contains(&discard.reason.trim().chars().count()) {
        return Err(DiscardError::Reason);
    }
    let mut tx = pool.begin().await?;
    let found = sqlx::query!(
        "SELECT tenant, bytes, stored_at, found_at FROM unrecorded_files
         WHERE container = $1 AND name = $2 AND ($3::text IS NULL OR tenant = $3) FOR UPDATE",
        discard.container.as_str(),
        discard.key.as_str(),
        scope.tenant().map(TenantId::as_str),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(DiscardError::NotFound)?;
    if now - found.found_at < GRACE {
        let found_at = found.found_at;
        return Err(DiscardError::TooEarly { found_at });
    }
    let about = json!({
        "container": discard.container.as_str(),
        "bytes": found.bytes,
        "stored_at": found.stored_at.unix_timestamp(),
    });
    sqlx::query!(
        "INSERT INTO audit (id, tenant, at, subject, name, action, object, before, reason)
         VALUES ($1, $2, $3, $4, $4, 'file.discarded', $5, $6, $7)",
        Uuid::now_v7(),
        found.tenant,
        now,
        discard.by,
        discard.key.as_str(),
        about,
        discard.reason.trim(),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE unrecorded_files SET discarded_by = $3 WHERE container = $1 AND name = $2",
        discard.container.as_str(),
        discard.key.as_str(),
        discard.by,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
