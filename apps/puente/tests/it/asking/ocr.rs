//! `puente ocr`: captures, how well they are read, and the labelled set as files.

use std::path::Path;

use puente_proto::ocr::capture_queries_server::CaptureQueries;
use puente_proto::ocr::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status};

use super::fake::{Fake, Fleet, Has, at, page};

const FIRST: &str = "019469d2-0000-7000-8000-00000000000a";
const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 a plate";

#[tonic::async_trait]
impl CaptureQueries for Fake {
    async fn get_capture(
        &self,
        _: Request<GetCaptureRequest>,
    ) -> Result<Response<GetCaptureResponse>, Status> {
        Err(Status::unimplemented("not asked by the tool"))
    }

    async fn list_captures(
        &self,
        request: Request<ListCapturesRequest>,
    ) -> Result<Response<ListCapturesResponse>, Status> {
        let has = self.note(&request);
        let question = request.into_inner();
        let (captures, next_cursor) = page(&has.captures, question.page_size, &question.cursor);
        Ok(Response::new(ListCapturesResponse {
            captures,
            next_cursor,
        }))
    }

    async fn count_captures(
        &self,
        _: Request<CountCapturesRequest>,
    ) -> Result<Response<CountCapturesResponse>, Status> {
        Err(Status::unimplemented("not asked by the tool"))
    }

    async fn list_samples(
        &self,
        request: Request<ListSamplesRequest>,
    ) -> Result<Response<ListSamplesResponse>, Status> {
        let has = self.note(&request);
        let question = request.into_inner();
        // Pages of two, so that a set has several.
        let (samples, next_cursor) = page(&has.samples, question.page_size.min(2), &question.cursor);
        Ok(Response::new(ListSamplesResponse { samples, next_cursor }))
    }

    async fn get_accuracy(
        &self,
        request: Request<GetAccuracyRequest>,
    ) -> Result<Response<GetAccuracyResponse>, Status> {
        let rows = self.note(&request).accuracy.clone();
        Ok(Response::new(GetAccuracyResponse { rows }))
    }
}

async fn fleet(has: Has) -> (Fake, Fleet) {
    let ocr = Fake::start("ocr", has).await;
    let fleet = Fleet::default().with("PUENTE_OCR_GRPC", ocr.url());
    (ocr, fleet)
}

fn capture(state: &str, serial: &str) -> Capture {
    Capture {
        capture_id: FIRST.to_owned(),
        state: state.to_owned(),
        serial: serial.to_owned(),
        confidence_permille: 815,
        attempt: 2,
        attempts_allowed: 3,
        opened_at: at(10),
        ..Capture::default()
    }
}

fn sample(attempt: u32, origin: &str, key: &str, photo: &[u8]) -> Sample {
    Sample {
        capture_id: FIRST.to_owned(),
        attempt,
        photo: Some(StoredPhoto {
            document_id: "d".to_owned(),
            container: "assets".to_owned(),
            key: key.to_owned(),
            sha256: hex::encode(Sha256::digest(photo)),
            media_type: "image/jpeg".to_owned(),
            bytes: photo.len() as u64,
        }),
        serial: "AC-7F3K-20911".to_owned(),
        origin: origin.to_owned(),
        read: "AC-7F3K-2O911".to_owned(),
        confidence_permille: 815,
        engine: "embedded".to_owned(),
        label: "S/N".to_owned(),
        flaws: vec!["glare".to_owned()],
        read_at: at(20),
    }
}

