//! Any process, at any moment.

use puente_chaos::report::render;
use puente_chaos::run::{Plan, run};

/// Fixed, so that a failure is a change of ours and not of chance. `make chaos` takes another one each time.
const SEED: u64 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_kills_under_load_lose_nothing_double_nothing_and_leave_nothing_stuck() {
    let plan = Plan {
        seed: SEED,
        kills: 20,
        people: 6,
        programs: None,
    };
    let outcome = run(&plan, |line| println!("{line}")).await.unwrap();
    let report = render(&outcome);
    println!("{report}");
    assert_eq!(outcome.kills, 20);
    assert!(
        outcome.verdict.load.acknowledged >= 20,
        "there was load:\n{report}"
    );
    // What is looked for is there: a loop over nothing finds no fault.
    let verdict = &outcome.verdict;
    for (what, count) in [
        ("orders", verdict.orders),
        ("contracts", verdict.load.contracts),
        ("envelopes", verdict.envelopes),
        ("tasks", verdict.tasks),
    ] {
        assert!(count >= 1, "no {what}:\n{report}");
    }
    assert!(outcome.good(), "{report}");
}
