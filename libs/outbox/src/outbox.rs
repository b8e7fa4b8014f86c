//! A replica's place in the outbox, and the transaction that writes to it.

use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use puente_bus::StreamSettings;
use puente_types::EventId;
use sqlx::{Connection as _, PgConnection, PgExecutor, PgPool, Postgres, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::tracker::Tracker;
use crate::{Committed, NewEvent, Ticket, days};

/// The longest that intake waits for a relay that is behind; the commit that follows waits for nobody.
const ROOM_PATIENCE: Duration = Duration::from_millis(250);

/// The longest that a commit waits for a new slot; it holds its locks meanwhile.
const SLOT_PATIENCE: Duration = Duration::from_secs(3);

/// What an installation may choose.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The stream to declare.
    pub stream: StreamSettings,
    /// How long a slot lives without a sign of its owner.
    pub lease: Duration,
    /// How often housekeeping looks around.
    pub housekeeping: Duration,
    /// How long published events and inbox marks are kept, in days.
    pub keep_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stream: StreamSettings::default(),
            lease: Duration::from_secs(10),
            housekeeping: Duration::from_secs(2),
            keep_days: 30,
        }
    }
}

impl Settings {
    /// As the configuration of a service says: `stream_replicas`, `relay_lease_ms`, `keep_days` (whoever has an inbox:
    /// [`KeepDays`](crate::KeepDays)).
    #[must_use]
    pub fn configured(stream_replicas: NonZeroUsize, relay_lease_ms: u64, keep_days: impl Into<u16>) -> Self {
        Self {
            stream: StreamSettings {
                replicas: stream_replicas.get(),
                ..StreamSettings::default()
            },
            lease: Duration::from_millis(relay_lease_ms),
            keep_days: keep_days.into(),
            ..Self::default()
        }
    }
}

/// Why a transaction could not be committed.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The database's own answer.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// This replica was taken for dead, and could not take a new slot at once: the work is repeated.
    #[error("the relay slot was taken over")]
    SlotLost,
}

pub(crate) struct Inner {
    pub(crate) pool: PgPool,
    pub(crate) service: &'static str,
    pub(crate) slot: AtomicI64,
    pub(crate) owner: Uuid,
    pub(crate) tracker: Arc<Tracker>,
    pub(crate) settings: Settings,
    /// One takes a new slot at a time; whoever comes second finds it taken.
    taking: tokio::sync::Mutex<()>,
}

/// One per service replica; clones share it.
#[derive(Clone)]
pub struct Outbox {
    pub(crate) inner: Arc<Inner>,
}

impl Outbox {
    /// Looks after the days of the tables, before anything is written that would miss its day; then takes a slot for this
    /// replica in the schema of the pool.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(pool: PgPool, service: &'static str, settings: Settings) -> Result<Self, sqlx::Error> {
        days::look_after(&pool, service, settings.keep_days).await;
        let owner = Uuid::now_v7();
        let (slot, cursor) = register(&pool, owner, settings.lease).await?;
        let tracker = Tracker::starting_at(cursor);
        let inner = Inner {
            pool,
            service,
            slot: AtomicI64::new(slot),
            owner,
            tracker,
            settings,
            taking: tokio::sync::Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Begins a transaction that can carry events.
    ///
    /// # Errors
    /// When no connection is to be had in time.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        self.inner.tracker.wait_for_room(ROOM_PATIENCE).await;
        Ok(Tx {
            tx: self.inner.pool.begin().await?,
            outbox: self.clone(),
            events: Vec::new(),
        })
    }

    /// For a caller with an insert of its own: waits for room, then opens a ticket. The insert must name
    /// [`Outbox::slot`] and hold the slot's row `FOR KEY SHARE` with [`Outbox::owner`].
    pub async fn ticket(&self) -> Ticket {
        self.inner.tracker.wait_for_room(ROOM_PATIENCE).await;
        self.inner.tracker.open()
    }

    /// The slot to write with.
    #[must_use]
    pub fn slot(&self) -> i64 {
        self.inner.slot.load(Ordering::Acquire)
    }

    /// The owner that the slot's row must show.
    #[must_use]
    pub fn owner(&self) -> Uuid {
        self.inner.owner
    }

    /// Events that are committed and not yet with the broker.
    #[must_use]
    pub fn backlog(&self) -> i64 {
        self.inner.tracker.backlog()
    }

    /// The pool that the outbox writes through.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    /// For whoever wrote nothing because the slot, `lost`, was taken over: whether there is another one now, with which the
    /// same may be written.
    pub async fn takes_new_slot(&self, lost: i64) -> bool {
        match tokio::time::timeout(SLOT_PATIENCE, self.register_again(lost)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::warn!(error = %error, "no new relay slot yet"),
            Err(_) => tracing::warn!("no new relay slot in time"),
        }
        false
    }

    /// Takes a new slot after the old one, `lost`, was taken over. Its cursor is below every number that is drawn from
    /// now on; what was written with the old one was published by whoever took that over.
    pub(crate) async fn register_again(&self, lost: i64) -> Result<(), sqlx::Error> {
        let _turn = self.inner.taking.lock().await;
        if self.slot() != lost {
            return Ok(());
        }
        // Not from the pool: all its connections may be in the hands of writers that wait for this.
        let mut connection = PgConnection::connect_with(&self.inner.pool.connect_options()).await?;
        let (slot, _) = register(&mut connection, self.inner.owner, self.inner.settings.lease).await?;
        self.inner.slot.store(slot, Ordering::Release);
        // Whether it is closed politely changes nothing.
        connection.close().await.ok();
        Ok(())
    }
}

