//! The row of a replica's own slot: its cursor, its lease, and its end.

use crate::{Outbox, table};

/// How long a slot's writers are waited for; whoever asks tries again, or leaves the slot to its lease.
const WRITERS: &str = "SET LOCAL lock_timeout = '5s'";

/// Waits until every transaction that now writes with our slot has ended.
pub(crate) async fn wait_for_writers(outbox: &Outbox) -> Result<(), sqlx::Error> {
    let mut tx = outbox.inner.pool.begin().await?;
    sqlx::query(WRITERS).execute(&mut *tx).await?;
    sqlx::query!(
        "SELECT slot FROM relay_slots WHERE slot = $1 FOR UPDATE",
        outbox.slot()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await
}

/// Writes the cursor and renews the lease; `false` when the slot is no longer ours.
pub(crate) async fn renew(outbox: &Outbox, slot: i64, cursor: i64) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query!(
        "UPDATE relay_slots SET cursor = greatest(cursor, $3), lease_until = now() + $4::double precision * interval '1 second'
         WHERE slot = $1 AND owner = $2",
        slot,
        outbox.owner(),
        cursor,
        outbox.inner.settings.lease.as_secs_f64()
    )
    .execute(&outbox.inner.pool)
    .await?;
    Ok(renewed.rows_affected() > 0)
}

/// Gives the slot back if everything was published; otherwise lets its lease end now, so that the tail is taken over without
/// waiting for it.
pub(crate) async fn leave(outbox: &Outbox) {
    let left = match give_back(outbox).await {
        Ok(true) => return,
        Ok(false) => end_lease(outbox).await,
        Err(error) => end_lease(outbox).await.and(Err(error)),
    };
    if let Err(error) = left {
        // The lease runs out by itself.
        tracing::debug!(error = %error, "relay slot not given back");
    }
}

/// Deletes the slot unless there is, or may be, something to publish. Answers to callers go on after the relay has ended, and
/// some commit with the slot: under its lock there is nobody who writes with it, and whoever comes later finds it gone and
/// takes a new one.
async fn give_back(outbox: &Outbox) -> Result<bool, sqlx::Error> {
    let mut tx = outbox.inner.pool.begin().await?;
    sqlx::query(WRITERS).execute(&mut *tx).await?;
    let slot = sqlx::query!(
        "SELECT slot, cursor FROM relay_slots WHERE slot = $1 AND owner = $2 FOR UPDATE",
        outbox.slot(),
        outbox.owner()
    )
    .fetch_optional(&mut *tx)
    .await?;
    // Taken over.
    let Some(slot) = slot else { return Ok(true) };
    if !outbox.inner.tracker.idle() || table::has_after(&mut tx, slot.slot, slot.cursor).await? {
        return Ok(false);
    }
    sqlx::query!("DELETE FROM relay_slots WHERE slot = $1", slot.slot)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}

async fn end_lease(outbox: &Outbox) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE relay_slots SET lease_until = now() WHERE slot = $1 AND owner = $2",
        outbox.slot(),
        outbox.owner()
    )
    .execute(&outbox.inner.pool)
    .await?;
    Ok(())
}
