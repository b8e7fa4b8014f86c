//! A broker that was started anew on its old disk, and may have lost the end of its stream.
//!
//! By default nats-server forces its store to disk every two minutes. After a power loss the stream is still the same
//! one, with the same creation time, and its last messages are gone although they were acknowledged and the relay's
//! cursors stand behind them; a disk that was thrown back lost hours of them. A server has another id in each of its runs,
//! so that a new run is noticed: then rows are compared with the stream, and what is missing is published again.
//!
//! **Which rows.** What was published before some instant is still there: two minutes before the former run was seen for the
//! last time, or when the last message before that was published, whichever is earlier. What was published since was committed
//! shortly before it at the earliest, or is noted as late, or is above a cursor ([`late`](crate::late)). Cursors say nothing
//! more here: they are written after the fact, and a relay that lives on takes what is gone for confirmed. So all that was
//! committed since is compared, and what a relay is about to publish is published twice; the stream and the inboxes drop that.
//!
//! **What it costs.** In the ordinary course some minutes of rows, and those of the outage. At worst all that the stream may
//! hold, with a bounded memory (64 MiB): a million rows are 200 pages of an index, and a million headers of the stream.
//! `puente reconcile` does the same for all rows at any time.
//!
//! A cluster keeps several copies, which do not lose power together; and another id only means another of its
//! servers. There nothing is compared.

use std::time::Duration;

use sqlx::{Postgres, Transaction};
use time::OffsetDateTime;

use crate::drain::DrainError;
use crate::reconcile::{Compared, ReconcileError, Scope, Source, compare, last_message_before};
use crate::{Outbox, late};

/// How long nats-server leaves messages unsynced.
const UNSYNCED: Duration = Duration::from_mins(2);
/// How often it is noted that the broker was seen.
const NOTED_EVERY: Duration = Duration::from_secs(30);

/// What the row of `relay_broker` says.
pub(crate) struct Seen {
    /// The server's id of that run; not known of rows of an older version.
    pub(crate) server: Option<String>,
    /// When it was seen.
    pub(crate) at: Option<OffsetDateTime>,
    /// The database's clock now.
    pub(crate) now: OffsetDateTime,
}

/// Compares if this is another run of the broker, and notes that it was seen. `tx` holds the lock of the row, so that one
/// replica does it.
pub(crate) async fn look(
    outbox: &Outbox,
    client: &async_nats::Client,
    mut tx: Transaction<'static, Postgres>,
    seen: Seen,
) -> Result<(), DrainError> {
    let server = client.server_info().server_id;
    let same = seen.server.as_ref() == Some(&server);
    if same && seen.at.is_some_and(|at| seen.now - at < NOTED_EVERY) {
        return Ok(());
    }
    let stream = outbox.inner.settings.stream;
    if !same
        && stream.replicas == 1
        && let Some(at) = seen.at
    {
        let since = earliest(outbox, client, at).await?;
        compare_since(outbox, client, since).await?;
    }
    sqlx::query!(
        "UPDATE relay_broker SET server = $2, seen_at = now() WHERE stream = $1",
        puente_bus::topology::EVENTS,
        server
    )
    .execute(&mut *tx)
    .await?;
    if !stream.max_age.is_zero() {
        late::forget(&mut *tx, stream.max_age + late::CLOCKS).await?;
    }
    Ok(tx.commit().await?)
}

/// The earliest commit of an event that may be gone, given when the former run was seen for the last time. `None`: any may be,
/// no message from before then says how far the disk goes.
async fn earliest(
    outbox: &Outbox,
    client: &async_nats::Client,
    seen_at: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, ReconcileError> {
    let synced = seen_at - (UNSYNCED + NOTED_EVERY);
    let Some(last) = last_message_before(client, synced).await? else {
        return Ok(None);
    };
    let kept = synced.min(last);
    let ordinary = kept - late::LATE - late::CLOCKS;
    let older = late::oldest_since(&outbox.inner.pool, kept).await?;
    Ok(Some(older.map_or(ordinary, |older| ordinary.min(older))))
}

async fn compare_since(
    outbox: &Outbox,
    client: &async_nats::Client,
    since: Option<OffsetDateTime>,
) -> Result<(), ReconcileError> {
    let source = Source {
        service: outbox.inner.service,
        pool: outbox.inner.pool.clone(),
    };
    let scope = Scope {
        since,
        ..Scope::default()
    };
    let results = compare(&[source], client, scope, Compared::Committed, |_| {}).await?;
    for result in results.iter().filter(|result| result.missing > 0) {
        tracing::warn!(
            service = result.service,
            missing = result.missing,
            "the broker was started anew and had lost events: published again"
        );
    }
    Ok(())
}
