//! Counting what a replay is about, once for each.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::jobs::{self, Replay};
use super::part;

/// Counting a month of deliveries takes a while. What takes longer stays uncounted; the work does not need it.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
/// The statement ran for longer than it may.
const CANCELED: &str = "57014";

/// Counts and notes it; `None` when it takes too long.
pub(super) async fn count(
    pool: &PgPool,
    owner: Uuid,
    replay: &Replay,
    patience: Duration,
) -> Result<Option<u64>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT set_config('statement_timeout', $1, true)")
        .bind(patience.as_millis().to_string())
        .execute(&mut *tx)
        .await?;
    let total = match part::count(&mut tx, &replay.wanted).await {
        Ok(total) => total,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(CANCELED) => {
            tracing::warn!(replay.id = %replay.id, "a replay takes too long to count, its total stays unknown");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    jobs::set_total(&mut tx, replay.id, owner, total).await?;
    tx.commit().await?;
    Ok(Some(total))
}
