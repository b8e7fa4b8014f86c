//! Who vouches for a person. Today it is their password here; another identity provider becomes another function that
//! ends in a [`Vouched`], and everything after that (sessions, roles, audit) stays as it is.
//!
//! Failures make the next attempt wait: five are free, then 1 s, 2 s, 4 s … up to 15 min. An attempt is counted before
//! the password is looked at, so that a hundred at once are no hundred guesses. Whoever is unknown, locked, disabled or
//! wrong gets the same answer after the same work.

use puente_types::{Clock as _, Secret};
use uuid::Uuid;

use super::passwords::PasswordError;
use crate::state::App;

/// Failures before one has to wait.
const FREE_FAILURES: i32 = 5;
/// The longest wait in seconds.
const LONGEST_WAIT: f64 = 900.0;

/// Somebody whose identity was proved. Only this module makes one.
#[derive(Debug)]
pub(crate) struct Vouched {
    /// The person.
    pub(crate) user: Uuid,
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

/// Proves a person by e-mail address and password.
pub(crate) async fn by_password(app: &App, email: &str, password: &Secret) -> Result<Vouched, NotVouched> {
    let now = app.clock.now();
    let email = email.trim();
    let attempt = sqlx::query!(
        r#"UPDATE users SET failures = failures + 1,
               locked_until = CASE WHEN failures + 1 < $3 THEN '-infinity'::timestamptz
                   ELSE $2 + make_interval(secs => least($4, power(2, least(failures + 1 - $3, 20)))) END
           WHERE lower(email) = lower($1) AND disabled_at IS NULL AND locked_until <= $2
           RETURNING id, password"#,
        email,
        now,
        FREE_FAILURES,
        LONGEST_WAIT,
    )
    .fetch_optional(&app.pool)
    .await?;
    let (user, kept) = attempt.map_or((None, None), |row| (Some(row.id), row.password));
    let fits = match app.passwords.fits(password, kept).await {
        Ok(fits) => fits,
        Err(PasswordError::Busy) => return Err(NotVouched::Busy),
        Err(PasswordError::Length | PasswordError::Broken) => false,
    };
    let Some(user) = user.filter(|_| fits) else {
        return Err(NotVouched::Wrong);
    };
    sqlx::query!(
        "UPDATE users SET failures = 0, locked_until = '-infinity' WHERE id = $1",
        user
    )
    .execute(&app.pool)
    .await?;
    Ok(Vouched { user })
}
