//! A broker with a new disk: everything that the stream should hold is published again.
//!
//! How far that is stays in memory, so that one late acknowledgement does not begin it anew; another replica, or another run of
//! the broker, begins at the beginning. Rows are read outside the transaction that holds the lock, so that nobody is kept from
//! changing the table. Rows that only a newer version can read are left out; the disk is then not noted, so that the newer
//! version, when it comes, does it all again.

use async_nats::jetstream;
use sqlx::{Postgres, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CHUNK, DrainError, locking, publish};
use crate::late::Oldest;
use crate::table::{self, Span};
use crate::{Outbox, reconcile, restart};

/// How far a refill is.
#[derive(Debug, Default)]
pub(super) struct Refill(Option<Progress>);

#[derive(Debug)]
struct Progress {
    /// Which disk, and which run of its server: another one may have lost what was published.
    created_at: OffsetDateTime,
    server: String,
    span: Span,
    position: Uuid,
    published: usize,
    unreadable: usize,
    late: Oldest,
}

impl Refill {
    /// Declares the stream; where the broker has made it anew, publishes the outbox again. Where it is the same one after a
    /// restart, see [`restart`].
    pub(super) async fn look(
        &mut self,
        outbox: &Outbox,
        client: &async_nats::Client,
        js: &jetstream::Context,
    ) -> Result<(), DrainError> {
        let declared = puente_bus::declare(client, outbox.inner.settings.stream).await?;
        let stream = puente_bus::topology::EVENTS;
        let server = client.server_info().server_id;
        // Postgres keeps microseconds; the broker tells nanoseconds.
        let created_at = declared
            .created_at
            .replace_nanosecond(declared.created_at.microsecond() * 1_000)
            .unwrap_or(declared.created_at);
        // The relay began before the broker was noted: what it published may have been on a disk that is gone by now.
        let mut tx = locking(&outbox.inner.pool).await?;
        let first = sqlx::query!(
            "INSERT INTO relay_broker (stream, created_at, server, seen_at) VALUES ($1, $2, $3, now())
             ON CONFLICT DO NOTHING",
            stream,
            created_at,
            server
        )
        .execute(&mut *tx)
        .await;
        let first = match first {
            Ok(first) => first.rows_affected() > 0,
            // Another replica fills it right now.
            Err(error) if is_locked(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
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
        if !first && known.created_at == created_at {
            self.0 = None;
            let seen = restart::Seen {
                server: known.server,
                at: known.seen_at,
                now: known.now,
            };
            return restart::look(outbox, client, tx, seen).await;
        }
        let progress = self.progress(outbox, created_at, server, known.now);
        if !first && progress.position.is_nil() {
            tracing::warn!(
                service = outbox.inner.service,
                "the broker has a new disk: publishing the outbox again"
            );
        }
        progress.publish(outbox, js).await?;
        if progress.note(outbox, tx).await? {
            self.0 = None;
        }
        Ok(())
    }

    /// How far this disk is filled in this run of its server; from the beginning, if it is another one.
    fn progress(
        &mut self,
        outbox: &Outbox,
        created_at: OffsetDateTime,
        server: String,
        now: OffsetDateTime,
    ) -> &mut Progress {
        let same = |known: &Progress| known.created_at == created_at && known.server == server;
        let known = self.0.take().filter(same);
        self.0.insert(known.unwrap_or_else(|| Progress {
            created_at,
            server,
            span: span(outbox, now),
            position: Uuid::nil(),
            published: 0,
            unreadable: 0,
            late: Oldest::default(),
        }))
    }
}

impl Progress {
    /// Publishes what is left; what the stream has already, it drops.
    async fn publish(&mut self, outbox: &Outbox, js: &jetstream::Context) -> Result<(), DrainError> {
        loop {
            let rows = table::read_all(&outbox.inner.pool, self.position, self.span, CHUNK).await?;
            let Some(last) = rows.last().map(|row| row.id) else {
                return Ok(());
            };
            let (events, unreadable) = table::readable(rows);
            if unreadable > 0 {
                tracing::error!(
                    service = outbox.inner.service,
                    events = unreadable,
                    "a newer version wrote events that this one cannot publish to the new broker"
                );
            }
            self.published += events.len();
            self.unreadable += unreadable;
            publish(outbox, js, events, &mut self.late).await?;
            self.position = last;
        }
    }

    /// Notes the disk, unless something was left out; returns whether it was noted.
    async fn note(
        &mut self,
        outbox: &Outbox,
        mut tx: Transaction<'static, Postgres>,
    ) -> Result<bool, DrainError> {
        if self.unreadable > 0 {
            return Ok(false);
        }
        sqlx::query!(
            "UPDATE relay_broker SET created_at = $2, server = $3, seen_at = now() WHERE stream = $1",
            puente_bus::topology::EVENTS,
            self.created_at,
            self.server
        )
        .execute(&mut *tx)
        .await?;
        self.late.note(&mut *tx).await?;
        tx.commit().await?;
        tracing::info!(
            service = outbox.inner.service,
            events = self.published,
            "outbox published again"
        );
        Ok(true)
    }
}

/// What the stream should hold: what it would not drop by age now, for consumers' marks need not be older than that. What is
/// younger than `now` goes to the broker of today by itself.
fn span(outbox: &Outbox, now: OffsetDateTime) -> Span {
    let max_age = outbox.inner.settings.stream.max_age;
    let from = if max_age.is_zero() {
        OffsetDateTime::UNIX_EPOCH
    } else {
        now - max_age + reconcile::LEAVING
    };
    Span { from, upto: now }
}

/// Somebody else holds what was asked for.
fn is_locked(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(answer) if answer.code().as_deref() == Some("55P03"))
}
