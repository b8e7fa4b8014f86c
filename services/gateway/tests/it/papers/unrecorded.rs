//! Files that were stored and never recorded: found, shown, left alone, and deleted when a person says so.

use std::path::PathBuf;
use std::time::Duration;

use puente_blob::{BlobKey, Container};
use puente_gateway::domain::Role;
use puente_gateway::unrecorded::{self, Discard, DiscardError, File, GRACE};
use puente_rpc::Scope;
use puente_service::Overrides;
use puente_testkit::wait_for;
use puente_types::Clock as _;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::PDF;
use crate::office::{ORDER, Office};
use crate::support::Stage;

const WAIT: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_hours(24);
const REPORTS: Container = Container::Reports;

/// A gateway that looks all the time.
async fn set() -> (Stage, Office) {
    set_with(|usual| usual).await
}

async fn set_with(change: impl FnOnce(Overrides) -> Overrides) -> (Stage, Office) {
    let (stage, office) = Stage::with_office_and(|usual| change(usual.set("sweep_tick_ms", 20))).await;
    office.orders("EnEjecucion");
    (stage, office)
}

/// Somebody brings a report for an order of `algesta`; its recording may be cut off. Its place in the store.
async fn brought(stage: &Stage, note: &str, once: &str) -> (BlobKey, StatusCode) {
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let path = format!("/api/orders/{ORDER}/documents");
    let fields = [("kind", "report"), ("note", note)];
    let answer = stage.upload(&path, &key, once, &fields, PDF).await;
    let status = answer.status();
    let trail = stage.trail().await;
    let brought = trail
        .iter()
        .rev()
        .find(|row| row.0 == "document.brought" && row.3.as_ref().unwrap().get("key").is_some());
    let stored = brought.unwrap().3.as_ref().unwrap()["key"].as_str().unwrap();
    (BlobKey::parse(stored).unwrap(), status)
}

fn place(stage: &Stage, key: &BlobKey) -> PathBuf {
    stage.files.path().join("reports").join(key.as_str())
}

/// Makes a file as old as this by the gateway's clock.
fn aged(stage: &Stage, key: &BlobKey, age: Duration) {
    let file = std::fs::File::options()
        .write(true)
        .open(place(stage, key))
        .unwrap();
    file.set_modified((stage.clock.now() - age).into()).unwrap();
}

/// Every container was looked through since now; what the installation is shown then.
async fn swept(stage: &Stage) -> Vec<File> {
    unrecorded::look_now(&stage.pool, stage.clock.now())
        .await
        .unwrap();
    wait_for("a look through every container", WAIT, async || {
        let swept = unrecorded::swept(&stage.pool).await.unwrap();
        let done = swept.len() == 5
            && swept
                .iter()
                .all(|one| one.finished_at.is_some() && !one.under_way);
        done.then_some(()).ok_or(swept)
    })
    .await;
    of(stage, &Scope::Installation).await
}

async fn of(stage: &Stage, scope: &Scope) -> Vec<File> {
    unrecorded::list(&stage.pool, scope, 1_000).await.unwrap()
}

fn tenant(name: &str) -> Scope {
    Scope::Tenant(name.parse().unwrap())
}

