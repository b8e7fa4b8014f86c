//! Power loss: every process at once, and nothing that was written and not forced to disk is left.
//!
//! **PostgreSQL, as shipped by us** (`fsync`, `synchronous_commit`, `wal_sync_method` as they are by default). A shim of
//! C (`shim/unsynced.c`, compiled with `cc` when the run begins, and loaded into the server alone) logs the old bytes of
//! every change that no fsync or fdatasync has covered. After SIGKILL of every process of the server, [`undo`] takes those
//! changes back, newest first. What is left is what a disk holds in the worst case: each file as at its last sync.
//!
//! **What is not simulated.** New names, renames and deletions are kept, as a journalling file system keeps them in order.
//! Contents written by the C library's own streams and by opening with `O_TRUNC` are kept: PostgreSQL writes its
//! statistics and caches so, and drops them after a crash. Unsynced writes are dropped all together, none of them survives
//! by luck: the other end of that range is the run without `--power-loss`. Disks that lie about a sync are out of scope.
//!
//! **The broker's store** is written without a sync for up to two minutes. It is either deleted, which is harder than any
//! power loss, or thrown back to an earlier moment: a copy that was taken while the server stood still. The second is the
//! meaner one, because the stream is still the same and only its end is missing.
//!
//! **That it can fail.** [`Safety::CommitsUnsynced`] is the same run with `synchronous_commit=off`: a test demands that
//! this one *does* lose acknowledged webhooks.

mod cut;
pub mod run;
pub mod shim;
pub mod undo;

/// How PostgreSQL is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Safety {
    /// As it is shipped.
    AsShipped,
    /// Commits are confirmed before they are on disk: the control, which must lose something.
    CommitsUnsynced,
}
