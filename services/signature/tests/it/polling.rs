//! An envelope that nobody reports on is asked for, and never too often.

use std::time::Duration;

use puente_proto::signature::CheckSignatureRequest;
use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_testkit::wait_for;
use tonic::Code;

use crate::support::{Asking, Fake, PATIENCE, Stage, report};

/// As if nothing had been heard for so long.
async fn quiet(stage: &Stage, minutes: i32) {
    sqlx::query(
        "UPDATE signatures SET quiet_since = quiet_since - make_interval(mins => $1),
                               checked_at = checked_at - make_interval(mins => $1)",
    )
    .bind(minutes)
    .execute(&stage.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_back_that_was_lost_is_made_good_by_asking() {
    let stage = Stage::set_with(1).await;
    Fake::may_be_asked_every(Duration::from_secs(30));
    let (id, kept) = stage.sends("acme").await;
    Fake::happens(&kept.id, EnvelopeStatus::Completed, &[]);
    quiet(&stage, 2).await;
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
    assert_eq!(Fake::polls(&kept.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_ask_once_per_interval_of_the_vendor() {
    let stage = Stage::set_with(1).await;
    stage.start(&stage.rt.child("second")).await;
    Fake::may_be_asked_every(Duration::from_mins(15));
    let (id, kept) = stage.sends("acme").await;
    Fake::happens(
        &kept.id,
        EnvelopeStatus::Delivered,
        &[("1", SignerStatus::Signed)],
    );
    // Longer than what is configured, and shorter than what the vendor allows.
    quiet(&stage, 10).await;
    let ask = Asking::of(&stage, "acme").await;
    let checks = stage
        .count("SELECT count(*) FROM signatures WHERE checked_at IS NOT NULL")
        .await;
    assert_eq!(checks, 0);
    quiet(&stage, 10).await;
    wait_for("the question", PATIENCE, async || Fake::polls(&kept.id) == 1).await;
    wait_for("the answer", PATIENCE, async || {
        stage.signers(&id).await == ["signed", "waiting", "waiting"]
    })
    .await;
    quiet(&stage, 10).await;
    // A person may not ask sooner either, and is told from when on.
    let question = CheckSignatureRequest {
        request_id: id.clone(),
    };
    let refused = ask
        .commands
        .clone()
        .check_signature(ask.signed(question))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("from 20"), "{}", refused.message());
    assert_eq!(Fake::polls(&kept.id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_for_the_state_now() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    Fake::happens(
        &kept.id,
        EnvelopeStatus::Delivered,
        &[("3", SignerStatus::Delivered)],
    );
    let ask = Asking::of(&stage, "acme").await;
    let question = CheckSignatureRequest {
        request_id: id.clone(),
    };
    let answer = ask
        .commands
        .clone()
        .check_signature(ask.signed(question))
        .await
        .unwrap();
    let signature = answer.into_inner().signature.unwrap();
    assert_eq!(signature.signers[2].state, "delivered");
    assert!(signature.checked_at.is_some());
    assert!(!signature.actions.is_empty());
}

/// The same request so many times more, as far as it is asked for.
async fn multiplied(stage: &Stage, times: i32) {
    let columns = "tenant, order_id, number, attempt, request, requested_by, requested_at, state, step, provider, connection,
                   version, changed_at, quiet_since, due_at";
    let more = format!(
        "INSERT INTO signatures (id, envelope_id, {columns})
         SELECT gen_random_uuid(), envelope_id || '-' || n, {columns}
         FROM signatures, generate_series(1, $1) AS n WHERE tenant = 'acme'"
    );
    sqlx::query(sqlx::AssertSqlSafe(more))
        .bind(times)
        .execute(&stage.pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_asked_too_much_is_left_alone_and_the_others_are_not() {
    let stage = Stage::set_with(1).await;
    Fake::may_be_asked_every(Duration::from_secs(1));
    Fake::may_be_asked_by("acme", 1);
    stage.sends("acme").await;
    multiplied(&stage, 29).await;
    quiet(&stage, 2).await;
    wait_for("the refusal", PATIENCE, async || {
        let paused = "SELECT count(*) FROM polling WHERE tenant = 'acme' AND paused_until > now()";
        stage.count(paused).await == 1
    })
    .await;
    assert_eq!(Fake::asked_by("acme"), 2);
    // Whoever comes after it in a round is asked for, and it is not: also by a replica that was not there.
    stage.start_polling(&stage.rt.child("second"), 1).await;
    let (_, kept) = stage.sends("other").await;
    for asked in 1..=2 {
        quiet(&stage, 10).await;
        wait_for("the other account", PATIENCE, async || {
            Fake::polls(&kept.id) >= asked
        })
        .await;
    }
    assert_eq!(Fake::asked_by("acme"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_stays_quiet_is_asked_for_less_often_until_something_is_told() {
    let stage = Stage::set_with(1).await;
    Fake::may_be_asked_every(Duration::from_secs(1));
    let (id, kept) = stage.sends("acme").await;
    let polls = async || {
        let polls: i32 = sqlx::query_scalar("SELECT polls FROM signatures WHERE id::text = $1")
            .bind(&id)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        polls
    };
    for asked in 1..=3 {
        quiet(&stage, 10).await;
        wait_for("the question", PATIENCE, async || Fake::polls(&kept.id) == asked).await;
    }
    wait_for("the count", PATIENCE, async || polls().await == 3).await;
    // Three times in vain: eight minutes have to pass by now. Another envelope shows that it was looked for quiet ones.
    let (_, other) = stage.sends("other").await;
    quiet(&stage, 7).await;
    wait_for("the other envelope", PATIENCE, async || {
        Fake::polls(&other.id) == 1
    })
    .await;
    assert_eq!(Fake::polls(&kept.id), 3);
    let event = stage
        .reports("acme", &report(&id, &kept.id, EnvelopeStatus::Delivered, &[]))
        .await;
    stage.handled(event).await;
    assert_eq!(polls().await, 0);
}
