//! Proof by destruction: the fleet as real processes, under load, with SIGKILL for any of them at any moment.
//!
//! [`schedule`](schedule::schedule) decides from a seed what is killed and when; [`Load`](load::Load) lets people order
//! meanwhile and notes every 2xx; afterwards [`judge`](verdict::judge) compares what was acknowledged with what the
//! services and the simulators' journals hold. See `docs/chaos.md`.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test harness: what fails here must fail the run"
)]
#![expect(clippy::missing_panics_doc, reason = "a test harness")]

pub mod desk;
pub mod dice;
pub mod fleet;
pub mod ledger;
pub mod load;
pub mod power;
mod quiet;
pub mod report;
pub mod run;
pub mod schedule;
pub mod verdict;
