//! A photograph of a serial plate, sent in the chat, becomes an asset with its record sheet.

use puente_e2e::{InProcess, PATIENCE, Person, Plates, Processes, Stage, plate};
use puente_providers::sim::{Fault, FaultKind, ReadLine};
use puente_testkit::wait_for;
use sha2::{Digest as _, Sha256};

fn of_algesta(fleet: &InProcess) -> Plates {
    Plates::of("algesta", &fleet.grpc_url("ocr"), &fleet.grpc_url("orders"))
}

/// The bytes of a stored document.
fn stored(stage: &Stage, container: &str, key: &str) -> Vec<u8> {
    std::fs::read(stage.files.path().join(container).join(key)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plate_photograph_in_the_chat_becomes_a_record_sheet_and_the_person_is_told() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let plates = Plates::of("norte", &fleet.grpc_url("ocr"), &fleet.grpc_url("orders"));
    let (photo, serial) = plate();
    let person = Person::of_norte(1);
    person.say(&stage, &fleet.url(0), "leer placa", 0).await;
    person.wait_for_answers(&stage, 1).await;
    // The provider delivers it twice.
    person.show(&stage, &fleet.url(0), &photo, "", 1).await;
    // The serial with its confidence, and the number of the sheet.
    person.wait_for_answers(&stage, 3).await;
    let capture = plates.until(&["Leido"]).await;
    assert_eq!(
        (capture.serial.as_str(), capture.origin.as_str(), capture.attempt),
        (serial.as_str(), "read", 1)
    );
    assert!(
        capture.confidence_permille >= 900,
        "{}",
        capture.confidence_permille
    );
    let asset = plates.asset(&serial).await;
    let said = stage.journal_of(person.provider, &person.phone);
    let said: Vec<&str> = said.iter().map(|entry| entry.text.as_str()).collect();
    assert!(
        said.iter()
            .any(|text| text.contains(&serial) && text.contains('%')),
        "{said:?}"
    );
    assert!(said.iter().any(|text| text.contains(&asset.number)), "{said:?}");
    assert!(!capture.trace_id.is_empty());
    assert_eq!(
        asset.trace_id, capture.trace_id,
        "one trace from the photograph to the sheet"
    );

    let documents = plates.documents(&asset.asset_id).await;
    let kept = documents
        .iter()
        .find(|one| one.kind == "photo")
        .expect("a photograph");
    let bytes = stored(&stage, &kept.container, &kept.key);
    assert_eq!(bytes, photo, "it is kept as it was sent");
    assert_eq!(kept.sha256, hex::encode(Sha256::digest(&photo)));
    let sheet = documents.iter().find(|one| one.kind == "sheet").expect("a sheet");
    assert_eq!(
        (sheet.container.as_str(), sheet.document_id.as_str()),
        ("reports", asset.sheet_document_id.as_str())
    );
    assert!(stored(&stage, "reports", &sheet.key).starts_with(b"%PDF-"));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_plate_seen_again_is_the_same_asset() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 2).await;
    let plates = Plates::of("norte", &fleet.grpc_url("ocr"), &fleet.grpc_url("orders"));
    let (photo, serial) = plate();
    let people: Vec<Person> = (1..=3).map(Person::of_norte).collect();
    let at_once = people.iter().map(|person| async {
        person.show(&stage, &fleet.url(0), &photo, "placa", 0).await;
        person.wait_for_answers(&stage, 2).await;
    });
    futures::future::join_all(at_once).await;
    let asset = plates.asset(&serial).await;
    let assets = stage.count("SELECT count(*) FROM orders.assets").await;
    assert_eq!(
        (assets, asset.version),
        (1, 3),
        "registered once, and seen twice more"
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_leaves_the_photograph_to_the_next_one() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let plates = of_algesta(&fleet);
    let (photo, serial) = plate();
    stage.hub.teach_default(
        "azure_vision",
        vec![ReadLine::new("S/N"), ReadLine::new("AZ12345678")],
    );
    stage
        .hub
        .teach_default("google_vision", vec![ReadLine::new("S/N GK98765432")]);
    let down = || Fault {
        kind: FaultKind::Status {
            status: 503,
            body: None,
        },
        count: None,
        probability: 1.0,
    };
    // What an engine has read in a picture is remembered: each photograph is another one.
    let mut read = Vec::new();
    for (n, broken) in [None, Some("azure_vision"), Some("google_vision")]
        .into_iter()
        .enumerate()
    {
        if let Some(broken) = broken {
            stage.hub.fault(broken, down());
        }
        let photo = [photo.as_slice(), &vec![0; n]].concat();
        let person = Person::on_cloud(n + 1);
        person.show(&stage, &fleet.url(0), &photo, "placa", 0).await;
        let capture = wait_for("a reading", PATIENCE, || async {
            let captures = plates.captures().await;
            let one = captures.get(n).filter(|one| !one.serial.is_empty());
            one.cloned().ok_or("not read")
        });
        read.push(capture.await);
    }
    let serials: Vec<&str> = read.iter().map(|one| one.serial.as_str()).collect();
    assert_eq!(serials, ["AZ12345678", "GK98765432", serial.as_str()]);
    let embedded = &read[2];
    let attempts = plates.capture(&embedded.capture_id).await.attempts;
    let troubles: Vec<&str> = attempts[0]
        .troubles
        .iter()
        .map(|one| one.engine.as_str())
        .collect();
    assert_eq!(
        troubles,
        ["azure_vision", "google_vision"],
        "it is shown who did not answer"
    );
    assert_eq!(attempts[0].engine, "embedded");
    fleet.stop().await;
}

/// When the reader is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Its turn was taken up, and the photograph is not here yet.
    Fetching,
    /// The photograph is kept, and nothing is said about what stands on it.
    Stored,
    /// What was read is recorded.
    Recorded,
}

