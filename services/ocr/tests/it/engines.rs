//! Engines that fail over, are paid for, are remembered, and are told of.

use puente_proto::operations::ListConnectionHealthRequest;
use puente_service::Runtime;
use puente_service::Service as _;

use crate::support::{Asking, Eyes, Reply, Seen, Stage, new_id, now, patient, usual};

async fn reads(stage: &Stage) -> (String, Seen) {
    let id = new_id();
    stage.photo(&id, 1).await;
    let seen = stage.becomes(&id, |seen| seen.state != "Leyendo").await;
    (id, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_engine_fails_over_to_the_next_by_the_class_of_its_error() {
    let overrides = usual().set("engines", vec!["eye_a", "eye_b"]);
    let stage = Stage::set_with(overrides).await;
    for (reply, code, tag) in [
        (Reply::Away, "unavailable", "temporary"),
        (Reply::Refuse, "401", "configuration"),
        (Reply::Reject, "InvalidImage", "permanent"),
        (Reply::Limited, "429", "temporary"),
    ] {
        Eyes::will("eye_a", &[reply]);
        let (id, seen) = reads(&stage).await;
        assert_eq!(
            (seen.state.as_str(), seen.engine.as_str()),
            ("Leido", "eye_b"),
            "{code}"
        );
        let troubles = &stage.attempts(&id).await[0].troubles;
        for part in ["eye_a", code, tag] {
            assert!(troubles.contains(part), "{part}: {troubles}");
        }
    }
    // It asked to be left alone for an hour: it is not called any more.
    let asked = Eyes::asked("eye_a").len();
    let (id, seen) = reads(&stage).await;
    assert_eq!(seen.engine, "eye_b");
    assert!(stage.attempts(&id).await[0].troubles.contains("paused"));
    assert_eq!(Eyes::asked("eye_a").len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_engine_answers_it_is_tried_again_and_read() {
    let stage = Stage::set_with(patient()).await;
    Eyes::will("eye_a", &[Reply::Away]);
    let (_, seen) = reads(&stage).await;
    assert_eq!(seen.state, "Leido", "the second try");
    assert_eq!(Eyes::asked("eye_a").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_engine_answers_for_a_while_that_is_said() {
    let stage = Stage::set().await;
    Eyes::will("eye_a", &[Reply::Away; 12]);
    let (id, seen) = reads(&stage).await;
    assert_eq!((seen.state.as_str(), seen.attempt), ("OtraFoto", 1));
    assert_eq!(stage.said(&id).await, ["plate_unavailable"]);
    let attempt = stage.attempts(&id).await.remove(0);
    assert_eq!(attempt.state, "failed");
    assert!(attempt.key.is_some(), "the photograph is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_at_a_provider_is_asked_for_until_it_is_read() {
    let stage = Stage::set().await;
    Eyes::will("eye_a", &[Reply::Pending(3, "KTM445566")]);
    let (_, seen) = reads(&stage).await;
    assert_eq!(
        (seen.state.as_str(), seen.serial.as_str()),
        ("Leido", "KTM445566")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_too_slow_is_left_for_the_next_one() {
    let overrides = usual()
        .set("engines", vec!["eye_a", "eye_b"])
        .set("engines_ms.eye_a", 200);
    let stage = Stage::set_with(overrides).await;
    Eyes::will("eye_a", &[Reply::Pending(1_000_000, "KTM445566")]);
    let (id, seen) = reads(&stage).await;
    assert_eq!(seen.engine, "eye_b");
    assert!(stage.attempts(&id).await[0].troubles.contains("too_slow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_paid_for_end_with_the_budget_of_the_day() {
    let overrides = usual()
        .set("engines", vec!["eye_a", "eye_b"])
        .set("tenants.acme.calls_per_day", 2);
    let stage = Stage::set_with(overrides).await;
    // Once more when the day ended meanwhile: the next one has a budget of its own.
    let (engines, (id, seen)) = loop {
        let day = now().date();
        let mut engines = Vec::new();
        for _ in 0..4 {
            engines.push(reads(&stage).await.1.engine);
        }
        let last = reads(&stage).await;
        if now().date() == day {
            break (engines, last);
        }
        let forget = sqlx::query("DELETE FROM billed_calls");
        forget.execute(&stage.pool).await.unwrap();
    };
    assert_eq!(engines, ["eye_a", "eye_a", "eye_b", "eye_b"]);
    assert_eq!(seen.state, "OtraFoto", "nobody may be asked any more");
    assert!(stage.attempts(&id).await[0].troubles.contains("over_budget"));
    assert_eq!(
        stage.count("SELECT max(calls)::bigint FROM billed_calls").await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_read_is_not_sent_again() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let first = ask.recognize(ask.wish(&stage, "same").await).await.unwrap();
    let second = ask.recognize(ask.wish(&stage, "same").await).await.unwrap();
    assert_eq!(first.attempt.unwrap().serial, second.attempt.unwrap().serial);
    assert_eq!(Eyes::asked("eye_a").len(), 1);
    // Another tenant's knowledge is not shared.
    let other = Asking::of(&stage, "other").await;
    other.recognize(other.wish(&stage, "same").await).await.unwrap();
    assert_eq!(Eyes::asked("eye_a"), ["acme", "other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_engines_shows_their_calls() {
    let overrides = usual().set("engines", vec!["embedded", "eye_a"]);
    let stage = Stage::set_with(overrides).await;
    let (id, seen) = reads(&stage).await;
    assert_eq!(
        seen.engine, "eye_a",
        "no models are configured, and the next engine reads"
    );
    assert!(stage.attempts(&id).await[0].troubles.contains("models_missing"));
    let ask = Asking::of(&stage, "acme").await;
    let question = ListConnectionHealthRequest { window_seconds: 3600 };
    let health = ask
        .operations
        .clone()
        .list_connection_health(ask.signed(question))
        .await
        .unwrap()
        .into_inner()
        .connections;
    let shown: Vec<_> = health
        .iter()
        .map(|one| {
            (
                one.connection.as_str(),
                one.done,
                one.failed,
                one.breaker.as_str(),
            )
        })
        .collect();
    assert_eq!(shown[0], ("embedded", 0, 1, "open"));
    assert_eq!((shown[1].0, shown[1].1, shown[1].2), ("acme-eye-a", 1, 0));
    assert!(
        stage.rt.readiness.report().await.is_ready(),
        "there is another engine: it can work"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_models_a_service_that_has_only_them_is_not_ready_and_does_not_crash() {
    let overrides = usual()
        .set("engines", vec!["embedded"])
        .set("models", "/nowhere/at/all");
    let stage = Stage::set_with(overrides).await;
    let (_, seen) = reads(&stage).await;
    assert_eq!(seen.state, "OtraFoto");
    let report = stage.rt.readiness.report().await;
    assert!(!report.is_ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_without_sense_is_refused_with_all_that_is_wrong() {
    let stage = Stage::set().await;
    let overrides = usual()
        .set("engines", vec!["abacus"])
        .set("tenants.acme.threshold", 7.0)
        .set("master_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .set("storage.link_key", crate::support::KEY)
        .set("storage.folder", stage.folder.path().display().to_string())
        .set("database.url", stage.db.url())
        .set("nats.url", stage.nats.url());
    let sources = puente_service::Sources::default().with_overrides(overrides);
    let config: puente_ocr::Config = puente_service::config::load("ocr", puente_ocr::Ocr::DEFAULTS, &sources)
        .unwrap()
        .service;
    let refused = puente_ocr::Ocr::build(config, Runtime::new("ocr")).await;
    let reasons = format!("{:?}", refused.err().unwrap());
    assert!(
        reasons.contains("abacus") && reasons.contains("threshold"),
        "{reasons}"
    );
}
