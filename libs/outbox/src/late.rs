//! Events that are published long after their commit: the table remembers in which minutes that was, and how old they were.
//!
//! A broker that lost the end of its stream lost what was published last. Mostly that is what was committed last; where it was
//! not (a backlog, a new disk that was filled, a tail that was taken over), [`restart`](crate::restart) finds it here.
//! Whoever publishes writes the note before the cursor passes the events; what no cursor has passed needs none.

use std::time::Duration;

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::Committed;

/// How long after its commit an event is published in the ordinary course of things. Nothing is noted for those.
pub(crate) const LATE: Duration = Duration::from_mins(3);
/// How far two clocks may be apart: this machine's, the database's, the broker's.
pub(crate) const CLOCKS: Duration = Duration::from_mins(1);

/// The commit time of the oldest late one of some events.
#[derive(Debug, Default)]
pub(crate) struct Oldest(Option<OffsetDateTime>);

impl Oldest {
    /// This event was published at `now`.
    pub(crate) fn published(&mut self, row: &Committed, now: OffsetDateTime) {
        if now - row.at > LATE - CLOCKS {
            self.0 = Some(self.0.map_or(row.at, |oldest| oldest.min(row.at)));
        }
    }

    /// Writes it down, and begins anew.
    pub(crate) async fn note(&mut self, database: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        let Some(oldest) = self.0 else { return Ok(()) };
        sqlx::query!(
            "INSERT INTO relay_late AS l (minute, oldest) VALUES (date_trunc('minute', clock_timestamp()), $1)
             ON CONFLICT (minute) DO UPDATE SET oldest = least(l.oldest, excluded.oldest)",
            oldest
        )
        .execute(database)
        .await?;
        self.0 = None;
        Ok(())
    }
}

/// The commit time of the oldest event that was published late since `since`, or that no cursor has passed: that one may have
/// been published as well.
pub(crate) async fn oldest_since(
    database: impl PgExecutor<'_>,
    since: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    // A note stands for its whole minute. Numbers follow time within a slot, but for what `LATE` allows.
    sqlx::query_scalar!(
        r#"SELECT least(
               (SELECT min(oldest) FROM relay_late WHERE minute > $1::timestamptz - interval '1 minute'),
               (SELECT min(open.created_at) - $2::double precision * interval '1 second'
                FROM relay_slots
                CROSS JOIN LATERAL (
                    SELECT created_at FROM outbox
                    WHERE slot = relay_slots.slot AND seq > relay_slots.cursor
                    ORDER BY seq LIMIT 1) AS open)) AS oldest"#,
        since - CLOCKS,
        LATE.as_secs_f64()
    )
    .fetch_one(database)
    .await
}

/// Forgets notes of what the stream does not hold any more.
pub(crate) async fn forget(database: impl PgExecutor<'_>, older: Duration) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM relay_late WHERE minute < now() - $1::double precision * interval '1 second'",
        older.as_secs_f64()
    )
    .execute(database)
    .await?;
    Ok(())
}