impl Moment {
    /// Waits until the attempt has come so far.
    async fn comes(self, stage: &Stage, attempt: i32) {
        let admin = stage.db.admin();
        wait_for("the moment of the attempt", PATIENCE, || async {
            let found: Option<(String, bool)> = sqlx::query_as(
                "SELECT a.state, a.key IS NOT NULL FROM ocr.attempts a JOIN ocr.plate_captures c ON c.id = a.capture_id
                 WHERE a.attempt = $1",
            )
            .bind(attempt)
            .fetch_optional(&admin)
            .await
            .unwrap();
            let (state, kept) = found.ok_or("not taken up")?;
            let come = match self {
                Self::Fetching => {
                    assert!(!kept, "the file is on its way for a minute");
                    true
                }
                Self::Stored => kept,
                Self::Recorded => !matches!(state.as_str(), "fetching" | "reading"),
            };
            if come { Ok(()) } else { Err(state) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_photograph_the_attempts_are_counted_once_and_all_photographs_are_kept() {
    let stage = Stage::raise(false).await;
    let mut fleet = Processes::start(&stage, None).await;
    let plates = Plates::of("norte", &fleet.grpc_url("ocr"), &fleet.grpc_url("orders"));
    let person = Person::of_norte(1);
    person.say(&stage, &fleet.url(), "placa", 0).await;
    person.wait_for_answers(&stage, 1).await;
    let photos: [&[u8]; 3] = [
        include_bytes!("photos/grey-1.jpg"),
        include_bytes!("photos/grey-2.jpg"),
        include_bytes!("photos/grey-3.jpg"),
    ];
    for (n, photo) in photos.iter().enumerate() {
        let at = [Moment::Fetching, Moment::Stored, Moment::Recorded][n];
        if at == Moment::Fetching {
            // The provider keeps the file back until who asked for it is dead, so that it is still being fetched then.
            let slow = FaultKind::Latency { ms: 60_000 };
            stage.hub.fault(person.provider, slow.times(1));
        }
        person.show(&stage, &fleet.url(), photo, "", 0).await;
        at.comes(&stage, i32::try_from(n + 1).unwrap()).await;
        fleet.kill9(&stage, "ocr").await;
        // If it died before it asked, the next one's question is not kept back.
        stage.hub.clear_faults(person.provider);
        wait_for("the attempt", PATIENCE, || async {
            let captures = plates.captures().await;
            let one = captures.first().ok_or("no capture")?;
            let wanted = u32::try_from(n + 1).unwrap();
            if one.attempt == wanted && one.state != "Leyendo" {
                Ok(())
            } else {
                Err(format!("{} {}", one.attempt, one.state))
            }
        })
        .await;
    }
    let capture = plates.until(&["Ilegible"]).await;
    assert_eq!((capture.attempt, capture.attempts_allowed), (3, 3));
    let attempts = plates.capture(&capture.capture_id).await.attempts;
    let kept: Vec<Vec<u8>> = attempts
        .iter()
        .map(|attempt| attempt.photo.as_ref().expect("a kept photograph"))
        .map(|photo| stored(&stage, &photo.container, &photo.key))
        .collect();
    assert_eq!(kept, photos, "whatever became of their reading");
    person.say(&stage, &fleet.url(), "abc-123456", 0).await;
    let written = plates.until(&["EscritoAMano"]).await;
    assert_eq!(
        (written.serial.as_str(), written.origin.as_str()),
        ("ABC-123456", "manual")
    );
    let asset = plates.asset("ABC123456").await;
    wait_for("the person to be told", PATIENCE, || async {
        let told = person.told(&stage);
        if told.contains(&asset.number) || told.contains("ABC-123456") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    fleet.stop().await;
}
