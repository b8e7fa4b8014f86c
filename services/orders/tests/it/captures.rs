//! Captures of serial plates: fed by a conversation, ended by ocr, and what comes of them.

use puente_bus::Envelope;
use puente_proto::Event as _;
use puente_proto::messaging::{Media, MessageKind, MessageReceived};
use puente_proto::ocr::{CaptureContact, CaptureStateChanged, StoredPhoto};
use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{AssetChanged, AssetRegistered, CaptureContinued, Person};
use puente_service::Runtime;
use puente_testkit::wait_for;
use puente_types::EventId;
use uuid::Uuid;

use crate::asking::{Asking, person, served};
use crate::support::{LAURA, PATIENCE, PEDRO, Stage, envelope, message};

/// A message with a photograph.
pub(crate) fn photo(sequence: i64, caption: &str) -> MessageReceived {
    MessageReceived {
        kind: MessageKind::Image.into(),
        media: Some(Media {
            provider_media_id: format!("media-{sequence}"),
            mime_type: "image/jpeg".into(),
            ..Media::default()
        }),
        ..message("acme", LAURA, sequence, caption)
    }
}

/// A capture that ended with this serial, without contact and photographs.
pub(crate) fn end(serial: &str) -> CaptureStateChanged {
    CaptureStateChanged {
        capture_id: Uuid::now_v7().to_string(),
        before: "Leyendo".into(),
        after: "Leido".into(),
        attempt: 1,
        attempts_allowed: 3,
        serial: serial.into(),
        confidence_permille: 957,
        origin: "read".into(),
        engine: "embedded".into(),
        facts: [("brand".to_owned(), "Frío".to_owned())].into(),
        ..CaptureStateChanged::default()
    }
}

fn contact() -> Option<CaptureContact> {
    Some(CaptureContact {
        provider: "wuzapi".into(),
        connection: "acme-chat".into(),
        contact_id: LAURA.trim_start_matches('+').into(),
        phone: LAURA.into(),
    })
}

/// A photograph as ocr stores it.
fn stored(name: &str, digit: char) -> StoredPhoto {
    StoredPhoto {
        document_id: Uuid::now_v7().to_string(),
        container: "assets".into(),
        key: format!("t/acme/2026/11/{name}.jpg"),
        sha256: digit.to_string().repeat(64),
        media_type: "image/jpeg".into(),
        bytes: 1_000,
    }
}

impl Stage {
    /// Tells what a capture came to, as ocr would.
    pub(crate) async fn ends(&self, told: &CaptureStateChanged) -> EventId {
        let id = EventId::new();
        let event = Envelope {
            aggregate_version: Some(2),
            ..envelope(id, "acme", &told.capture_id, told)
        };
        self.send(&event).await;
        self.handled(id).await;
        id
    }

    pub(crate) async fn handled(&self, id: EventId) {
        wait_for("the event to be handled", PATIENCE, async || {
            let seen: i64 = sqlx::query_scalar(
                "SELECT (SELECT count(*) FROM inbox WHERE event_id = $1)
                      + (SELECT count(*) FROM dead_letters WHERE event_id = $1)",
            )
            .bind(id.uuid())
            .fetch_one(&self.pool)
            .await
            .map_err(|error| error.to_string())?;
            if seen > 0 {
                Ok(())
            } else {
                Err("not yet".to_owned())
            }
        })
        .await;
    }

    async fn sends(&self, message: &MessageReceived) {
        let event = self.publish("acme", message).await;
        self.worked(event).await;
    }

    async fn turns(&self) -> Vec<(Option<i64>, CaptureContinued)> {
        let told = self.told().await;
        told.iter()
            .filter(|event| event.name == CaptureContinued::TYPE.name)
            .map(|event| (event.version, event.read()))
            .collect()
    }

