//! People who log in: made, listed, changed, disabled. Callable with a database pool alone, as `gateway_worker`.
//!
//! Whoever manages people sees and changes those of their own scope; the last thing that anybody may do to themselves
//! is to change their password.

use puente_rpc::Scope;
use puente_types::{Secret, TenantId};
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::passwords::{PasswordError, Passwords};
use crate::auth::random;
use crate::domain::Role;

/// Characters of a name or an e-mail address at most.
pub const LONGEST_TEXT: usize = 200;
/// People in one list.
pub const MOST_LISTED: u32 = 500;

/// Somebody who is to log in.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Whose person; `None` for one of the installation.
    pub tenant: Option<TenantId>,
    /// What they log in with.
    pub email: String,
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// `es` or `en`.
    pub language: String,
}

/// Somebody who logs in, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// Their id.
    pub id: Uuid,
    /// Whose person; absent for one of the installation.
    pub tenant: Option<String>,
    /// What they log in with.
    pub email: String,
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: String,
    /// `es` or `en`.
    pub language: String,
    /// When they were made known.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// When they were disabled.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<OffsetDateTime>,
}

/// Why an account cannot be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not an e-mail address.
    #[error("an e-mail address has one @ and at most {LONGEST_TEXT} characters")]
    Email,
    /// A name is needed.
    #[error("a name has 1 to {LONGEST_TEXT} characters, and none that controls")]
    Name,
    /// Neither Spanish nor English.
    #[error("the languages are es and en")]
    Language,
    /// Somebody logs in with this address already.
    #[error("somebody logs in with this e-mail address already")]
    Taken,
    /// Shorter or longer than allowed.
    #[error("a password has 12 to 256 characters")]
    Password,
    /// Too many passwords are hashed at a time.
    #[error("too many passwords are looked at; try again in a moment")]
    Busy,
    /// The database is away.
    #[error("the database is not usable")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refused) if refused.constraint() == Some("users_email") => Self::Taken,
            _ => Self::Database(error),
        }
    }
}

impl From<PasswordError> for AccountError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length => Self::Password,
            PasswordError::Busy | PasswordError::Broken => Self::Busy,
        }
    }
}

/// A password that nobody could guess, to be told once.
#[must_use]
pub fn random_password() -> Secret {
    Secret::new(random::token().chars().take(24).collect::<String>())
}

/// Makes somebody known who logs in with `password`.
///
/// # Errors
/// When a field is not usable, the address is taken, or the database is away.
pub async fn create(
    pool: &PgPool,
    new: &NewAccount,
    password: &Secret,
    now: OffsetDateTime,
) -> Result<Account, AccountError> {
    create_with(pool, &Passwords::new(), new, password, now).await
}

pub(crate) async fn create_with(
    pool: &PgPool,
    passwords: &Passwords,
    new: &NewAccount,
    password: &Secret,
    now: OffsetDateTime,
) -> Result<Account, AccountError> {
    let email = email(&new.email)?;
    let name = plain_name(&new.name, LONGEST_TEXT).ok_or(AccountError::Name)?;
    if !matches!(new.language.as_str(), "es" | "en") {
        return Err(AccountError::Language);
    }
    let hash = passwords.hash(password).await?;
    let account = sqlx::query_as!(
        Account,
        "INSERT INTO users (id, tenant, email, name, role, password, language, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         RETURNING id, tenant, email, name, role, language, created_at, disabled_at",
        Uuid::now_v7(),
        new.tenant.as_ref().map(TenantId::as_str),
        email,
        name,
        new.role.word(),
        hash,
        new.language,
        now,
    )
    .fetch_one(pool)
    .await?;
    Ok(account)
}

