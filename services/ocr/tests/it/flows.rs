//! From a photograph in a conversation to a serial, by every way.

use puente_proto::messaging::Media;
use puente_proto::notifications::MessageRequested;
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::orders::CaptureContinued;
use tonic::Code;

use crate::support::{Eyes, Reply, Stage, TRACE, new_id, photo_turn, turn_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_that_is_read_surely_ends_in_its_serial() {
    let stage = Stage::set().await;
    let id = new_id();
    stage.photo(&id, 1).await;
    let seen = stage.state(&id, "Leido").await;
    assert_eq!(
        (seen.serial.as_str(), seen.origin.as_str(), seen.engine.as_str()),
        ("ABC123456", "read", "eye_a")
    );
    assert_eq!(stage.states(&id).await, ["Leyendo", "Leido"]);
    let message = stage.told::<MessageRequested>(&id).await.remove(0);
    assert_eq!(message.template, "plate_read");
    assert_eq!(message.variables["serial"], "ABC123456");
    assert!(message.variables["confidence"].ends_with(" %"));
    assert_eq!(message.recipient.unwrap().contact_id, "573001234567");
    let end = stage.told::<CaptureStateChanged>(&id).await.remove(1);
    assert!(end.confidence_permille >= 900 && end.by.is_empty() && end.turn == 1);
    assert_eq!(end.facts["model"], "MX500");
    let photo = &end.photos[0];
    assert_eq!(
        (photo.container.as_str(), photo.media_type.as_str()),
        ("assets", "image/png")
    );
    assert!(photo.key.starts_with("t/acme/") && !photo.document_id.is_empty());
    assert_eq!(
        stage
            .count("SELECT count(*) FROM documents WHERE about_kind = 'capture' AND kind = 'photo'")
            .await,
        1
    );
    let traces: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT split_part(traceparent, '-', 2) FROM outbox WHERE type NOT LIKE '%DocumentStored'",
    )
    .fetch_all(&stage.pool)
    .await
    .unwrap();
    assert_eq!(traces, [TRACE], "one trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_threshold_a_person_decides() {
    let stage = Stage::set().await;
    for (answer, state, origin, serial, by) in [
        ("sí, gracias", "Leido", "confirmed", "ABC123456", "contact"),
        ("no, es ABC123457", "Leido", "corrected", "ABC123457", "contact"),
        ("ilegible", "Generado", "generated", "SN-G-000001", "contact"),
    ] {
        let id = new_id();
        Eyes::will("eye_a", &[Reply::Serial("ABC123456", 0.4)]);
        stage.photo(&id, 1).await;
        stage.state(&id, "PorConfirmar").await;
        stage.words(&id, 2, answer).await;
        let seen = stage.state(&id, state).await;
        assert_eq!(
            (
                seen.serial.as_str(),
                seen.origin.as_str(),
                seen.decided_by.as_str()
            ),
            (serial, origin, by),
            "{answer}"
        );
        assert_eq!(stage.said(&id).await[0], "plate_confirm");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_photographs_that_say_nothing_end_in_a_serial_that_is_written() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Nothing, Reply::Nothing, Reply::Nothing]);
    stage.photo(&id, 1).await;
    stage.state(&id, "OtraFoto").await;
    stage.photo(&id, 2).await;
    stage
        .becomes(&id, |seen| seen.state == "OtraFoto" && seen.attempt == 2)
        .await;
    stage.photo(&id, 3).await;
    stage.state(&id, "Ilegible").await;
    stage.photo(&id, 4).await;
    stage.worked(&id, 4).await;
    stage.words(&id, 5, "El serial es xk-9921").await;
    let seen = stage.state(&id, "EscritoAMano").await;
    assert_eq!(
        (seen.serial.as_str(), seen.origin.as_str(), seen.attempt),
        ("XK-9921", "manual", 3)
    );
    let messages = stage.told::<MessageRequested>(&id).await;
    assert!(messages[0].template.starts_with("plate_retry"), "a hint");
    let counted: Vec<_> = messages[..2]
        .iter()
        .map(|message| {
            format!(
                "{}/{}",
                message.variables["attempt"], message.variables["allowed"]
            )
        })
        .collect();
    assert_eq!(counted, ["1/3", "2/3"]);
    let said: Vec<_> = messages[2..]
        .iter()
        .map(|message| message.template.as_str())
        .collect();
    assert_eq!(said, ["plate_illegible", "plate_no_more_photos", "plate_written"]);
    assert_eq!(
        stage.states(&id).await,
        [
            "Leyendo",
            "OtraFoto",
            "Leyendo",
            "OtraFoto",
            "Leyendo",
            "Ilegible",
            "EscritoAMano"
        ]
    );
    let end = stage.told::<CaptureStateChanged>(&id).await.pop().unwrap();
    assert_eq!(end.photos.len(), 3, "all photographs are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_reading_is_followed_by_another_photograph() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Serial("ABC123450", 0.4)]);
    stage.photo(&id, 1).await;
    stage.state(&id, "PorConfirmar").await;
    stage.words(&id, 2, "no").await;
    stage.state(&id, "OtraFoto").await;
    stage.photo(&id, 3).await;
    let seen = stage.state(&id, "Leido").await;
    assert_eq!((seen.serial.as_str(), seen.attempt), ("ABC123456", 2));
    assert_eq!(
        stage.said(&id).await,
        ["plate_confirm", "plate_denied", "plate_read"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_ids_differ_and_each_tenant_counts_its_own() {
    let stage = Stage::set().await;
    let (one, two, other) = (new_id(), new_id(), new_id());
    stage.words(&one, 1, "ilegible").await;
    assert_eq!(stage.state(&one, "Generado").await.serial, "SN-G-000001");
    stage.words(&two, 1, "no se lee").await;
    assert_eq!(stage.state(&two, "Generado").await.serial, "SN-G-000002");
    let continued = CaptureContinued {
        choice: "ilegible".to_owned(),
        ..turn_of(&other, 1)
    };
    stage.publish("other", &continued).await;
    assert_eq!(stage.state(&other, "Generado").await.serial, "SN-G-000001");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_photograph_is_answered_and_words_are_understood() {
    let stage = Stage::set().await;
    let id = new_id();
    let voice = CaptureContinued {
        media: Some(Media {
            provider_media_id: "voice".to_owned(),
            mime_type: "audio/ogg".to_owned(),
            ..Media::default()
        }),
        ..turn_of(&id, 1)
    };
    stage.publish("acme", &voice).await;
    assert_eq!(stage.state(&id, "OtraFoto").await.attempt, 0);
    // Something that calls itself a picture, and is none.
    stage.media.has("text", bytes::Bytes::from_static(b"hello"));
    let fake = CaptureContinued {
        media: Some(Media {
            provider_media_id: "text".to_owned(),
            mime_type: "image/jpeg".to_owned(),
            ..Media::default()
        }),
        ..turn_of(&id, 2)
    };
    stage.publish("acme", &fake).await;
    stage
        .becomes(&id, |seen| seen.state == "OtraFoto" && seen.attempt == 1)
        .await;
    assert_eq!(stage.attempts(&id).await[0].state, "unusable");
    // A PNG by its first bytes alone: it is kept, and cannot be opened.
    stage
        .media
        .has("broken", bytes::Bytes::from_static(b"\x89PNG\r\n\x1a\nbroken"));
    let broken = CaptureContinued {
        media: Some(Media {
            provider_media_id: "broken".to_owned(),
            mime_type: "image/png".to_owned(),
            ..Media::default()
        }),
        ..turn_of(&id, 3)
    };
    stage.publish("acme", &broken).await;
    stage
        .becomes(&id, |seen| seen.state == "OtraFoto" && seen.attempt == 2)
        .await;
    let attempt = stage.attempts(&id).await.remove(1);
    assert_eq!(attempt.state, "unusable");
    assert!(attempt.key.is_some(), "kept, although it cannot be read");
    assert_eq!(
        stage.said(&id).await,
        ["plate_send_photo", "plate_unusable", "plate_unusable"]
    );
    assert!(Eyes::asked("eye_a").is_empty(), "no engine was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_told_and_one_that_cannot_be_fetched_now_is_tried_again() {
    let stage = Stage::set().await;
    let gone = new_id();
    let continued = CaptureContinued {
        media: Some(Media {
            provider_media_id: "unheard of".to_owned(),
            mime_type: "image/png".to_owned(),
            ..Media::default()
        }),
        ..turn_of(&gone, 1)
    };
    stage.publish("acme", &continued).await;
    stage.state(&gone, "OtraFoto").await;
    assert!(stage.attempts(&gone).await[0].troubles.contains("media_gone"));

    let away = new_id();
    stage.media.fails(Some(Code::Unavailable));
    stage.publish("acme", &photo_turn(&stage.media, &away, 1)).await;
    puente_testkit::wait_for("a fetch that fails", crate::support::PATIENCE, async || {
        stage.media.asked().len() >= 3
    })
    .await;
    stage.media.fails(None);
    let seen = stage
        .becomes(&away, |seen| seen.state == "Leido" || seen.state == "OtraFoto")
        .await;
    assert_eq!(seen.attempt, 1, "tried again, and counted once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_turns_to_something_else_ends_the_capture_in_silence() {
    let stage = Stage::set().await;
    let id = new_id();
    Eyes::will("eye_a", &[Reply::Nothing]);
    stage.photo(&id, 1).await;
    stage.state(&id, "OtraFoto").await;
    let ended = CaptureContinued {
        ended: true,
        ..turn_of(&id, 2)
    };
    stage.publish("acme", &ended).await;
    stage.state(&id, "Abandonado").await;
    assert_eq!(stage.said(&id).await.len(), 1, "orders says the rest");
    assert_eq!(
        stage.count("SELECT count(*) FROM turns WHERE said <> '{}'").await,
        0,
        "words are forgotten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_nobody_goes_on_with_is_given_up_and_told() {
    let stage = Stage::set().await;
    let (quiet, busy) = (new_id(), new_id());
    Eyes::will("eye_a", &[Reply::Nothing, Reply::Nothing]);
    stage.photo(&quiet, 1).await;
    stage.state(&quiet, "OtraFoto").await;
    stage.photo(&busy, 1).await;
    stage.state(&busy, "OtraFoto").await;
    sqlx::query("UPDATE plate_captures SET touched_at = now() - interval '21 hours' WHERE id::text = $1")
        .bind(&quiet)
        .execute(&stage.pool)
        .await
        .unwrap();
    stage.state(&quiet, "Abandonado").await;
    assert_eq!(stage.said(&quiet).await.last().unwrap(), "plate_abandoned");
    assert_eq!(stage.seen(&busy).await.unwrap().state, "OtraFoto");
}
