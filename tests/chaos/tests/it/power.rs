//! The power goes, and what was not on disk is gone.

use puente_chaos::power::Safety;
use puente_chaos::power::run::{Outcome, Plan, run};
use puente_chaos::report::render_cuts;

use crate::shim::skipped;

async fn cut(safety: Safety, cuts: usize) -> Option<Outcome> {
    if skipped() {
        return None;
    }
    let plan = Plan {
        seed: 5,
        cuts,
        people: 6,
        safety,
        programs: None,
    };
    let outcome = run(&plan, |line| println!("{line}")).await.unwrap();
    println!("{}", render_cuts(&outcome));
    for cut in &outcome.cuts {
        assert!(cut.acknowledged > 0, "there was load");
        assert!(cut.dropped.changes > 0, "there was something to drop");
    }
    Some(outcome)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_shipped_a_power_loss_takes_nothing_that_was_acknowledged() {
    if let Some(outcome) = cut(Safety::AsShipped, 2).await {
        assert!(outcome.good(), "{}", render_cuts(&outcome));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_commits_that_are_confirmed_before_they_are_on_disk_it_does() {
    if let Some(outcome) = cut(Safety::CommitsUnsynced, 1).await {
        assert!(
            outcome.missing() > 0,
            "the method sees no loss where there must be one"
        );
    }
}