/// A store of a folder, with this photograph under this key.
fn store(folder: &Path, key: &str, photo: &[u8]) {
    let file = folder.join("assets").join(key);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, photo).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_are_listed_for_one_tenant_as_they_were_asked_for() {
    let captures = vec![capture("PorConfirmar", "AC-7F3K-2O911"), capture("Ilegible", "")];
    let has = Has {
        captures,
        ..Has::default()
    };
    let (ocr, fleet) = fleet(has).await;
    let ran = fleet.run(&["ocr", "list"]).await;
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("--tenant"), "{}", ran.err);
    let arguments = [
        "ocr",
        "list",
        "--tenant",
        "algesta",
        "--state",
        "PorConfirmar",
        "--serial",
        "ac7f",
    ];
    let ran = fleet.run(&arguments).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.contains("AC-7F3K-2O911") && ran.out.contains("81.5 %") && ran.out.contains("2/3"),
        "{}",
        ran.out
    );
    let asked = ocr.asked().pop().unwrap();
    assert!(
        asked.contains(r#"states: ["PorConfirmar"]"#) && asked.contains(r#"serial: "ac7f""#),
        "{asked}"
    );
    let ran = fleet
        .run(&["ocr", "list", "--tenant", "algesta", "--json", "--limit", "1"])
        .await;
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["capture_id"], FIRST);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_often_readings_were_right_is_told_with_its_rate() {
    let row = |group: &str, name: &str, judged, exact| AccuracyRow {
        group: group.to_owned(),
        name: name.to_owned(),
        judged,
        exact,
    };
    let accuracy = vec![row("all", "", 240, 221), row("engine", "embedded", 3, 1)];
    let has = Has {
        accuracy,
        ..Has::default()
    };
    let (ocr, fleet) = fleet(has).await;
    let ran = fleet
        .run(&["ocr", "accuracy", "--tenant", "algesta", "--days", "90"])
        .await;
    assert!(
        ran.code == 0 && ran.out.contains("92.0 %") && ran.out.contains("33.3 %"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(ocr.asked().pop().unwrap().contains("days: 90"));
    let (_ocr, fleet) = self::fleet(Has::default()).await;
    let ran = fleet.run(&["ocr", "accuracy", "--tenant", "algesta"]).await;
    assert_eq!(
        (ran.code, ran.out.trim()),
        (0, "nobody judged a reading in these days")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_labelled_set_becomes_a_folder_that_an_evaluation_reads() {
    let (first, second) = ("t/algesta/2026/11/a.jpg", "t/algesta/2026/11/b.jpg");
    let samples = vec![
        sample(1, "corrected", first, PHOTO),
        sample(2, "read", second, PHOTO),
        sample(3, "manual", second, PHOTO),
    ];
    let has = Has {
        samples,
        ..Has::default()
    };
    let (_ocr, fleet) = fleet(has).await;
    let here = tempfile::tempdir().unwrap();
    let files = here.path().join("store");
    store(&files, first, PHOTO);
    store(&files, second, PHOTO);
    let fleet = fleet.with("PUENTE_OCR__STORAGE__FOLDER", files.display().to_string());
    let folder = here.path().join("plates");
    let arguments = ["ocr", "export", folder.to_str().unwrap(), "--tenant", "algesta"];
    let ran = fleet.run(&arguments).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["n"], 2, "what the program said of itself is left out");
    let plate = &manifest["plates"][0];
    let expected = json!({
        "file": format!("{FIRST}-1.jpg"), "serial": "AC-7F3K-20911", "label": "S/N", "origin": "corrected",
        "read": "AC-7F3K-2O911", "confidence": 0.815, "engine": "embedded", "flaws": ["glare"], "capture": FIRST,
        "attempt": 1, "sha256": hex::encode(Sha256::digest(PHOTO)),
    });
    assert_eq!(plate, &expected);
    let file = folder.join(plate["file"].as_str().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), PHOTO);
    let again = fleet.run(&arguments).await;
    assert_eq!(again.code, 2, "nothing is overwritten: {}", again.out);
    let all = here.path().join("all");
    let ran = fleet
        .run(&[
            "ocr",
            "export",
            all.to_str().unwrap(),
            "--tenant",
            "algesta",
            "--unjudged",
            "--json",
        ])
        .await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["photographs"], &told["missing"]), (&json!(3), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_that_is_gone_altered_or_of_another_tenant_is_not_exported_and_that_is_told() {
    let samples = vec![
        sample(1, "corrected", "t/algesta/2026/11/gone.jpg", PHOTO),
        sample(2, "corrected", "t/algesta/2026/11/altered.jpg", PHOTO),
        sample(3, "corrected", "t/norte/2026/11/theirs.jpg", PHOTO),
        sample(4, "corrected", "t/algesta/2026/11/good.jpg", PHOTO),
    ];
    let has = Has {
        samples,
        ..Has::default()
    };
    let (_ocr, fleet) = fleet(has).await;
    let here = tempfile::tempdir().unwrap();
    let files = here.path().join("store");
    store(&files, "t/algesta/2026/11/altered.jpg", b"another");
    store(&files, "t/norte/2026/11/theirs.jpg", PHOTO);
    store(&files, "t/algesta/2026/11/good.jpg", PHOTO);
    let fleet = fleet.with("PUENTE_OCR__STORAGE__FOLDER", files.display().to_string());
    let folder = here.path().join("plates");
    let ran = fleet
        .run(&["ocr", "export", folder.to_str().unwrap(), "--tenant", "algesta"])
        .await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("3 photographs are not in the store"),
        "{}",
        ran.err
    );
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["plates"].as_array().unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}
