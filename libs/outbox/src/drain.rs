//! The slow lane beside the relay: dead replicas' tails, a broker with a new disk, days.

mod refill;
mod slot;

use std::time::Duration;

use async_nats::jetstream;
use futures::StreamExt as _;
use puente_types::{Clock as _, SystemClock};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::days::Days;
use crate::late::Oldest;
use crate::{Committed, Outbox, table};

use refill::Refill;
pub(crate) use slot::{leave, renew, wait_for_writers};

/// Rows published in one round.
const CHUNK: i64 = 1_000;
/// Publishes under way at the same time.
const WINDOW: usize = 256;
/// How long a tail that this version cannot read is left alone: a newer one may take it meanwhile.
const UNREADABLE_PAUSE: Duration = Duration::from_mins(1);

/// Looks around until `shutdown`.
///
/// What it locks stays locked while it publishes, which may take long: see [`locking`].
pub(crate) async fn housekeeping(outbox: Outbox, client: async_nats::Client, shutdown: CancellationToken) {
    let js = jetstream::new(client.clone());
    let mut days = Days::new();
    let mut refill = Refill::default();
    let mut orphans = Orphans::default();
    loop {
        let pause = outbox.inner.settings.housekeeping;
        if tokio::time::timeout(pause, shutdown.cancelled()).await.is_ok() {
            return;
        }
        let connected = client.connection_state() == async_nats::connection::State::Connected;
        let round = async {
            days.look_after(&outbox).await;
            if !connected {
                return;
            }
            // Neither waits for the other to succeed.
            told(&outbox, refill.look(&outbox, &client, &js).await);
            told(&outbox, orphans.drain(&outbox, &js).await);
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = round => {}
        }
    }
}

fn told(outbox: &Outbox, result: Result<(), DrainError>) {
    if let Err(error) = result {
        tracing::warn!(service = outbox.inner.service, error = %error, "housekeeping will try again");
    }
}

/// Why a round ended early; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrainError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Bus(#[from] puente_bus::BusError),
    #[error("publish: {0}")]
    Publish(#[from] jetstream::context::PublishError),
    #[error(transparent)]
    Reconcile(#[from] crate::ReconcileError),
}

/// Slots whose owner is gone.
#[derive(Default)]
struct Orphans {
    /// Those that hold a row which this version cannot read, and until when they are left alone.
    unreadable: Vec<i64>,
    until: Option<Instant>,
}

impl Orphans {
    /// Publishes every tail that can be read.
    async fn drain(&mut self, outbox: &Outbox, js: &jetstream::Context) -> Result<(), DrainError> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            *self = Self::default();
        }
        while self.drain_one(outbox, js).await? {}
        Ok(())
    }

    /// Publishes the tail of one slot, and removes the slot. Where a row cannot be read, the slot stays, with its cursor before
    /// it. Returns whether there was one.
    async fn drain_one(&mut self, outbox: &Outbox, js: &jetstream::Context) -> Result<bool, DrainError> {
        let pool = &outbox.inner.pool;
        let mut tx = locking(pool).await?;
        let orphan = sqlx::query!(
            "SELECT slot, cursor FROM relay_slots
             WHERE lease_until < now() AND owner <> $1 AND slot <> ALL ($2)
             ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED",
            outbox.owner(),
            &self.unreadable
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(orphan) = orphan else { return Ok(false) };
        let mut position = orphan.cursor;
        let mut count = 0;
        let mut late = Oldest::default();
        let unreadable = loop {
            // Not by the transaction, which would hold the table for as long. Under the slot's lock nobody writes.
            let rows = table::read_slot(pool, orphan.slot, position, CHUNK).await?;
            let (events, unreadable) = table::up_to_unreadable(rows);
            if let Some(last) = events.last().map(|row| row.seq) {
                count += events.len();
                publish(outbox, js, events, &mut late).await?;
                position = last;
            } else {
                break unreadable;
            }
            if unreadable.is_some() {
                break unreadable;
            }
        };
        late.note(&mut *tx).await?;
        if let Some(error) = unreadable {
            tracing::error!(
                service = outbox.inner.service,
                slot = orphan.slot,
                error = %error,
                "tail of a gone replica waits for a version that can read it"
            );
            sqlx::query!(
                "UPDATE relay_slots SET cursor = $2 WHERE slot = $1",
                orphan.slot,
                position
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            self.unreadable.push(orphan.slot);
            self.until.get_or_insert(Instant::now() + UNREADABLE_PAUSE);
            return Ok(true);
        }
        sqlx::query!("DELETE FROM relay_slots WHERE slot = $1", orphan.slot)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        tracing::info!(
            service = outbox.inner.service,
            slot = orphan.slot,
            events = count,
            "tail of a gone replica published"
        );
        Ok(true)
    }
}

/// A transaction that holds a lock while rows are published. The database must not end it for standing idle meanwhile:
/// how long it lasts is bounded by the acknowledgements, each of which has a deadline. For a lock it waits a moment only.
async fn locking(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '500ms'")
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

/// Publishes rows and waits for every acknowledgement.
async fn publish(
    outbox: &Outbox,
    js: &jetstream::Context,
    rows: Vec<Committed>,
    late: &mut Oldest,
) -> Result<(), DrainError> {
    let now = SystemClock.now();
    rows.iter().for_each(|row| late.published(row, now));
    let mut acks = futures::stream::iter(rows)
        .map(|row| async move {
            let envelope = row.envelope(outbox.inner.service);
            js.publish_with_headers(envelope.subject(), envelope.headers(), row.event.payload.clone())
                .await?
                .await?;
            Ok::<_, jetstream::context::PublishError>(())
        })
        .buffered(WINDOW);
    while let Some(ack) = acks.next().await {
        ack?;
    }
    Ok(())
}