    async fn facts(&self) -> Vec<(i64, String)> {
        sqlx::query_as("SELECT version, fact FROM asset_history ORDER BY asset_id, version")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plate_in_the_chat_becomes_an_asset_and_the_conversation_goes_on() {
    let stage = Stage::set().await;
    stage.say("acme", LAURA, 1, "registrar equipo").await;
    assert_eq!(stage.replies().await, ["plate_photo"]);
    assert_eq!(stage.turns().await, [], "ocr hears of the first photograph");
    stage.sends(&photo(2, "")).await;
    stage.say("acme", LAURA, 3, "¿la ve bien?").await;

    let turns = stage.turns().await;
    let [(Some(1), first), (Some(2), second)] = &turns[..] else {
        panic!("{turns:?}")
    };
    let media = first.media.as_ref().unwrap();
    assert_eq!((media.provider_media_id.as_str(), first.turn), ("media-2", 1));
    let to = first.contact.as_ref().unwrap();
    assert_eq!(
        (to.connection.as_str(), to.phone.as_str(), to.client_id.as_str()),
        ("acme-chat", LAURA, "")
    );
    assert_eq!((second.text.as_str(), second.ended), ("¿la ve bien?", false));
    assert_eq!(first.capture_id, second.capture_id);
    assert_eq!(Uuid::parse_str(&first.capture_id).unwrap().get_version_num(), 7);

    let told = CaptureStateChanged {
        capture_id: first.capture_id.clone(),
        photos: vec![stored("first", 'a'), stored("first", 'a'), stored("second", 'b')],
        contact: contact(),
        turn: 2,
        ..end("SN-4471")
    };
    let event = stage.ends(&told).await;
    let events = stage.told().await;
    let registered = events
        .iter()
        .find(|event| event.name == AssetRegistered::TYPE.name)
        .unwrap();
    assert_eq!(
        (registered.version, registered.cause.clone()),
        (Some(1), Some(event.to_string()))
    );
    let registered: AssetRegistered = registered.read();
    assert_eq!(
        (
            registered.number.as_str(),
            registered.serial.as_str(),
            registered.confidence_permille
        ),
        ("HV-000001", "SN-4471", 957)
    );
    let request = stage.requests().await.pop().unwrap();
    assert_eq!(request.template, "asset_registered");
    assert_eq!(request.recipient.unwrap().phone, LAURA);
    assert_eq!(request.variables["confidence"], " (95 %)");
    let photos: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT container, key, file_name FROM documents WHERE about_kind = 'asset' AND about_id = $1 AND kind = 'photo'
         ORDER BY id",
    )
    .bind(&registered.asset_id)
    .fetch_all(&stage.pool)
    .await
    .unwrap();
    assert_eq!(photos.len(), 2, "one photograph is one document: {photos:?}");
    assert_eq!(photos[0].1, "t/acme/2026/11/first.jpg");

    stage.say("acme", LAURA, 4, "hola").await;
    assert_eq!(stage.replies().await.last().unwrap(), "bot_greeting_new");
    assert_eq!(stage.turns().await.len(), 2, "the capture hears no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_captures_of_one_serial_at_once_make_one_asset() {
    const CAPTURES: usize = 32;
    let stage = Stage::set().await;
    let second = Runtime::new("orders");
    stage.replica(&second).await;
    let spellings = ["SN-4471", "sn 4471", "SN4471", "Sn.4471"];
    let mut events = Vec::new();
    for at in 0..CAPTURES {
        let told = end(spellings[at % spellings.len()]);
        let id = EventId::new();
        let event = envelope(id, "acme", &told.capture_id, &told);
        events.push((id, event));
    }
    futures::future::join_all(events.iter().map(|(_, event)| stage.send(event))).await;
    for (id, _) in &events {
        stage.handled(*id).await;
    }
    let assets: Vec<(i64, i64)> = sqlx::query_as("SELECT number, version FROM assets")
        .fetch_all(&stage.pool)
        .await
        .unwrap();
    assert_eq!(assets, [(1, 32)]);
    let facts = stage.facts().await;
    let versions: Vec<i64> = facts.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=32).collect::<Vec<_>>(), "gapless");
    assert!(facts[0].1 == "registered" && facts[1..].iter().all(|(_, fact)| fact == "seen"));
    let told = stage.told().await;
    let count = |name: &str| told.iter().filter(|event| event.name == name).count();
    assert_eq!(
        (count(AssetRegistered::TYPE.name), count(AssetChanged::TYPE.name)),
        (1, 31)
    );
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
    second.drain(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn different_serials_at_once_get_numbers_without_a_gap() {
    let stage = Stage::set().await;
    let second = Runtime::new("orders");
    stage.replica(&second).await;
    let mut ids = Vec::new();
    for at in 0..16 {
        let told = end(&format!("EQ-{at:04}"));
        let id = EventId::new();
        stage.send(&envelope(id, "acme", &told.capture_id, &told)).await;
        ids.push(id);
    }
    for id in ids {
        stage.handled(id).await;
    }
    let numbers: Vec<i64> = sqlx::query_scalar("SELECT number FROM assets ORDER BY number")
        .fetch_all(&stage.pool)
        .await
        .unwrap();
    assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
    second.drain(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_told_again_changes_nothing() {
    let stage = Stage::set().await;
    let told = CaptureStateChanged {
        contact: contact(),
        photos: vec![stored("one", 'c')],
        ..end("SN-1")
    };
    stage.ends(&told).await;
    stage.ends(&told).await;
    assert_eq!(stage.facts().await, [(1, "registered".to_owned())]);
    assert_eq!(stage.replies().await, ["asset_registered"]);
    let open = CaptureStateChanged {
        after: "PorConfirmar".into(),
        ..end("SN-2")
    };
    stage.ends(&open).await;
    let given_up = CaptureStateChanged {
        after: "Abandonado".into(),
        ..end("SN-2")
    };
    stage.ends(&given_up).await;
    assert_eq!(
        stage.count("SELECT count(*) FROM assets").await,
        1,
        "only a serial at an end counts"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plate_that_is_not_the_assets_own_is_noted_and_changes_nothing() {
    let stage = Stage::set().await;
    stage.ends(&end("SN-1")).await;
    let asset: Uuid = sqlx::query_scalar("SELECT id FROM assets")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    let again = |serial: &str| CaptureStateChanged {
        asset_id: asset.to_string(),
        contact: contact(),
        photos: vec![stored("again", 'd')],
        facts: [("model".to_owned(), "X1".to_owned())].into(),
        ..end(serial)
    };
    stage.ends(&again("SN-2")).await;
    assert_eq!(
        stage.facts().await,
        [(1, "registered".to_owned()), (2, "mismatch".to_owned())]
    );
    let request = stage.requests().await.pop().unwrap();
    assert_eq!(
        (request.template.as_str(), request.variables["serial"].as_str()),
        ("asset_mismatch", "SN-2")
    );
    assert!(
        !request.variables.contains_key("confidence"),
        "the text has no place for it"
    );
    let (serial, model): (String, Option<String>) =
        sqlx::query_as("SELECT serial, read->>'model' FROM assets")
            .fetch_one(&stage.pool)
            .await
            .unwrap();
    assert_eq!((serial.as_str(), model), ("SN-1", None));
    assert_eq!(
        stage.count("SELECT count(*) FROM documents").await,
        0,
        "it is no photograph of this asset"
    );

    stage.ends(&again("sn1")).await;
    assert_eq!(stage.requests().await.pop().unwrap().template, "asset_seen");
    assert_eq!(stage.count("SELECT count(*) FROM documents").await, 1);
    let unknown = CaptureStateChanged {
        asset_id: Uuid::now_v7().to_string(),
        ..end("SN-9")
    };
    stage.ends(&unknown).await;
    let reason: String = sqlx::query_scalar("SELECT reason FROM dead_letters")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(reason, "the tenant has no asset of this id");
}

#[tokio::test(flavor = "multi_thread")]
async fn equipment_of_an_order_stands_in_its_journal_with_its_photograph() {
    let stage = served().await;
    let number = stage.with_order("acme", LAURA).await;
    let mut message = photo(20, &format!("placa {number}"));
    message.provider_message_id = "plate".into();
    stage.sends(&message).await;
    let (_, turn) = stage.turns().await.pop().unwrap();
    assert!(!turn.order_id.is_empty() && !turn.contact.unwrap().client_id.is_empty());
    let told = CaptureStateChanged {
        capture_id: turn.capture_id,
        order_id: turn.order_id.clone(),
        photos: vec![stored("of-order", 'e')],
        ..end("SN-7")
    };
    let event = stage.ends(&told).await;
    let acme = Asking::of(&stage, "acme").await;
    let order = acme.get(Some(Key::OrderId(turn.order_id.clone()))).await.unwrap();
    assert_eq!(
        (order.state.as_str(), order.version),
        ("Nueva", 1),
        "the order stands where it stood"
    );
    let note = acme.journal(&turn.order_id).await.pop().unwrap();
    assert_eq!(
        (note.fact.as_str(), note.reason.as_str()),
        ("noted", "HV-000001 · serial SN-7")
    );
    assert_eq!(note.event_id, event.to_string());
    let photo: Uuid = sqlx::query_scalar("SELECT id FROM documents")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(note.document_id, photo.to_string());
    // An order that the tenant does not have links to nothing.
    let strange = CaptureStateChanged {
        order_id: Uuid::now_v7().to_string(),
        ..end("SN-8")
    };
    stage.ends(&strange).await;
    assert_eq!(
        stage
            .count("SELECT count(*) FROM assets WHERE order_id IS NULL")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_capture_did_not_hear_any_more_is_answered_by_the_bot_and_once() {
    let stage = Stage::set().await;
    stage.sends(&photo(1, "placa")).await;
    stage.say("acme", LAURA, 2, "quiero registrarme").await;
    let turns = stage.turns().await;
    assert_eq!((turns.len(), stage.replies().await.len()), (2, 0));
    let told = CaptureStateChanged {
        capture_id: turns[0].1.capture_id.clone(),
        turn: 1,
        ..end("SN-1")
    };
    stage.ends(&told).await;
    wait_for("the message to be answered", PATIENCE, async || {
        let replies = stage.replies().await;
        if replies == ["registration_name"] {
            Ok(())
        } else {
            Err(replies)
        }
    })
    .await;
    // The same end, told by another event, gives nothing back again.
    stage.ends(&told).await;
    stage.say("acme", LAURA, 3, "Laura Gómez").await;
    assert_eq!(stage.replies().await, ["registration_name", "registration_email"]);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM conversation_messages WHERE payload IS NOT NULL")
            .await,
        0,
        "no words are kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_leaves_a_capture_is_not_answered_for_what_was_said_to_it() {
    let stage = Stage::set().await;
    stage.sends(&photo(1, "placa")).await;
    stage.say("acme", LAURA, 2, "quiero registrarme").await;
    stage.say("acme", LAURA, 3, "cancelar").await;
    let turns = stage.turns().await;
    let last = &turns.last().unwrap().1;
    assert!(last.ended && last.text.is_empty() && last.media.is_none());
    let told = CaptureStateChanged {
        capture_id: last.capture_id.clone(),
        turn: 1,
        ..end("SN-1")
    };
    stage.ends(&told).await;
    stage.say("acme", LAURA, 4, "menú").await;
    assert_eq!(stage.replies().await, ["bot_cancelled", "bot_menu"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_the_directory_brings_equipment_to_any_order_and_a_stranger_to_none() {
    let stage = served().await;
    let number = stage.with_order("acme", LAURA).await;
    let acme = Asking::of(&stage, "acme").await;
    let technician = Person {
        phone: PEDRO.into(),
        ..person("tec-1", "agent", "Pedro")
    };
    acme.puts(Person {
        active: false,
        ..technician.clone()
    })
    .await
    .unwrap();
    let wish = format!("placa {number}");
    stage.say("acme", PEDRO, 1, &wish).await;
    let unknown = stage.requests().await.pop().unwrap();
    assert_eq!(
        (unknown.template.as_str(), unknown.variables["number"].as_str()),
        ("asset_order_unknown", number.to_string().as_str()),
        "one who is no longer active is a stranger"
    );
    acme.puts(technician).await.unwrap();
    let plate = MessageReceived {
        kind: MessageKind::Image.into(),
        media: photo(2, "").media,
        ..message("acme", PEDRO, 2, &wish)
    };
    stage.sends(&plate).await;
    let (_, turn) = stage.turns().await.pop().unwrap();
    let order: Uuid = sqlx::query_scalar("SELECT id FROM orders")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!((turn.turn, turn.order_id), (1, order.to_string()));
    // The same words in another tenant mean nothing there.
    stage.say("other", PEDRO, 1, &wish).await;
    assert_eq!(stage.replies().await.last().unwrap(), "asset_order_unknown");
}
