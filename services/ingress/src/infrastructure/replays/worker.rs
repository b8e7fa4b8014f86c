//! Works on replays, one at a time, a part at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration as Span;

use puente_outbox::{NotConfirmed, Outbox, OutboxError, Republisher};
use time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::fresh;
use super::jobs::{self, Owner, Replay};
use super::look::{self, Fresh, Looked};
use super::memory::Memory;
use super::{part, total};
use crate::domain::Counts;
use crate::infrastructure::directory::Directory;

/// How often replays that other replicas left, or that callers started there, are looked for.
const LOOK_AROUND: Span = Span::from_secs(2);
/// How often old replays are looked after.
const TIDY_EVERY: Span = Span::from_secs(15 * 60);
/// Events of intake that wait for the relay; beyond it a replay waits, too.
const CROWDED: i64 = 5_000;
/// How long a replay waits for the relay at each part: it gets slow beside a crowd, but never stands still.
const STAND_ASIDE: Span = Span::from_secs(1);
/// The time that the first part may cover. Where few deliveries match, later ones cover more.
const FIRST_LENGTH: Duration = Duration::minutes(10);
/// A part that took less is followed by one over more time.
const CHEAP: Span = Span::from_millis(250);
/// The pause after a part that failed, because broker or database are away.
const PAUSE: Span = Span::from_secs(2);

/// One per replica.
pub(crate) struct Worker {
    pub(crate) directory: Arc<Directory>,
    pub(crate) outbox: Outbox,
    pub(crate) republisher: Republisher,
    /// Told when a replay is started at this replica.
    pub(crate) wake: Arc<Notify>,
    pub(crate) owner: Owner,
}

/// Why a part was not done.
#[derive(Debug, thiserror::Error)]
enum PartError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Publish(#[from] NotConfirmed),
    #[error(transparent)]
    Commit(#[from] OutboxError),
}

impl PartError {
    /// A stored event that this version does not know: trying again does not help.
    fn is_final(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Decode(_)))
    }
}

impl Worker {
    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut tidied: Option<Instant> = None;
        let mut memory = Memory::default();
        loop {
            if tidied.is_none_or(|at| at.elapsed() > TIDY_EVERY) && self.tidy().await {
                tidied = Some(Instant::now());
            }
            let claimed = match self.claim(&mut memory).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::debug!(error = %error, "replays cannot be looked for now");
                    None
                }
            };
            let Some(replay) = claimed else {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(LOOK_AROUND) => {}
                }
                continue;
            };
            self.work(replay, &mut memory, &stop).await;
            if stop.is_cancelled() {
                self.release().await;
                return;
            }
        }
    }

    async fn tidy(&self) -> bool {
        match self.outbox.pool().acquire().await {
            Ok(mut connection) => jobs::tidy(&mut connection).await.is_ok(),
            Err(_) => false,
        }
    }

    /// A replay that has not failed lately, if there is one; otherwise those that have get their next turn.
    async fn claim(&self, memory: &mut Memory) -> Result<Option<Replay>, sqlx::Error> {
        let mut connection = self.outbox.pool().acquire().await?;
        let claimed = jobs::claim(&mut connection, self.owner, &memory.failed).await?;
        if claimed.is_some() || memory.failed.is_empty() {
            return Ok(claimed);
        }
        memory.failed.clear();
        jobs::claim(&mut connection, self.owner, &[]).await
    }

    async fn release(&self) {
        let released = async {
            let mut connection = self.outbox.pool().acquire().await?;
            jobs::release(&mut connection, self.owner.id).await
        };
        if let Err(error) = released.await {
            // The lease runs out by itself.
            tracing::debug!(error = %error, "replay not given back");
        }
    }

    /// Works on a replay until it ends, is taken away, or the service stops.
    async fn work(&self, mut replay: Replay, memory: &mut Memory, stop: &CancellationToken) {
        tracing::info!(replay.id = %replay.id, "replay goes on");
        let mut length = FIRST_LENGTH;
        while !stop.is_cancelled() {
            let started = Instant::now();
            match self.part(&mut replay, memory, length).await {
                Ok(true) => {
                    if started.elapsed() < CHEAP {
                        // Longer than anything that is kept is never needed.
                        length = Duration::min(length * 2, Duration::days(400));
                    }
                }
                Ok(false) => return,
                Err(error) if error.is_final() => {
                    tracing::error!(replay.id = %replay.id, error = %error, "replay failed");
                    self.fail(
                        &replay,
                        "an event of then is of a kind that this version does not know",
                    )
                    .await;
                    return;
                }
                Err(error) => {
                    tracing::warn!(replay.id = %replay.id, error = %error, "part of a replay will be tried again");
                    memory.failed.push(replay.id);
                    let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
                    // It may have been cancelled or taken over meanwhile, and what was committed is not known.
                    return;
                }
            }
        }
    }

    /// One part; `false` when the replay has ended or is no longer ours.
    async fn part(
        &self,
        replay: &mut Replay,
        memory: &mut Memory,
        length: Duration,
    ) -> Result<bool, PartError> {
        self.stand_aside().await;
        if replay.total.is_none() && !memory.uncounted.contains(&replay.id) {
            replay.total = total::count(self.outbox.pool(), self.owner.id, replay, total::PATIENCE).await?;
            if replay.total.is_none() {
                memory.give_up_counting(replay.id);
            }
        }
        let Looked {
            mut counts,
            known,
            fresh,
            cursor,
            ..
        } = {
            let mut connection = self.outbox.pool().acquire().await?;
            look::look(
                &self.directory,
                &mut connection,
                &replay.wanted,
                replay.cursor,
                length,
                part::MOST,
                &HashSet::new(),
            )
            .await?
        };
        self.republisher.again(replay.id, known).await?;
        let ended = cursor >= replay.wanted.end();
        if !self.commit(replay, cursor, &mut counts, fresh, ended).await? {
            return Ok(false);
        }
        replay.cursor = cursor;
        replay.done.add(counts);
        if ended {
            tracing::info!(
                replay.id = %replay.id,
                deliveries = replay.done.deliveries,
                same = replay.done.same,
                different = replay.done.different,
                fresh = replay.done.fresh,
                skipped = replay.done.skipped,
                "replay done"
            );
        }
        Ok(!ended)
    }

    /// Commits new happenings as intake does, together with the progress.
    async fn commit(
        &self,
        replay: &Replay,
        cursor: Uuid,
        counts: &mut Counts,
        fresh: Vec<Fresh>,
        ended: bool,
    ) -> Result<bool, PartError> {
        let mut tx = self.outbox.begin().await?;
        counts.fresh = fresh::append(&mut tx, fresh).await?;
        if !jobs::advance(&mut tx, replay.id, self.owner, cursor, *counts, ended).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn fail(&self, replay: &Replay, error: &str) {
        let failed = async {
            let mut connection = self.outbox.pool().acquire().await?;
            jobs::fail(&mut connection, replay.id, self.owner.id, error).await
        };
        if let Err(error) = failed.await {
            tracing::warn!(error = %error, "the end of a replay was not written");
        }
    }

    /// Waits a moment while intake's own events are behind.
    async fn stand_aside(&self) {
        let until = Instant::now() + STAND_ASIDE;
        while self.outbox.backlog() > CROWDED && Instant::now() < until {
            tokio::time::sleep(Span::from_millis(50)).await;
        }
    }
}
