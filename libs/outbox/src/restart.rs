//! A broker that was started anew on its old disk, and may have lost the end of its stream.
//!
//! By default nats-server forces its store to disk every two minutes. After a power loss the stream is still the same
//! one, with the same creation time, and its last messages are gone although they were acknowledged and the relay's
//! cursors stand behind them. A server has another id in each of its runs, so that a new run is noticed: then the rows
//! that were committed shortly before the former run was seen for the last time are compared with the stream, and
//! what is missing is published again. `puente reconcile` does the same for all rows at any time.
//!
//! A cluster keeps several copies, which do not lose power together; and another id only means another of its
//! servers. There nothing is compared.

use std::time::Duration;

use sqlx::{Postgres, Transaction};
use time::OffsetDateTime;

use crate::Outbox;
use crate::drain::DrainError;
use crate::reconcile::{ReconcileError, Scope, Source, compare};

/// How long nats-server leaves messages unsynced.
const UNSYNCED: Duration = Duration::from_mins(2);
/// How long after its commit an event may have been published: a backlog is worked off in this time, or above the cursor.
const LATE: Duration = Duration::from_mins(3);
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
    if !same
        && outbox.inner.settings.stream.replicas == 1
        && let Some(at) = seen.at
    {
        compare_since(outbox, client, at - (UNSYNCED + LATE + NOTED_EVERY)).await?;
    }
    sqlx::query!(
        "UPDATE relay_broker SET server = $2, seen_at = now() WHERE stream = $1",
        puente_bus::topology::EVENTS,
        server
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

async fn compare_since(
    outbox: &Outbox,
    client: &async_nats::Client,
    since: OffsetDateTime,
) -> Result<(), ReconcileError> {
    let source = Source {
        service: outbox.inner.service,
        pool: outbox.inner.pool.clone(),
    };
    let scope = Scope {
        since: Some(since),
        ..Scope::default()
    };
    // No age: a row that only seems to be missing is a duplicate to the stream.
    let results = compare(&[source], client, scope, Duration::ZERO, |_| {}).await?;
    for result in results.iter().filter(|result| result.missing > 0) {
        tracing::warn!(
            service = result.service,
            missing = result.missing,
            "the broker was started anew and had lost events: published again"
        );
    }
    Ok(())
}
