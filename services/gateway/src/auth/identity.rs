//! Who vouches for a person. Today it is their password here; another identity provider becomes another function that
//! ends in a [`Vouched`], and everything after that (sessions, roles, audit) stays as it is.
//!
//! Failures make the next attempt wait: five are free, then 1 s, 2 s, 4 s … up to 15 min. An attempt is counted before
//! the password is looked at, so that a hundred at once are no hundred guesses; and after it has a turn to be looked at, so
//! that nobody is counted who was only turned away. Whoever is unknown, locked, disabled or wrong gets the same answer
//! after the same time. A failure of a known account leaves a row in the audit trail: its id, and no more.

use std::time::Duration;

use puente_types::{Clock as _, Secret};
use tokio::time::Instant;
use uuid::Uuid;

use super::passwords::Turn;
use crate::audit::{self, Actor, Entry};
use crate::state::App;

/// Failures before one has to wait.
const FREE_FAILURES: i32 = 5;
/// The longest wait in seconds.
const LONGEST_WAIT: f64 = 900.0;
/// No refusal comes sooner: what is written about a known account takes some milliseconds, and must not tell that it is one.
const SOONEST: Duration = Duration::from_millis(300);

/// Somebody whose identity was proved. Only this module makes one.
#[derive(Debug)]
pub(crate) struct Vouched {
    /// The person.
    pub(crate) user: Uuid,
    /// Whose person; `None` for one of the installation.
    pub(crate) tenant: Option<String>,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotVouched {
    /// Unknown, wrong, locked or disabled: nobody is told which.
    #[error("this e-mail address and password do not open anything now")]
    Wrong,
    /// Too many at a time.
    #[error("too many people log in at a time")]
    Busy,
    /// The database is away.
    #[error("the database is not usable")]
    Database(#[from] sqlx::Error),
}

/// An account whose password is to be looked at; the attempt is counted.
struct Attempt {
    id: Uuid,
    tenant: Option<String>,
    password: Option<String>,
}

/// Proves a person by e-mail address and password.
pub(crate) async fn by_password(app: &App, email: &str, password: &Secret) -> Result<Vouched, NotVouched> {
    let soonest = Instant::now() + SOONEST;
    let turn = turn(app).await?;
    // No address holds this character, and the database takes none of it.
    let email = email.trim().replace('\0', "\u{fffd}");
    let attempt = attempt(app, &Whose::Email(email)).await?;
    let judged = judge(app, turn, password, attempt, ("session.refused", "stranger")).await;
    if matches!(judged, Err(NotVouched::Wrong)) {
        tokio::time::sleep_until(soonest).await;
    }
    judged
}

/// Proves once more somebody who is logged in. Their failures count like those at the door.
pub(crate) async fn again(app: &App, user: Uuid, password: &Secret) -> Result<Vouched, NotVouched> {
    let turn = turn(app).await?;
    let attempt = attempt(app, &Whose::User(user)).await?;
    let subject = format!("user:{user}");
    judge(app, turn, password, attempt, ("user.password_refused", &subject)).await
}

/// Whose password is to be looked at.
enum Whose {
    /// The one with this address, if there is one.
    Email(String),
    /// This person's.
    User(Uuid),
}

/// Counts an attempt. `None`: there is nobody, or nobody who may try now.
async fn attempt(app: &App, whose: &Whose) -> Result<Option<Attempt>, sqlx::Error> {
    let (email, user) = match whose {
        Whose::Email(email) => (Some(email), None),
        Whose::User(user) => (None, Some(*user)),
    };
    sqlx::query_as!(
        Attempt,
        r#"UPDATE users SET failures = failures + 1,
               locked_until = CASE WHEN failures + 1 < $4 THEN '-infinity'::timestamptz
                   ELSE $3 + make_interval(secs => least($5, power(2, least(failures + 1 - $4, 20)))) END
           WHERE id = coalesce($2, (SELECT known.id FROM users known WHERE lower(known.email) = lower($1)))
             AND disabled_at IS NULL AND locked_until <= $3
           RETURNING id, tenant, password"#,
        email,
        user,
        app.clock.now(),
        FREE_FAILURES,
        LONGEST_WAIT,
    )
    .fetch_optional(&app.pool)
    .await
}

async fn turn(app: &App) -> Result<Turn, NotVouched> {
    app.passwords.turn().await.map_err(|_| NotVouched::Busy)
}

async fn judge(
    app: &App,
    turn: Turn,
    password: &Secret,
    attempt: Option<Attempt>,
    (action, subject): (&'static str, &str),
) -> Result<Vouched, NotVouched> {
    let kept = attempt.as_ref().and_then(|one| one.password.clone());
    // A password that cannot be looked at does not fit.
    let fits = app.passwords.fits(turn, password, kept).await.unwrap_or(false);
    let Some(Attempt { id, tenant, .. }) = attempt else {
        return Err(NotVouched::Wrong);
    };
    if !fits {
        let actor = Actor {
            tenant,
            subject: subject.to_owned(),
            name: subject.to_owned(),
        };
        let entry = Entry {
            action,
            object: &id.to_string(),
            ..Entry::default()
        };
        audit::record_by(app, &actor, &entry).await?;
        return Err(NotVouched::Wrong);
    }
    sqlx::query!(
        "UPDATE users SET failures = 0, locked_until = '-infinity' WHERE id = $1",
        id
    )
    .execute(&app.pool)
    .await?;
    Ok(Vouched { user: id, tenant })
}
