//! Killed between any two steps: the attempt counts once, the photograph stays, and everything is said once.

use puente_service::Runtime;
use puente_testkit::wait_for;
use tonic::Code;

use crate::support::{Eyes, PATIENCE, Reply, Stage, new_id, patient};

/// As if the replica that held it had died: its hold is over.
async fn hold_runs_out(stage: &Stage) {
    sqlx::query(
        "UPDATE plate_captures SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_while_engines_read_leaves_one_attempt_and_one_answer() {
    let stage = Stage::set().await;
    let id = new_id();
    let held = Eyes::hold().await;
    stage.photo(&id, 1).await;
    wait_for("the engine to be asked", PATIENCE, async || {
        Eyes::asked("eye_a").len() == 1
    })
    .await;
    assert_eq!(stage.attempts(&id).await[0].state, "reading");
    assert!(
        stage.attempts(&id).await[0].key.is_some(),
        "stored before it is read"
    );
    hold_runs_out(&stage).await;
    wait_for("another one to take over", PATIENCE, async || {
        Eyes::asked("eye_a").len() == 2
    })
    .await;
    drop(held);
    let seen = stage.state(&id, "Leido").await;
    assert_eq!((seen.attempt, seen.version), (1, 2));
    stage.stop().await;
    assert_eq!(stage.said(&id).await, ["plate_read"]);
    assert_eq!(stage.attempts(&id).await.len(), 1);
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_whose_storing_was_not_answered_is_found_under_its_key() {
    let stage = Stage::set_with(patient()).await;
    let id = new_id();
    stage.media.loses_answers(1);
    stage.photo(&id, 1).await;
    let seen = stage.state(&id, "Leido").await;
    assert_eq!(seen.attempt, 1);
    let asked = stage.media.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].key, asked[1].key);
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_any_step_the_next_replica_goes_on_there() {
    let stage = Stage::set().await;
    // What each step had not yet committed when the replica died.
    for (step, undo) in [
        (
            "before the photograph was recorded",
            "UPDATE attempts SET state = 'fetching', document_id = NULL, container = NULL, key = NULL, sha256 = NULL,
                    media_type = NULL, bytes = NULL, read_at = NULL, engine = '', source = $2::jsonb
             WHERE capture_id::text = $1",
        ),
        (
            "before the reading was written",
            "UPDATE attempts SET state = 'reading', read_at = NULL, engine = ''
             WHERE capture_id::text = $1 AND $2::jsonb IS NOT NULL",
        ),
    ] {
        let id = new_id();
        stage.photo(&id, 1).await;
        stage.state(&id, "Leido").await;
        let photo = stage.attempts(&id).await[0].key.clone();
        let source = format!(
            r#"{{"provider":"whatsapp_cloud","connection":"acme-chat","id":"{id}-1","url":"","sha256":"","mime_type":"image/png"}}"#
        );
        let mut tx = stage.pool.begin().await.unwrap();
        sqlx::query(undo).bind(&id).bind(&source).execute(&mut *tx).await.unwrap();
        sqlx::query(
            "UPDATE plate_captures SET state = 'Leyendo', version = 1, serial = '', serial_key = '', confidence = 0,
                    origin = '', engine = '', due_at = now() WHERE id::text = $1",
        )
        .bind(&id)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        // The replica wakes by its tick.
        let seen = stage.state(&id, "Leido").await;
        assert_eq!((seen.attempt, seen.version), (1, 2), "{step}");
        assert_eq!(stage.attempts(&id).await[0].key, photo, "{step}: the same photograph");
        let documents: i64 = sqlx::query_scalar("SELECT count(*) FROM documents WHERE about_id = $1")
            .bind(&id)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        assert_eq!(documents, 1, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_that_was_counted_and_not_yet_fetched_is_fetched_after_a_restart() {
    let stage = Stage::set_with(patient()).await;
    let id = new_id();
    stage.media.fails(Some(Code::Unavailable));
    stage.photo(&id, 1).await;
    wait_for("a fetch", PATIENCE, async || !stage.media.asked().is_empty()).await;
    stage.stop().await;
    assert_eq!(stage.attempts(&id).await[0].state, "fetching");
    assert_eq!(
        stage.seen(&id).await.unwrap().attempt,
        1,
        "counted before it is fetched"
    );
    stage.media.fails(None);
    let again = Runtime::new("ocr");
    stage.start(&again).await;
    let seen = stage.state(&id, "Leido").await;
    assert_eq!((seen.attempt, seen.version), (1, 2));
    assert_eq!(stage.attempts(&id).await.len(), 1);
    again.drain(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_survives_restarts() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Nothing, Reply::Nothing]);
    stage.photo(&id, 1).await;
    stage
        .becomes(&id, |seen| seen.state == "OtraFoto" && seen.attempt == 1)
        .await;
    stage.stop().await;
    let again = Runtime::new("ocr");
    stage.start(&again).await;
    stage.photo(&id, 2).await;
    stage
        .becomes(&id, |seen| seen.state == "OtraFoto" && seen.attempt == 2)
        .await;
    again.drain(PATIENCE).await.unwrap();
    let last = Runtime::new("ocr");
    stage.start(&last).await;
    Eyes::will("eye_a", &[Reply::Nothing]);
    stage.photo(&id, 3).await;
    assert_eq!(stage.state(&id, "Ilegible").await.attempt, 3);
    last.drain(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_work_the_turns_of_many_captures_once() {
    let stage = Stage::set().await;
    let second = Runtime::new("ocr");
    stage.start(&second).await;
    let ids: Vec<String> = (0..12).map(|_| new_id()).collect();
    for id in &ids {
        stage.photo(id, 1).await;
    }
    for id in &ids {
        let seen = stage.state(id, "Leido").await;
        assert_eq!((seen.attempt, seen.version), (1, 2));
    }
    second.drain(PATIENCE).await.unwrap();
    stage.stop().await;
    assert_eq!(
        Eyes::asked("eye_a").len(),
        ids.len(),
        "each picture was sent once"
    );
    for id in &ids {
        assert_eq!(stage.said(id).await, ["plate_read"]);
    }
}
