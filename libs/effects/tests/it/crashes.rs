//! The runner dies at each point of the protocol.

use std::sync::Arc;

use puente_ports::Recovery;
use puente_testkit::{TestDb, wait_for};
use serde_json::json;

use crate::support::{
    PATIENCE, Script, add, database, effect, leases_end, runner, runner_with, states, wait_for_states,
};

/// Lets a call reach the provider, then kills the caller before its answer arrives: everything the runner knew in
/// memory is gone, as after kill -9, since the runtime it lived in is. Its lease is over.
async fn killed_during_the_call(db: &TestDb, script: &Arc<Script>) {
    let doomed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    tokio::task::block_in_place(|| {
        doomed.block_on(async {
            let first = runner(db, script, None).await;
            add(&first.outbox, [effect("e")]).await;
            first.effects.wake();
            wait_for("the call to reach the provider", PATIENCE, || async {
                script.calls().len() == 1
            })
            .await;
            std::mem::forget(first);
        });
        doomed.shutdown_timeout(PATIENCE);
    });
    leases_end(db).await;
}

fn closed_gate(recovery: Recovery) -> Arc<Script> {
    let script = Script::new(recovery, []);
    script.gate.forget_permits(usize::MAX >> 4);
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_call_and_settlement_an_unsure_effect_is_parked_and_not_repeated() {
    let db = database().await;
    let script = closed_gate(Recovery::Unsure);
    killed_during_the_call(&db, &script).await;
    assert_eq!(states(&db).await, [("e".to_owned(), "calling".to_owned())]);
    script.gate.add_permits(100);
    let second = runner(&db, &script, None).await;
    wait_for_states(&db, &[("e", "unknown")]).await;
    assert_eq!(script.calls().len(), 1);
    assert_eq!(script.outcomes(), ["unknown"]);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_call_and_settlement_a_repeatable_effect_is_repeated_with_its_key() {
    let db = database().await;
    let script = closed_gate(Recovery::Repeatable);
    killed_during_the_call(&db, &script).await;
    script.gate.add_permits(100);
    let second = runner(&db, &script, None).await;
    wait_for_states(&db, &[("e", "done")]).await;
    assert_eq!(
        script.calls(),
        ["e", "e"],
        "the provider knows the key, and does it once"
    );
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_call_and_settlement_a_findable_effect_is_looked_up() {
    let db = database().await;
    let script = closed_gate(Recovery::Findable);
    killed_during_the_call(&db, &script).await;
    script.gate.add_permits(100);
    *script.found.lock().unwrap() = Some(json!({"id": "made by the dead"}));
    let second = runner(&db, &script, None).await;
    wait_for_states(&db, &[("e", "done")]).await;
    assert_eq!(script.calls().len(), 1);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_and_has_no_connection_is_parked_and_not_repeated_when_the_connection_is_back() {
    for recovery in [Recovery::Unsure, Recovery::Findable, Recovery::Repeatable] {
        let db = database().await;
        let script = closed_gate(recovery);
        killed_during_the_call(&db, &script).await;
        script.gate.add_permits(100);
        let second = runner_with(&db, &script, Vec::new()).await;
        wait_for_states(&db, &[("e", "unknown")]).await;
        second.stop().await;
        let third = runner(&db, &script, None).await;
        add(&third.outbox, [effect("later")]).await;
        wait_for_states(&db, &[("e", "unknown"), ("later", "done")]).await;
        assert_eq!(script.calls(), ["e", "later"]);
        assert_eq!(script.outcomes(), ["unknown", "done"]);
        third.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_journal_nothing_has_happened_and_the_effect_is_simply_called() {
    let db = database().await;
    let script = Script::new(Recovery::Unsure, []);
    let first = runner(&db, &script, None).await;
    first.stop().await;
    let outbox = puente_outbox::Outbox::open(
        db.pool("mechanism"),
        "mechanism",
        puente_outbox::Settings::default(),
    )
    .await
    .unwrap();
    // A claim that was never committed.
    let mut tx = outbox.begin().await.unwrap();
    puente_effects::enqueue(&mut tx, &effect("e")).await.unwrap();
    tx.commit().await.unwrap();
    let mut claimed = outbox.begin().await.unwrap();
    sqlx::query("UPDATE effects SET state = 'calling', attempts = 1")
        .execute(&mut *claimed)
        .await
        .unwrap();
    drop(claimed);
    let second = runner(&db, &script, None).await;
    wait_for_states(&db, &[("e", "done")]).await;
    assert_eq!(script.calls().len(), 1);
    second.stop().await;
}
