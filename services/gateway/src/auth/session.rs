//! Log-ins: a random token in a cookie, its hash in the table, and a CSRF token beside it.
//!
//! A session ends after 12 h without a request, after 7 days in any case, when the person logs out, when their password
//! changes, and when they are disabled.

use http::HeaderValue;
use puente_rpc::Scope;
use puente_types::Clock as _;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::identity::Vouched;
use super::random;
use crate::audit::{self, Actor, Entry};
use crate::domain::{Principal, Who};
use crate::state::App;

/// The cookie's name.
pub(crate) const COOKIE: &str = "puente_session";
/// Without a request for so long it ends.
const IDLE: Duration = Duration::hours(12);
/// It ends in any case.
const LONGEST: Duration = Duration::days(7);
/// How exactly the last request is known: not every request is a write.
const SEEN_EVERY: Duration = Duration::minutes(1);

/// The log-in that a request belongs to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The person.
    pub(crate) user: Uuid,
    /// What forms and scripts send back, as field `csrf` or header `x-csrf-token`.
    pub(crate) csrf: String,
    /// `es` or `en`.
    pub(crate) language: String,
    /// Whether the person belongs to the whole installation, and may choose a tenant.
    pub(crate) wide: bool,
    /// Its row, and what its requests are counted by.
    pub(crate) hash: Vec<u8>,
}

impl Session {
    /// Whether this is its CSRF token. Takes the same time wherever they differ.
    pub(crate) fn sent(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Opens a session, and returns the `Set-Cookie` that carries it, with its CSRF token.
pub(crate) async fn open(app: &App, vouched: &Vouched) -> Result<(HeaderValue, String), sqlx::Error> {
    let (token, csrf) = (random::token(), random::token());
    let now = app.clock.now();
    let hash = random::hash(&token);
    let mut tx = app.pool.begin().await?;
    let actor = account(vouched.user, vouched.tenant.clone());
    audit::record_with(
        &mut *tx,
        now,
        &actor,
        &entry("session.opened", &vouched.user.to_string()),
    )
    .await?;
    sqlx::query!(
        "INSERT INTO sessions (token_hash, user_id, csrf, created_at, seen_at, ends_at) VALUES ($1, $2, $3, $4, $4, $5)",
        hash,
        vouched.user,
        csrf,
        now,
        now + LONGEST,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    app.limits.good.note(&hash);
    Ok((cookie(app, &token, LONGEST), csrf))
}

/// Ends a session, and returns the `Set-Cookie` that forgets it.
pub(crate) async fn close(app: &App, session: &Session) -> Result<HeaderValue, sqlx::Error> {
    let mut tx = app.pool.begin().await?;
    let closed = sqlx::query!(
        "DELETE FROM sessions s USING users u WHERE s.token_hash = $1 AND u.id = s.user_id RETURNING u.tenant",
        session.hash
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = closed {
        let actor = account(session.user, row.tenant);
        let user = session.user.to_string();
        audit::record_with(&mut *tx, app.clock.now(), &actor, &entry("session.closed", &user)).await?;
    }
    tx.commit().await?;
    Ok(cookie(app, "", Duration::ZERO))
}

/// Whose log-in it is: the account's id, and nothing else of the person.
fn account(user: Uuid, tenant: Option<String>) -> Actor {
    let subject = format!("user:{user}");
    Actor {
        tenant,
        name: subject.clone(),
        subject,
    }
}

fn entry<'a>(action: &'static str, user: &'a str) -> Entry<'a> {
    Entry {
        action,
        object: user,
        ..Entry::default()
    }
}

/// The session of a cookie's token, with who logged in.
pub(crate) async fn find(app: &App, token: &str) -> Result<Option<(Session, Principal)>, sqlx::Error> {
    let hash = random::hash(token);
    let now = app.clock.now();
    let found = sqlx::query!(
        "SELECT s.csrf, s.seen_at, u.id, u.tenant, u.name, u.role, u.language
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.ends_at > $2 AND s.seen_at > $3 AND u.disabled_at IS NULL",
        hash,
        now,
        now - IDLE,
    )
    .fetch_optional(&app.pool)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let (Ok(role), Some(scope)) = (row.role.parse(), scope(row.tenant.as_deref())) else {
        return Ok(None);
    };
    if row.seen_at < now - SEEN_EVERY {
        seen(app, &hash, now).await?;
    }
    let principal = Principal {
        who: Who::Person(row.id),
        name: row.name,
        role,
        scope,
    };
    let session = Session {
        user: row.id,
        csrf: row.csrf,
        language: row.language,
        wide: row.tenant.is_none(),
        hash,
    };
    Ok(Some((session, principal)))
}

async fn seen(app: &App, hash: &[u8], now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sessions SET seen_at = $2 WHERE token_hash = $1",
        hash,
        now
    )
    .execute(&app.pool)
    .await?;
    Ok(())
}

/// A row's tenant as a scope; `None` for a tenant that is none.
pub(crate) fn scope(tenant: Option<&str>) -> Option<Scope> {
    match tenant {
        None => Some(Scope::Installation),
        Some(tenant) => tenant.parse().ok().map(Scope::Tenant),
    }
}

fn cookie(app: &App, token: &str, age: Duration) -> HeaderValue {
    let secure = if app.secure { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        age.whole_seconds()
    );
    // Hex and constants: it is always a header's value.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
