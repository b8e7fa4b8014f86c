//! The slow lane beside the relay: dead replicas' tails, a broker with a new disk, partitions.

use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use futures::StreamExt as _;
use puente_types::EventId;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Committed, NewEvent, Outbox, restart};

/// Rows published in one round.
const CHUNK: i64 = 1_000;
/// Publishes under way at the same time.
const WINDOW: usize = 256;
/// How often partitions are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_hours(1);

/// Looks around until `shutdown`.
///
/// What it locks stays locked while it publishes, which may take long: see [`locking`].
pub(crate) async fn housekeeping(outbox: Outbox, client: async_nats::Client, shutdown: CancellationToken) {
    let js = jetstream::new(client.clone());
    let mut partitions_at = tokio::time::Instant::now();
    loop {
        let pause = outbox.inner.settings.housekeeping;
        if tokio::time::timeout(pause, shutdown.cancelled()).await.is_ok() {
            return;
        }
        if tokio::time::Instant::now() >= partitions_at {
            match maintain_partitions(&outbox).await {
                Ok(()) => partitions_at = tokio::time::Instant::now() + PARTITIONS_EVERY,
                Err(error) => tracing::debug!(error = %error, "partitions not looked after"),
            }
        }
        if client.connection_state() != async_nats::connection::State::Connected {
            continue;
        }
        let round = async {
            refill(&outbox, &client, &js).await?;
            while drain_one(&outbox, &js).await? {}
            Ok::<_, DrainError>(())
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            result = round => {
                if let Err(error) = result {
                    tracing::warn!(service = outbox.inner.service, error = %error, "housekeeping will try again");
                }
            }
        }
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

async fn maintain_partitions(outbox: &Outbox) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT maintain_partitions($1::int * interval '1 day', 7)",
        i32::from(outbox.inner.settings.keep_days)
    )
    .fetch_one(&outbox.inner.pool)
    .await?;
    Ok(())
}

