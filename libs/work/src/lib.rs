//! Work on rows that takes longer than a transaction: taken up, held, done, let go.
//!
//! # Protocol
//! 1. A worker looks for a row whose time has come and that nobody holds, and holds it for a short while ([`Job::take`]).
//!    Of several replicas one gets it: that is one statement.
//! 2. While the work lasts, the hold is renewed at every third of its length ([`Job::hold`]). So the hold can be short,
//!    and the work long: who dies leaves its rows to others when the hold ends, not when the longest work would.
//! 3. A hold has an id of its own, and a renewal names it. Whoever lost it meanwhile (a process that stood still, a database
//!    that was away for too long) is told so, and its work is dropped where it stands.
//! 4. When the work is done, or was given up because it took longer than it may, the hold ends ([`Job::release`]). What was
//!    not done has its next time by then ([`Job::failed`]); where that could not be written, the hold runs out by itself.
//!
//! The replicas' clocks must agree to within a part of the lease, as everywhere in the fleet.
//!
//! # Never
//! A row is worked without its hold. That alone does not make work happen once: between two renewals a row can be lost, and
//! its next holder begins. So a job writes what came of it in one transaction under the row's lock, which looks again
//! whether it is still to be done.

mod beat;
mod claimed;
mod pause;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use tracing::Span;
use uuid::Uuid;

pub use claimed::Claimed;
pub use pause::pause;
pub use worker::Worker;

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows worked on at the same time in this replica.
    pub parallel: usize,
    /// How long a hold lasts without a renewal: after so long, others take over from one that died.
    pub lease: Duration,
    /// How long one piece of work may take.
    pub longest: Duration,
    /// How often it is looked for work when nothing wakes the worker.
    pub tick: Duration,
}

/// A row's hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Its id: no two are the same.
    pub by: Uuid,
    /// When it ends by itself.
    pub until: OffsetDateTime,
}

/// What came of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A part is done, and written; there may be another. Each may take as long as work may.
    Part,
    /// Nothing more is to be done now.
    All,
}

/// Why a piece of work was not done.
#[derive(Debug)]
pub enum Failure<T> {
    /// The job's own reason.
    Trouble(T),
    /// It took longer than [`Limits::longest`], and was dropped.
    TooLong,
}

/// One kind of work.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// A row that is held.
    type Row: Send + Sync + 'static;
    /// Why work was not done.
    type Trouble: Send + 'static;

    /// Takes up one row whose time has come and that nobody holds `now`, and gives it this hold.
    async fn take(&self, hold: Hold, now: OffsetDateTime) -> Result<Option<Self::Row>, sqlx::Error>;

    /// Its hold ends when this says. `false` when the row has another hold by now, or none.
    async fn hold(&self, row: &Self::Row, hold: Hold) -> Result<bool, sqlx::Error>;

    /// Ends this hold, if the row still has it.
    async fn release(&self, row: &Self::Row, by: Uuid) -> Result<(), sqlx::Error>;

    /// Does it. May be dropped at any `await`.
    async fn work(&self, row: &Self::Row) -> Result<Done, Self::Trouble>;

    /// Says when it is tried again, while the row is held. After an error the row is not let go of: its hold runs out.
    async fn failed(&self, row: &Self::Row, why: Failure<Self::Trouble>) -> Result<(), sqlx::Error>;

    /// The span that the work on a row belongs to.
    fn span(&self, row: &Self::Row) -> Span;
}
