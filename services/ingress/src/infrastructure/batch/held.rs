//! A writer's connection to the database, kept from one batch to the next.
//!
//! A pool asks a connection whether it is alive each time it is given out and each time it comes back: two more round
//! trips for each commit, on a connection that has just answered.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::Instant;

/// Given back after so long in any case, so that the pool can replace connections that are old.
const LONGEST: Duration = Duration::from_secs(60);

/// The connection, while there is one.
pub(super) struct Held {
    pool: PgPool,
    kept: Option<Kept>,
}

struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl Held {
    pub(super) const fn of(pool: PgPool) -> Self {
        Self { pool, kept: None }
    }

    /// The connection; another one when there is none, or when it was kept long enough.
    pub(super) async fn connection(&mut self) -> Result<&mut PoolConnection<Postgres>, sqlx::Error> {
        let kept = match self.kept.take().filter(|kept| kept.since.elapsed() < LONGEST) {
            Some(kept) => kept,
            None => Kept {
                connection: self.pool.acquire().await?,
                since: Instant::now(),
            },
        };
        Ok(&mut self.kept.insert(kept).connection)
    }

    pub(super) const fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Gives it back: nobody needs it now.
    pub(super) fn give_back(&mut self) {
        self.kept = None;
    }

    /// Closes it: a statement may still be under way on it, or it may be broken.
    pub(super) fn close(&mut self) {
        if let Some(mut kept) = self.kept.take() {
            kept.connection.close_on_drop();
        }
    }
}