/// Declares the stream; where the broker has made it anew, publishes the whole outbox again. Where it is the same one
/// after a restart, see [`restart`].
async fn refill(
    outbox: &Outbox,
    client: &async_nats::Client,
    js: &jetstream::Context,
) -> Result<(), DrainError> {
    let pool = &outbox.inner.pool;
    let declared = puente_bus::declare(client, outbox.inner.settings.stream).await?;
    let stream = puente_bus::topology::EVENTS;
    // Postgres keeps microseconds; the broker tells nanoseconds.
    let created_at = declared
        .created_at
        .replace_nanosecond(declared.created_at.microsecond() * 1_000)
        .unwrap_or(declared.created_at);
    // The relay began before the broker was noted: what it published may have been on a disk that is gone by now.
    let mut tx = locking(pool).await?;
    let first = sqlx::query!(
        "INSERT INTO relay_broker (stream, created_at, server, seen_at) VALUES ($1, $2, $3, now())
         ON CONFLICT DO NOTHING",
        stream,
        created_at,
        client.server_info().server_id
    )
    .execute(&mut *tx)
    .await?;
    if first.rows_affected() > 0 {
        let _ = publish_all(outbox, js, &mut tx).await?;
        return Ok(tx.commit().await?);
    }
    let known = sqlx::query!(
        r#"SELECT created_at, server, seen_at, now() AS "now!" FROM relay_broker
           WHERE stream = $1 FOR UPDATE SKIP LOCKED"#,
        stream
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(known) = known else {
        return Ok(());
    };
    if known.created_at == created_at {
        let seen = restart::Seen {
            server: known.server,
            at: known.seen_at,
            now: known.now,
        };
        return restart::look(outbox, client, tx, seen).await;
    }
    tracing::warn!(
        service = outbox.inner.service,
        "the broker has a new disk: publishing the outbox again"
    );
    let count = publish_all(outbox, js, &mut tx).await?;
    sqlx::query!(
        "UPDATE relay_broker SET created_at = $2, server = $3, seen_at = now() WHERE stream = $1",
        stream,
        created_at,
        client.server_info().server_id
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    tracing::info!(
        service = outbox.inner.service,
        events = count,
        "outbox published again"
    );
    Ok(())
}

/// Publishes every row that is still kept; what the stream has already, it drops. Returns how many rows that were.
async fn publish_all(
    outbox: &Outbox,
    js: &jetstream::Context,
    tx: &mut PgConnection,
) -> Result<usize, DrainError> {
    let mut position = Uuid::nil();
    let mut count = 0;
    loop {
        let rows = read_all(&mut *tx, position).await?;
        let Some(last) = rows.last().map(|row| row.event.id.uuid()) else {
            return Ok(count);
        };
        count += rows.len();
        publish(outbox, js, rows).await?;
        position = last;
    }
}

/// Publishes the tail of one slot whose owner is gone, and removes the slot. Returns whether there was one.
async fn drain_one(outbox: &Outbox, js: &jetstream::Context) -> Result<bool, DrainError> {
    let mut tx = locking(&outbox.inner.pool).await?;
    let orphan = sqlx::query!(
        "SELECT slot, cursor FROM relay_slots WHERE lease_until < now() AND owner <> $1
         ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED",
        outbox.owner()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(orphan) = orphan else { return Ok(false) };
    let mut position = orphan.cursor;
    let mut count = 0;
    loop {
        let rows = read_slot(&mut tx, orphan.slot, position, CHUNK).await?;
        let Some(last) = rows.last().map(|row| row.seq) else {
            break;
        };
        count += rows.len();
        publish(outbox, js, rows).await?;
        position = last;
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

/// A transaction that holds a lock while rows are published. The database must not end it for standing idle meanwhile:
/// how long it lasts is bounded by the acknowledgements, each of which has a deadline.
async fn locking(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0")
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

/// Publishes rows and waits for every acknowledgement.
async fn publish(outbox: &Outbox, js: &jetstream::Context, rows: Vec<Committed>) -> Result<(), DrainError> {
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

/// Waits until every transaction that now writes with our slot has ended.
pub(crate) async fn wait_for_writers(outbox: &Outbox) -> Result<(), sqlx::Error> {
    let mut tx = outbox.inner.pool.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '5s'")
        .execute(&mut *tx)
        .await?;
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

/// Gives the slot back after everything was published; otherwise lets its lease end now, so that the tail is taken
/// over without waiting for it.
pub(crate) async fn leave(outbox: &Outbox) {
    let (slot, owner, pool) = (outbox.slot(), outbox.owner(), &outbox.inner.pool);
    let left = if outbox.inner.tracker.idle() {
        sqlx::query!(
            "DELETE FROM relay_slots WHERE slot = $1 AND owner = $2",
            slot,
            owner
        )
        .execute(pool)
        .await
    } else {
        sqlx::query!(
            "UPDATE relay_slots SET lease_until = now() WHERE slot = $1 AND owner = $2",
            slot,
            owner
        )
        .execute(pool)
        .await
    };
    if let Err(error) = left {
        // The lease runs out by itself.
        tracing::debug!(error = %error, "relay slot not given back");
    }
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) r#type: String,
    pub(crate) aggregate_id: String,
    pub(crate) aggregate_version: Option<i64>,
    pub(crate) cause: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) created_at: time::OffsetDateTime,
}

impl Row {
    /// The row as an event. An event type or tenant that this version cannot read stops the reader: the rows stay
    /// where they are, and nothing is skipped.
    pub(crate) fn committed(self) -> Result<Committed, sqlx::Error> {
        let unreadable =
            |what: &str| sqlx::Error::Decode(format!("outbox row {}: unknown {what}", self.seq).into());
        let event = NewEvent {
            id: EventId::from(self.id),
            tenant: self.tenant.parse().map_err(|_| unreadable("tenant"))?,
            event: puente_proto::find(&self.r#type).ok_or_else(|| unreadable("event type"))?,
            aggregate_id: self.aggregate_id,
            aggregate_version: self.aggregate_version,
            cause: self.cause,
            traceparent: self.traceparent,
            payload: Bytes::from(self.payload),
        };
        Ok(Committed {
            seq: self.seq,
            event,
            at: self.created_at,
        })
    }
}

/// The next rows of a slot after `position`, in order.
pub(crate) async fn read_slot(
    connection: &mut PgConnection,
    slot: i64,
    position: i64,
    limit: i64,
) -> Result<Vec<Committed>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE slot = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        slot,
        position,
        limit
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::committed).collect()
}

/// The next rows of every slot after `position`, in the order of their ids, which is that of time. Not by their numbers: those
/// are found within a slot only, and each step would read all days. What is younger than the transaction goes to the broker of
/// today by itself.
async fn read_all(connection: &mut PgConnection, position: Uuid) -> Result<Vec<Committed>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE id > $1 AND created_at <= now() ORDER BY id LIMIT $2",
        position,
        CHUNK
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::committed).collect()
}

/// The rows of these ids, in the order of their ids.
pub(crate) async fn read_ids(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<Committed>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
         FROM outbox WHERE id = ANY ($1) ORDER BY id, seq",
        ids
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::committed).collect()
}
