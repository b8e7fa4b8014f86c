//! A table of work, and replicas that work it as the test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use puente_testkit::{Schema, TestDb, wait_for};
use puente_types::SystemClock;
use puente_work::{Done, Failure, Hold, Job, Limits, Worker};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use time::OffsetDateTime;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use uuid::Uuid;

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const SERVICE: &str = "mechanism";

/// What happened, over all replicas.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// By row: how often its work was begun.
    pub(crate) begun: HashMap<i32, usize>,
    /// By row: how often its work came to its end.
    pub(crate) done: HashMap<i32, usize>,
    /// Rows under work now.
    pub(crate) now: HashMap<i32, usize>,
    /// Rows that two worked on at the same time.
    pub(crate) twice: Vec<i32>,
    /// Failures that jobs were told of.
    pub(crate) failed: Vec<String>,
}

/// The database, and what the work does.
pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) told: Arc<Mutex<Told>>,
    /// Work ends only with a permit of it.
    pub(crate) gate: Arc<Semaphore>,
    _db: TestDb,
}

/// One replica's job.
pub(crate) struct Rows {
    pool: PgPool,
    told: Arc<Mutex<Told>>,
    gate: Arc<Semaphore>,
    /// Parts of each piece of work.
    parts: usize,
    /// Whether the work holds the row's lock while it waits.
    locks: bool,
}

impl Stage {
    /// With so many rows, all due.
    pub(crate) async fn set(rows: i32) -> Self {
        let db = TestDb::new(&[Schema {
            service: SERVICE,
            common: &puente_outbox::MIGRATIONS,
            own: &Migrator::with_migrations(Vec::new()),
        }])
        .await;
        // The worker's role makes no tables.
        let admin = db.admin();
        for sql in [
            "CREATE TABLE mechanism.work (id integer PRIMARY KEY, due boolean NOT NULL DEFAULT true, held_until timestamptz,
                                          held_by uuid)",
            "GRANT SELECT, INSERT, UPDATE ON mechanism.work TO mechanism_worker",
        ] {
            sqlx::query(sql).execute(&admin).await.unwrap();
        }
        let pool = db.pool(SERVICE);
        sqlx::query("INSERT INTO work (id) SELECT generate_series(1, $1)")
            .bind(rows)
            .execute(&pool)
            .await
            .unwrap();
        Self {
            pool,
            told: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            _db: db,
        }
    }

    pub(crate) fn job(&self) -> Rows {
        Rows {
            pool: self.pool.clone(),
            told: self.told.clone(),
            gate: self.gate.clone(),
            parts: 1,
            locks: false,
        }
    }

    /// A replica that works until the token is cancelled.
    pub(crate) fn replica(&self, limits: Limits) -> CancellationToken {
        replica(self.job(), limits)
    }

    pub(crate) fn told<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&self.told.lock().unwrap())
    }

    /// Waits until what happened is as wanted.
    pub(crate) async fn becomes(&self, what: &str, fits: impl Fn(&Told) -> bool) {
        wait_for(what, PATIENCE, async || {
            self.told(|told| fits(told).then_some(()).ok_or_else(|| format!("{told:?}")))
        })
        .await;
    }

    /// A row's hold.
    pub(crate) async fn held(&self, id: i32) -> (Option<OffsetDateTime>, Option<Uuid>) {
        sqlx::query_as("SELECT held_until, held_by FROM work WHERE id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Waits until a row is held by nobody.
    pub(crate) async fn let_go(&self, id: i32) {
        wait_for("the row to be let go of", PATIENCE, async || {
            let held = self.held(id).await;
            (held.1.is_none()).then_some(()).ok_or(held)
        })
        .await;
    }
}

pub(crate) fn replica(job: Rows, limits: Limits) -> CancellationToken {
    let stop = CancellationToken::new();
    let worker = Worker::new(job, Arc::new(SystemClock), Arc::new(Notify::new()), limits);
    tokio::spawn(worker.run(stop.clone()));
    stop
}

/// Holds of so many milliseconds, work of up to a minute.
pub(crate) const fn limits(lease: u64) -> Limits {
    Limits {
        parallel: 4,
        lease: Duration::from_millis(lease),
        longest: PATIENCE,
        tick: Duration::from_millis(20),
    }
}

/// Counts a row out again when its work ends or is dropped.
struct Under<'a>(&'a Mutex<Told>, i32);

impl Drop for Under<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap().now.entry(self.1).or_default() -= 1;
    }
}

impl Rows {
    pub(crate) fn in_parts(self, parts: usize) -> Self {
        Self { parts, ..self }
    }

    pub(crate) fn locking(self) -> Self {
        Self { locks: true, ..self }
    }
}

#[async_trait]
impl Job for Rows {
    type Row = i32;
    type Trouble = sqlx::Error;

    async fn take(&self, hold: Hold, now: OffsetDateTime) -> Result<Option<i32>, sqlx::Error> {
        sqlx::query_scalar(
            "UPDATE work SET held_until = $2, held_by = $3 WHERE id = (
                 SELECT id FROM work WHERE due AND (held_until IS NULL OR held_until <= $1)
                 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING id",
        )
        .bind(now)
        .bind(hold.until)
        .bind(hold.by)
        .fetch_optional(&self.pool)
        .await
    }

    async fn hold(&self, row: &i32, hold: Hold) -> Result<bool, sqlx::Error> {
        let held = sqlx::query("UPDATE work SET held_until = $2 WHERE id = $1 AND held_by = $3")
            .bind(row)
            .bind(hold.until)
            .bind(hold.by)
            .execute(&self.pool)
            .await?;
        Ok(held.rows_affected() == 1)
    }

    async fn release(&self, row: &i32, by: Uuid) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE work SET held_until = NULL, held_by = NULL WHERE id = $1 AND held_by = $2")
            .bind(row)
            .bind(by)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn work(&self, row: &i32) -> Result<Done, sqlx::Error> {
        let _under = {
            let mut told = self.told.lock().unwrap();
            *told.begun.entry(*row).or_default() += 1;
            let now = told.now.entry(*row).or_default();
            *now += 1;
            if *now > 1 {
                told.twice.push(*row);
            }
            Under(&self.told, *row)
        };
        let mut locked = None;
        if self.locks {
            let mut tx = self.pool.begin().await?;
            let lock = sqlx::query("SELECT 1 FROM work WHERE id = $1 FOR UPDATE");
            lock.bind(row).execute(&mut *tx).await?;
            locked = Some(tx);
        }
        self.gate.acquire().await.unwrap().forget();
        let begun = self.told.lock().unwrap().begun[row];
        if begun < self.parts {
            return Ok(Done::Part);
        }
        let mut tx = match locked {
            Some(tx) => tx,
            None => self.pool.begin().await?,
        };
        sqlx::query("UPDATE work SET due = false WHERE id = $1")
            .bind(row)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        *self.told.lock().unwrap().done.entry(*row).or_default() += 1;
        Ok(Done::All)
    }

    async fn failed(&self, row: &i32, why: Failure<sqlx::Error>) -> Result<(), sqlx::Error> {
        self.told.lock().unwrap().failed.push(format!("{row}: {why:?}"));
        sqlx::query("UPDATE work SET due = false WHERE id = $1")
            .bind(row)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    fn span(&self, _: &i32) -> Span {
        Span::none()
    }
}
