//! What each class of failure leads to.

use std::time::Duration;

use puente_effects::{Resolution, parked, resolve, settle_by_key};
use puente_ports::{ProviderError, ProviderErrorKind as Kind, Recovery};
use serde_json::json;

use crate::support::{Script, add, database, effect, runner, wait_for_states};

fn error(kind: Kind) -> Result<serde_json::Value, ProviderError> {
    Err(ProviderError::new(kind, "code", "detail"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_works_is_made_once_and_the_same_key_is_the_same_effect() {
    let db = database().await;
    let script = Script::new(Recovery::Unsure, []);
    let runner = runner(&db, &script, None).await;
    add(&runner.outbox, [effect("a"), effect("a"), effect("b")]).await;
    runner.effects.wake();
    wait_for_states(&db, &[("a", "done"), ("b", "done")]).await;
    let mut calls = script.calls();
    calls.sort();
    assert_eq!(calls, ["a", "b"]);
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM mechanism.outbox")
        .fetch_one(&db.admin())
        .await
        .unwrap();
    assert_eq!(events, 2, "state and events were committed with the outcome");
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_fail_at_once_and_outages_and_rate_limits_are_tried_again_within_their_budget() {
    let db = database().await;
    let script = Script::new(Recovery::Unsure, [error(Kind::Rejected)]);
    let runner = runner(&db, &script, None).await;
    add(&runner.outbox, [effect("refused")]).await;
    wait_for_states(&db, &[("refused", "failed")]).await;
    assert_eq!(script.calls().len(), 1);

    let down = || error(Kind::Unavailable { retry_after: None });
    script.answers.lock().unwrap().extend([
        down(),
        down(),
        error(Kind::RateLimited {
            retry_after: Some(Duration::from_millis(30)),
        }),
    ]);
    add(&runner.outbox, [effect("shaky")]).await;
    wait_for_states(&db, &[("refused", "failed"), ("shaky", "done")]).await;
    assert_eq!(script.calls().len(), 5);

    script.answers.lock().unwrap().extend((0..9).map(|_| down()));
    add(&runner.outbox, [effect("zombie")]).await;
    wait_for_states(
        &db,
        &[("refused", "failed"), ("shaky", "done"), ("zombie", "failed")],
    )
    .await;
    assert_eq!(script.calls().len(), 9, "one call and three repeats");
    assert_eq!(script.outcomes(), ["failed code", "done", "failed code"]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_use_up_nothing_of_what_an_outage_may_take_nor_the_other_way_round() {
    let db = database().await;
    let limited = || error(Kind::RateLimited { retry_after: None });
    let down = || error(Kind::Unavailable { retry_after: None });
    let answers = (0..4)
        .map(|_| limited())
        .chain([down(), down(), limited(), down()]);
    let script = Script::new(Recovery::Unsure, answers);
    let runner = runner(&db, &script, None).await;
    add(&runner.outbox, [effect("patient")]).await;
    wait_for_states(&db, &[("patient", "done")]).await;
    assert_eq!(script.calls().len(), 9);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_knows_the_outcome_of_is_parked_until_a_person_decides() {
    let db = database().await;
    let script = Script::new(
        Recovery::Unsure,
        [error(Kind::OutcomeUnknown), error(Kind::OutcomeUnknown)],
    );
    let runner = runner(&db, &script, None).await;
    add(&runner.outbox, [effect("one"), effect("two")]).await;
    wait_for_states(&db, &[("one", "unknown"), ("two", "unknown")]).await;
    assert_eq!(script.calls().len(), 2, "never repeated by itself");

    let mut tx = runner.outbox.begin().await.unwrap();
    let waiting = parked(&mut tx, 10).await.unwrap();
    let id = |key: &str| waiting.iter().find(|p| p.subject_id == key).unwrap().id;
    assert!(
        resolve(&mut tx, id("one"), &Resolution::Repeat, "ana")
            .await
            .unwrap()
    );
    assert!(
        resolve(
            &mut tx,
            id("two"),
            &Resolution::Close {
                reason: "llamó el cliente".into()
            },
            "ana"
        )
        .await
        .unwrap()
    );
    assert!(
        !resolve(&mut tx, id("two"), &Resolution::Repeat, "ana")
            .await
            .unwrap(),
        "it is closed"
    );
    tx.commit().await.unwrap();
    wait_for_states(&db, &[("one", "done"), ("two", "closed")]).await;
    assert_eq!(script.calls().iter().filter(|key| *key == "one").count(), 2);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_honours_a_key_for_is_repeated_and_what_it_can_find_is_looked_up() {
    let db = database().await;
    let script = Script::new(Recovery::Repeatable, [error(Kind::OutcomeUnknown)]);
    let first = runner(&db, &script, None).await;
    add(&first.outbox, [effect("same-key")]).await;
    wait_for_states(&db, &[("same-key", "done")]).await;
    assert_eq!(script.calls(), ["same-key", "same-key"]);
    first.stop().await;

    let db = database().await;
    let script = Script::new(
        Recovery::Findable,
        [error(Kind::OutcomeUnknown), error(Kind::OutcomeUnknown)],
    );
    let second = runner(&db, &script, None).await;
    add(&second.outbox, [effect("absent")]).await;
    wait_for_states(&db, &[("absent", "done")]).await;
    assert_eq!(script.calls().len(), 3, "not found, so called again");
    *script.found.lock().unwrap() = Some(json!({"id": "x"}));
    script
        .answers
        .lock()
        .unwrap()
        .push_back(error(Kind::OutcomeUnknown));
    add(&second.outbox, [effect("present")]).await;
    wait_for_states(&db, &[("absent", "done"), ("present", "done")]).await;
    assert_eq!(script.calls().len(), 4, "found, so not called again");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_settles_an_effect_whose_answer_was_lost() {
    let db = database().await;
    let script = Script::new(Recovery::Unsure, [error(Kind::OutcomeUnknown)]);
    let runner = runner(&db, &script, None).await;
    add(&runner.outbox, [effect("seen")]).await;
    wait_for_states(&db, &[("seen", "unknown")]).await;
    let mut tx = runner.outbox.begin().await.unwrap();
    assert!(
        settle_by_key(&mut tx, "seen", json!({"by": "receipt"}))
            .await
            .unwrap()
    );
    assert!(
        !settle_by_key(&mut tx, "seen", json!({"by": "receipt"}))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    wait_for_states(&db, &[("seen", "done")]).await;
    assert_eq!(script.calls().len(), 1);
    runner.stop().await;
}