/// The name that a person or a key may have: not empty, not too long, and without characters that control, some of which
/// no database takes.
pub(crate) fn plain_name(text: &str, longest: usize) -> Option<&str> {
    let text = text.trim();
    let fits = (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

fn email(text: &str) -> Result<&str, AccountError> {
    let text = text.trim();
    let fits =
        text.chars().count() <= LONGEST_TEXT && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    match text.split_once('@') {
        Some((before, after)) if fits && !before.is_empty() && !after.is_empty() && !after.contains('@') => {
            Ok(text)
        }
        _ => Err(AccountError::Email),
    }
}

/// Somebody for a demonstration.
#[derive(Debug, Clone, Copy)]
pub struct DemoPerson {
    /// What they log in with.
    pub email: &'static str,
    /// How they are called.
    pub name: &'static str,
    /// Whose person; `None` for one of the installation.
    pub tenant: Option<&'static str>,
    /// What they may do.
    pub role: Role,
}

/// The people of a demonstration: who looks after a company, and who operates the installation.
pub const DEMO: &[DemoPerson] = &[
    DemoPerson {
        email: "demo@algesta.example",
        name: "Andrea Demo",
        tenant: Some("algesta"),
        role: Role::Admin,
    },
    DemoPerson {
        email: "operador@puente.example",
        name: "Operación Demo",
        tenant: None,
        role: Role::Admin,
    },
];

/// Sees to it that the people of [`DEMO`] log in with this password. For installations whose providers are simulated.
///
/// # Errors
/// When the database is away.
pub async fn ensure_demo(pool: &PgPool, password: &Secret, now: OffsetDateTime) -> Result<(), AccountError> {
    for person in DEMO {
        let tenant = person.tenant.and_then(|tenant| tenant.parse().ok());
        let new = NewAccount {
            tenant,
            email: person.email.to_owned(),
            name: person.name.to_owned(),
            role: person.role,
            language: "es".to_owned(),
        };
        match create(pool, &new, password, now).await {
            Ok(_) => {}
            Err(AccountError::Taken) => {
                let hash = Passwords::new().hash(password).await?;
                sqlx::query!(
                    "UPDATE users SET password = $2, failures = 0, locked_until = '-infinity' WHERE lower(email) = lower($1)",
                    person.email,
                    hash
                )
                .execute(pool)
                .await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The newest 500 people of the scope; [`page`] has the others.
///
/// # Errors
/// When the database is away.
pub async fn list(pool: &PgPool, scope: &Scope) -> Result<Vec<Account>, sqlx::Error> {
    page(pool, scope, None, MOST_LISTED).await
}

/// The people of the scope, newest first: a tenant's, or all of the installation's. Those that were made known before
/// `below`, at most `limit`.
///
/// # Errors
/// When the database is away.
pub async fn page(
    pool: &PgPool,
    scope: &Scope,
    below: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        "SELECT id, tenant, email, name, role, language, created_at, disabled_at
         FROM users WHERE ($1::text IS NULL OR tenant = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        scope.tenant().map(TenantId::as_str),
        below,
        i64::from(limit.min(MOST_LISTED)),
    )
    .fetch_all(pool)
    .await
}

/// One of them; `None` when the scope has nobody of this id.
///
/// # Errors
/// When the database is away.
pub async fn get(pool: &PgPool, scope: &Scope, id: Uuid) -> Result<Option<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        "SELECT id, tenant, email, name, role, language, created_at, disabled_at
         FROM users WHERE id = $2 AND ($1::text IS NULL OR tenant = $1)",
        scope.tenant().map(TenantId::as_str),
        id,
    )
    .fetch_optional(pool)
    .await
}

/// Gives somebody of the scope another role. Holds from their next request on.
///
/// # Errors
/// When the database is away.
pub async fn set_role(
    pool: &PgPool,
    scope: &Scope,
    id: Uuid,
    role: Role,
) -> Result<Option<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        "UPDATE users SET role = $3 WHERE id = $2 AND ($1::text IS NULL OR tenant = $1)
         RETURNING id, tenant, email, name, role, language, created_at, disabled_at",
        scope.tenant().map(TenantId::as_str),
        id,
        role.word(),
    )
    .fetch_optional(pool)
    .await
}

/// Shuts somebody of the scope out, and ends their sessions.
///
/// # Errors
/// When the database is away.
pub async fn disable(
    pool: &PgPool,
    scope: &Scope,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<Option<Account>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let account = sqlx::query_as!(
        Account,
        "UPDATE users SET disabled_at = coalesce(disabled_at, $3) WHERE id = $2 AND ($1::text IS NULL OR tenant = $1)
         RETURNING id, tenant, email, name, role, language, created_at, disabled_at",
        scope.tenant().map(TenantId::as_str),
        id,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if account.is_some() {
        sqlx::query!("DELETE FROM sessions WHERE user_id = $1", id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(account)
}

/// Gives somebody a new password, and ends all their sessions.
pub(crate) async fn set_password(
    pool: &PgPool,
    passwords: &Passwords,
    id: Uuid,
    password: &Secret,
) -> Result<(), AccountError> {
    let hash = passwords.hash(password).await?;
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "UPDATE users SET password = $2, failures = 0, locked_until = '-infinity' WHERE id = $1",
        id,
        hash
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM sessions WHERE user_id = $1", id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
