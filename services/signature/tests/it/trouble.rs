//! What stops a request, and how it goes on.

use std::time::{Duration, Instant};

use puente_proto::signature::{RetrySignatureRequest, SignatureTroubled};
use puente_testkit::wait_for;

use crate::support::{Asking, Fake, PATIENCE, Reply, Stage};

fn retry(id: &str, key: &str) -> RetrySignatureRequest {
    RetrySignatureRequest {
        request_id: id.to_owned(),
        idempotency_key: key.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_consent_waits_for_an_administrator_and_is_retried() {
    let stage = Stage::set().await;
    Fake::consent_missing(true);
    let id = stage.asks("acme").await;
    let seen = stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    assert_eq!(seen.problem_code.as_deref(), Some("consent_required"));
    assert_eq!(seen.problem_tag.as_deref(), Some("configuration"));
    assert_eq!(
        (seen.state.as_str(), seen.step.as_str()),
        ("EnProceso", "sending")
    );
    let ask = Asking::of(&stage, "acme").await;
    let shown = ask.get(&id).await.unwrap();
    assert_eq!(shown.reauthorise, "acme-sign");
    assert_eq!(shown.actions, ["void", "manual", "retry"]);

    Fake::consent_missing(false);
    let mut commands = ask.commands.clone();
    for _ in 0..2 {
        commands
            .retry_signature(ask.signed(retry(&id, "once")))
            .await
            .unwrap();
    }
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    Fake::only(&id);
    let troubles: Vec<SignatureTroubled> = stage.told(&id).await;
    let codes: Vec<_> = troubles.iter().map(|trouble| trouble.code.as_str()).collect();
    assert_eq!(codes, ["consent_required", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_and_the_call_repeated() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Refuse]);
    let (id, _) = stage.sends("acme").await;
    assert_eq!((Fake::renewals(), Fake::creates()), (1, 2));
    Fake::will(&[Reply::Refuse, Reply::Refuse]);
    let second = stage.asks("acme").await;
    let seen = stage.becomes(&second, |seen| seen.problem_code.is_some()).await;
    assert_eq!(seen.problem_tag.as_deref(), Some("configuration"));
    assert!(stage.seen(&id).await.unwrap().problem_code.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_refuses_for_good_is_not_tried_again() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Reject]);
    let id = stage.asks("acme").await;
    let seen = stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    assert_eq!(seen.problem_tag.as_deref(), Some("permanent"));
    assert_eq!(
        stage.count("SELECT count(*) FROM effects").await,
        0,
        "nothing is queued"
    );
    assert_eq!(Fake::creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_shown_and_tried_again_by_itself() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Away, Reply::Away]);
    let id = stage.asks("acme").await;
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    let troubles: Vec<SignatureTroubled> = stage.told(&id).await;
    let told: Vec<_> = troubles
        .iter()
        .map(|trouble| (trouble.code.as_str(), trouble.tag.as_str()))
        .collect();
    assert_eq!(told, [("unavailable", "temporary"), ("", "")]);
    Fake::only(&id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_a_connection_keeps_its_contract_and_the_manual_way() {
    let stage = Stage::set().await;
    let id = stage.asks("poor").await;
    let seen = stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    assert_eq!(seen.problem_code.as_deref(), Some("no_connection"));
    assert!(
        seen.contract_id.is_some(),
        "there is a contract to be signed by hand"
    );
    let shown = Asking::of(&stage, "poor").await.get(&id).await.unwrap();
    assert!(shown.actions.contains(&"manual".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_holds_every_sending_of_the_account_until_its_reset() {
    let stage = Stage::set().await;
    let reset = Duration::from_secs(2);
    Fake::will(&[Reply::TooOften(reset)]);
    let first = stage.asks("acme").await;
    wait_for("the limit to be told", PATIENCE, async || {
        let troubles: Vec<SignatureTroubled> = stage.told(&first).await;
        troubles.iter().any(|trouble| trouble.code == "too_often")
    })
    .await;
    wait_for("the pause", PATIENCE, async || {
        // Also one that is over already when a slow machine looks.
        let paused = "SELECT count(*) FROM effect_lanes WHERE paused_until > now() - interval '1 hour'";
        stage.count(paused).await == 1
    })
    .await;
    let second = stage.asks("acme").await;
    for id in [&first, &second] {
        stage.becomes(id, |seen| seen.step == "waiting").await;
        Fake::only(id);
    }
    let called = Fake::creates_at();
    assert_eq!(called.len(), 3);
    let waited = |at: &Instant| at.duration_since(called[0]) >= reset;
    assert!(called[1..].iter().all(waited), "both waited for the reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_beside_the_settlement_of_a_call_waits_for_it_and_neither_is_cut_off() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::TakeInSilence]);
    Fake::looks_away(1);
    let id = stage.asks("acme").await;
    stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    stage.put_off().await;
    // As a settlement does it: the call first, then the request.
    let mut settling = stage.pool.begin().await.unwrap();
    sqlx::query("SELECT id FROM effects WHERE subject_id = $1 FOR UPDATE")
        .bind(&id)
        .execute(&mut *settling)
        .await
        .unwrap();
    let ask = Asking::of(&stage, "acme").await;
    let request = ask.signed(retry(&id, "once"));
    let mut commands = ask.commands.clone();
    let retrying = tokio::spawn(async move { commands.retry_signature(request).await });
    wait_for("the retry to wait", PATIENCE, async || {
        let waits = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                     WHERE NOT granted AND datname = current_database()";
        stage.count(waits).await > 0
    })
    .await;
    sqlx::query("SELECT id FROM signatures WHERE id::text = $1 FOR UPDATE")
        .bind(&id)
        .execute(&mut *settling)
        .await
        .expect("the settlement goes on");
    settling.rollback().await.unwrap();
    retrying.await.unwrap().expect("the retry goes on");
    stage.becomes(&id, |seen| seen.step == "waiting").await;
}
