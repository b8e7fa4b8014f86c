//! Days of the tables: made ahead, and dropped when they are past retention.
//!
//! One day is one transaction, which waits for a lock only for a moment: intake queues behind whoever waits for it. What fails
//! is told, holds up no other day, and is tried again. A day whose rows stand in the rest, because nobody made it in time, takes
//! them over; while it does, their writers wait.

use std::time::Duration;

use sqlx::PgPool;
use time::Date;
use tokio::time::Instant;

use crate::Outbox;

/// How often days are looked after.
const EVERY: Duration = Duration::from_hours(1);
/// How soon again when something failed; twice as long after each time that it did.
const SOON: Duration = Duration::from_mins(1);
/// Days that are made ahead.
const AHEAD: i32 = 7;
/// A moment, and time for some ten million rows to move; the next one tries again.
const LIMITS: &str = "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '120s'";

/// When days are looked after next.
pub(crate) struct Days {
    next: Instant,
    pause: Duration,
}

impl Days {
    /// To be looked after at once.
    pub(crate) fn new() -> Self {
        Self {
            next: Instant::now(),
            pause: SOON,
        }
    }

    /// Looks after them when that is due.
    pub(crate) async fn look_after(&mut self, outbox: &Outbox) {
        if Instant::now() < self.next {
            return;
        }
        let inner = &outbox.inner;
        if look_after(&inner.pool, inner.service, inner.settings.keep_days).await {
            *self = Self {
                next: Instant::now() + EVERY,
                pause: SOON,
            };
        } else {
            self.next = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(EVERY);
        }
    }
}

/// Makes and drops what is due; returns whether all of it was done.
pub(crate) async fn look_after(pool: &PgPool, service: &str, keep_days: u16) -> bool {
    let due = sqlx::query!(
        r#"SELECT d.parent AS "parent!", d.day AS "day!", d.due = 'make' AS "make!"
           FROM days_due($1::int * interval '1 day', $2) AS d
           ORDER BY d.due DESC, d.day < (now() AT TIME ZONE 'UTC')::date, d.day"#,
        i32::from(keep_days),
        AHEAD
    )
    .fetch_all(pool)
    .await;
    let due = match due {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(service, error = %error, "it cannot be told which days are to be made and dropped");
            return false;
        }
    };
    let mut all = true;
    for one in due {
        if let Err(error) = change(pool, &one.parent, one.day, one.make).await {
            all = false;
            let what = if one.make { "made" } else { "dropped" };
            tracing::warn!(service, table = one.parent, day = %one.day, error = %error, "a day could not be {what} yet");
        }
    }
    all
}

async fn change(pool: &PgPool, parent: &str, day: Date, make: bool) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql(LIMITS).execute(&mut *tx).await?;
    if make {
        sqlx::query!("SELECT make_day($1, $2)", parent, day)
            .fetch_one(&mut *tx)
            .await?;
    } else {
        sqlx::query!("SELECT drop_day($1, $2)", parent, day)
            .fetch_one(&mut *tx)
            .await?;
    }
    tx.commit().await
}