/// A new slot, with a cursor below every number that will be drawn from now on.
async fn register(
    database: impl PgExecutor<'_>,
    owner: Uuid,
    lease: Duration,
) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"INSERT INTO relay_slots (owner, cursor, lease_until)
           SELECT $1, last_value - 1, now() + $2::double precision * interval '1 second' FROM outbox_seq
           ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until
           RETURNING slot, cursor"#,
        owner,
        lease.as_secs_f64()
    )
    .fetch_one(database)
    .await?;
    Ok((row.slot, row.cursor))
}

/// A transaction that commits state and events together. Use it as a connection; dropped, it rolls back.
pub struct Tx {
    tx: Transaction<'static, Postgres>,
    outbox: Outbox,
    events: Vec<NewEvent>,
}

impl Tx {
    /// Adds an event to the commit.
    pub fn append(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// Commits state and events, and hands the events to the relay.
    ///
    /// # Errors
    /// Nothing was committed, except that an error of the commit itself leaves that open; the events then are
    /// published if they are there.
    pub async fn commit(mut self) -> Result<(), OutboxError> {
        if self.events.is_empty() {
            return Ok(self.tx.commit().await?);
        }
        let events = std::mem::take(&mut self.events);
        let ticket = self.outbox.inner.tracker.open();
        let rows = match write(&mut self.tx, &self.outbox, events).await {
            Ok(rows) => rows,
            Err(error) => {
                ticket.abandoned();
                return Err(error);
            }
        };
        // From here a failure leaves the ticket doubtful: the answer was lost, the commit perhaps not.
        self.tx.commit().await?;
        ticket.committed(rows);
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// Writes the events. A slot that was taken over is replaced on the way, once: the fence then wrote nothing and drew no
/// numbers, so the transaction is as it was, and the next statement sees the new slot.
async fn write(
    connection: &mut PgConnection,
    outbox: &Outbox,
    events: Vec<NewEvent>,
) -> Result<Vec<Committed>, OutboxError> {
    let slot = outbox.slot();
    let mut written = insert(connection, outbox, slot, &events).await?;
    if written.is_empty() && outbox.takes_new_slot(slot).await {
        written = insert(connection, outbox, outbox.slot(), &events).await?;
    }
    if written.len() != events.len() {
        return Err(OutboxError::SlotLost);
    }
    Ok(Committed::pair(events, written.into_iter()))
}

/// Writes the events under the slot's lock; nothing when it is no longer ours.
async fn insert(
    connection: &mut PgConnection,
    outbox: &Outbox,
    slot: i64,
    events: &[NewEvent],
) -> Result<Vec<(EventId, i64, OffsetDateTime)>, sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|e| e.id.uuid()).collect();
    let tenants: Vec<&str> = events.iter().map(|e| e.tenant.as_str()).collect();
    let types: Vec<&str> = events.iter().map(|e| e.event.name).collect();
    let aggregates: Vec<&str> = events.iter().map(|e| e.aggregate_id.as_str()).collect();
    let versions: Vec<Option<i64>> = events.iter().map(|e| e.aggregate_version).collect();
    let causes: Vec<Option<&str>> = events.iter().map(|e| e.cause.as_deref()).collect();
    let traces: Vec<Option<&str>> = events.iter().map(|e| e.traceparent.as_deref()).collect();
    let payloads: Vec<&[u8]> = events.iter().map(|e| e.payload.as_ref()).collect();
    let written = sqlx::query!(
        r#"WITH fence AS (SELECT slot FROM relay_slots WHERE slot = $1 AND owner = $2 FOR KEY SHARE)
           INSERT INTO outbox (slot, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload)
           SELECT fence.slot, e.id, e.tenant, e.type, e.aggregate_id, e.version, e.cause, e.traceparent, e.payload
           FROM fence, unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::bytea[])
               WITH ORDINALITY AS e (id, tenant, type, aggregate_id, version, cause, traceparent, payload, n)
           ORDER BY e.n
           RETURNING seq, id, created_at"#,
        slot,
        outbox.owner(),
        &ids,
        &tenants as &[&str],
        &types as &[&str],
        &aggregates as &[&str],
        &versions as &[Option<i64>],
        &causes as &[Option<&str>],
        &traces as &[Option<&str>],
        &payloads as &[&[u8]],
    )
    .fetch_all(connection)
    .await?;
    Ok(written
        .into_iter()
        .map(|row| (EventId::from(row.id), row.seq, row.created_at))
        .collect())
}

impl Committed {
    /// Joins events with the rows that were written for them; events without a row are left out.
    #[must_use]
    pub fn pair(
        events: Vec<NewEvent>,
        written: impl Iterator<Item = (EventId, i64, OffsetDateTime)>,
    ) -> Vec<Self> {
        let mut rows: std::collections::HashMap<EventId, (i64, OffsetDateTime)> =
            written.map(|(id, seq, at)| (id, (seq, at))).collect();
        events
            .into_iter()
            .filter_map(|event| rows.remove(&event.id).map(|(seq, at)| Self { seq, event, at }))
            .collect()
    }
}