async fn discard(stage: &Stage, scope: &Scope, key: &BlobKey) -> Result<(), DiscardError> {
    let wanted = Discard {
        container: REPORTS,
        key,
        by: "tool:uid-7",
        reason: "la carga se cortó",
    };
    unrecorded::discard(&stage.pool, scope, &wanted, stage.clock.now()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_recording_was_cut_off_is_found_and_shown_to_its_tenant_and_no_other() {
    let (stage, office) = set().await;
    let (key, status) = brought(&stage, "morir", "d1").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    aged(&stage, &key, DAY + Duration::from_mins(1));
    let found = swept(&stage).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let file = &found[0];
    assert_eq!(
        (file.container.as_str(), file.name.as_str()),
        ("reports", key.as_str())
    );
    assert_eq!(
        (file.tenant.as_deref(), file.bytes),
        (Some("algesta"), PDF.len() as i64)
    );
    assert_eq!((file.found_at, &file.discarded_by), (stage.clock.now(), &None));
    assert_eq!(of(&stage, &tenant("algesta")).await, found);
    assert_eq!(of(&stage, &tenant("norte")).await, []);
    // Its repetition records it: from then on it is known.
    stage.clock.advance(Duration::from_hours(1));
    office_records(&office, &key);
    assert_eq!(swept(&stage).await, []);
    assert!(place(&stage, &key).exists());
}

/// A service records the file after all.
fn office_records(office: &Office, key: &BlobKey) {
    let document = puente_proto::documents::Document {
        container: REPORTS.to_string(),
        key: key.to_string(),
        ..puente_proto::documents::Document::default()
    };
    office
        .tables()
        .documents
        .push(("signature", "algesta".to_owned(), document));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_file_is_never_touched_and_a_young_one_is_left_alone() {
    let (stage, _office) = set().await;
    let (recorded, status) = brought(&stage, "", "d1").await;
    assert_eq!(status, StatusCode::OK);
    let (young, _) = brought(&stage, "morir", "d2").await;
    aged(&stage, &recorded, DAY * 30);
    aged(&stage, &young, DAY - Duration::from_mins(1));
    assert_eq!(swept(&stage).await, []);
    for key in [&recorded, &young] {
        let refused = discard(&stage, &Scope::Installation, key).await;
        assert!(matches!(refused, Err(DiscardError::NotFound)), "{refused:?}");
        assert_eq!(std::fs::read(place(&stage, key)).unwrap(), PDF);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_look_changes_nothing() {
    let (stage, _office) = set().await;
    let (key, _) = brought(&stage, "morir", "d1").await;
    aged(&stage, &key, DAY * 2);
    let first = swept(&stage).await;
    let trail = stage.trail().await;
    stage.clock.advance(DAY * 3);
    assert_eq!(swept(&stage).await, first);
    assert_eq!(stage.trail().await, trail);
    assert_eq!(std::fs::read(place(&stage, &key)).unwrap(), PDF);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_judged_while_a_service_that_keeps_documents_is_away() {
    let (stage, _office) = set_with(|usual| usual.set("ocr_url", "http://127.0.0.1:1")).await;
    let (key, _) = brought(&stage, "morir", "d1").await;
    aged(&stage, &key, DAY * 2);
    unrecorded::look_now(&stage.pool, stage.clock.now())
        .await
        .unwrap();
    // Put off a second time: the first look has ended by then.
    for _ in 0..2 {
        let now = stage.clock.now();
        wait_for("a look that was broken off", WAIT, async || {
            let begun: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM file_sweeps WHERE container = 'reports' AND due_at > $1",
            )
            .bind(now)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
            (begun == 1).then_some(()).ok_or(begun)
        })
        .await;
        stage.clock.advance(Duration::from_mins(6));
    }
    assert_eq!(of(&stage, &Scope::Installation).await, []);
    let swept = unrecorded::swept(&stage.pool).await.unwrap();
    let reports = swept.iter().find(|one| one.container == "reports").unwrap();
    assert_eq!(reports.finished_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_files_than_a_page_holds_are_all_found() {
    let (stage, _office) = set().await;
    let folder = stage.files.path().join("assets/t/algesta/2025/01");
    std::fs::create_dir_all(&folder).unwrap();
    for n in 0..2_100 {
        let path = folder.join(format!("{n:04}.jpg"));
        std::fs::write(&path, "x").unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified((stage.clock.now() - DAY * 2).into()).unwrap();
    }
    swept(&stage).await;
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM unrecorded_files WHERE container = 'assets'")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(found, 2_100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_deleted_when_a_person_says_so_after_a_week_with_a_row_in_the_trail() {
    let (stage, _office) = set().await;
    let (key, _) = brought(&stage, "morir", "d1").await;
    aged(&stage, &key, DAY * 2);
    swept(&stage).await;
    let early = discard(&stage, &Scope::Installation, &key).await;
    assert!(matches!(early, Err(DiscardError::TooEarly { .. })), "{early:?}");
    stage.clock.advance(GRACE.unsigned_abs());
    let foreign = discard(&stage, &tenant("norte"), &key).await;
    assert!(matches!(foreign, Err(DiscardError::NotFound)), "{foreign:?}");
    assert!(place(&stage, &key).exists());

    discard(&stage, &tenant("algesta"), &key).await.unwrap();
    wait_for("the file to be deleted", WAIT, async || {
        let left = of(&stage, &Scope::Installation).await;
        (left.is_empty() && !place(&stage, &key).exists())
            .then_some(())
            .ok_or(left)
    })
    .await;
    let (subject, object, before, reason): (String, String, Value, String) = sqlx::query_as(
        "SELECT subject, object, before, reason FROM audit WHERE action = 'file.discarded' AND tenant = 'algesta'",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert_eq!((subject.as_str(), object.as_str()), ("tool:uid-7", key.as_str()));
    assert_eq!(
        (&before["container"], &before["bytes"]),
        (&json!("reports"), &json!(PDF.len()))
    );
    assert_eq!(reason, "la carga se cortó");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_discarded_and_is_recorded_meanwhile_stays() {
    // No round comes in between, which would find that it is recorded.
    let (stage, office) = set_with(|usual| usual.set("sweep_hours", 100_000)).await;
    let (key, _) = brought(&stage, "morir", "d1").await;
    aged(&stage, &key, DAY * 2);
    swept(&stage).await;
    stage.clock.advance(GRACE.unsigned_abs());
    office_records(&office, &key);
    discard(&stage, &Scope::Installation, &key).await.unwrap();
    let failed = wait_for("the trail to say that it stays", WAIT, async || {
        let trail = stage.trail().await;
        let after = trail
            .last()
            .and_then(|(_, _, object, after)| after.clone().filter(|_| object == key.as_str()));
        after.filter(|after| after.get("failed").is_some()).ok_or(trail)
    })
    .await;
    assert_eq!(failed, json!({ "failed": "a service has recorded it meanwhile" }));
    assert_eq!(std::fs::read(place(&stage, &key)).unwrap(), PDF);
}
