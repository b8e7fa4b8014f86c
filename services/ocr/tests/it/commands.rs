//! What people do from outside of a conversation.

use puente_proto::notifications::MessageRequested;
use puente_proto::ocr::{
    AskPhotoRequest, CaptureStateChanged, ConfirmSerialRequest, GenerateSerialRequest, WriteSerialRequest,
};
use tonic::Code;

use crate::support::{Asking, Eyes, Reply, Stage, new_id};

#[tokio::test(flavor = "multi_thread")]
async fn a_photograph_that_is_brought_is_read_within_the_wait() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let wish = ask.wish(&stage, "one").await;
    let answer = ask.recognize(wish.clone()).await.unwrap();
    let capture = answer.capture.unwrap();
    assert_eq!(
        (
            capture.state.as_str(),
            capture.serial.as_str(),
            capture.channel.as_str()
        ),
        ("Leido", "ABC123456", "api")
    );
    let attempt = answer.attempt.unwrap();
    assert_eq!((attempt.attempt, attempt.state.as_str()), (1, "read"));
    assert_eq!(attempt.candidates[0].serial, "ABC123456");
    assert_eq!(attempt.candidates[0].characters_permille.len(), 9);
    assert!(attempt.lines.iter().any(|line| line.text.contains("MX500")));
    // Once per key.
    let again = ask.recognize(wish.clone()).await.unwrap();
    assert_eq!(again.capture.unwrap().capture_id, capture.capture_id);
    assert_eq!(stage.count("SELECT count(*) FROM attempts").await, 1);
    let other = puente_proto::ocr::RecognizeSerialRequest {
        order_id: new_id(),
        ..wish
    };
    let refused = ask.recognize(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    // Nobody is told: there is no conversation.
    assert!(
        stage
            .told::<MessageRequested>(&capture.capture_id)
            .await
            .is_empty()
    );
    let end = stage
        .told::<CaptureStateChanged>(&capture.capture_id)
        .await
        .pop()
        .unwrap();
    assert_eq!(end.contact, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_of_the_tenant_is_refused() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let good = ask.wish(&stage, "one").await;
    for (change, code) in [
        ("key", Code::InvalidArgument),
        ("foreign", Code::InvalidArgument),
        ("container", Code::InvalidArgument),
        ("sha256", Code::FailedPrecondition),
        ("missing", Code::FailedPrecondition),
        ("capture", Code::NotFound),
        ("idempotency", Code::InvalidArgument),
    ] {
        let mut wish = good.clone();
        wish.idempotency_key = new_id();
        let photo = wish.photo.as_mut().unwrap();
        match change {
            "key" => "../x".clone_into(&mut photo.key),
            "foreign" => photo.key = photo.key.replace("t/acme/", "t/other/"),
            "container" => "contracts".clone_into(&mut photo.container),
            "sha256" => photo.sha256 = "0".repeat(64),
            "missing" => photo.key = photo.key.replace(".png", ".jpg"),
            "capture" => wish.capture_id = new_id(),
            _ => wish.idempotency_key.clear(),
        }
        assert_eq!(ask.recognize(wish).await.unwrap_err().code(), code, "{change}");
    }
    assert_eq!(stage.count("SELECT count(*) FROM plate_captures").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_confirms_corrects_generates_or_asks_for_another_photograph() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = new_id();
        Eyes::will("eye_a", &[Reply::Serial("ABC123456", 0.4)]);
        stage.photo(&id, 1).await;
        stage.state(&id, "PorConfirmar").await;
        ids.push(id);
    }
    let shown = ask.capture(&ids[0]).await;
    assert_eq!(
        (shown.label.as_str(), shown.tone.as_str()),
        ("Por confirmar", "warn")
    );
    assert_eq!(
        shown.actions,
        ["confirm", "write", "ask_photo", "generate", "recognize"]
    );
    let mut commands = ask.commands.clone();
    let confirm = ConfirmSerialRequest {
        capture_id: ids[0].clone(),
        version: shown.version,
        idempotency_key: new_id(),
    };
    let stale = ConfirmSerialRequest {
        version: 1,
        idempotency_key: new_id(),
        ..confirm.clone()
    };
    let refused = commands.confirm_serial(ask.signed(stale)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    for _ in 0..2 {
        let done = commands
            .confirm_serial(ask.signed(confirm.clone()))
            .await
            .unwrap();
        let capture = done.into_inner().capture.unwrap();
        assert_eq!(
            (
                capture.state.as_str(),
                capture.origin.as_str(),
                capture.by.as_str()
            ),
            ("Leido", "confirmed", "user-7")
        );
        assert!(capture.actions.is_empty());
    }
    assert_eq!(
        stage.said(&ids[0]).await,
        ["plate_confirm", "plate_written"],
        "told once"
    );

    let write = WriteSerialRequest {
        capture_id: ids[1].clone(),
        version: 0,
        serial: " abc-123457 ".to_owned(),
        idempotency_key: new_id(),
    };
    let wrong = WriteSerialRequest {
        serial: "no digits".to_owned(),
        ..write.clone()
    };
    let refused = commands.write_serial(ask.signed(wrong)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let done = commands.write_serial(ask.signed(write)).await.unwrap();
    let capture = done.into_inner().capture.unwrap();
    assert_eq!(
        (capture.serial.as_str(), capture.origin.as_str()),
        ("ABC-123457", "corrected")
    );

    let generate = GenerateSerialRequest {
        capture_id: ids[2].clone(),
        version: 0,
        idempotency_key: new_id(),
    };
    let done = commands.generate_serial(ask.signed(generate)).await.unwrap();
    assert_eq!(done.into_inner().capture.unwrap().serial, "SN-G-000001");

    let photo = AskPhotoRequest {
        capture_id: ids[3].clone(),
        version: 0,
        flaw: "glare".to_owned(),
        idempotency_key: new_id(),
    };
    let done = commands.ask_photo(ask.signed(photo)).await.unwrap();
    assert_eq!(done.into_inner().capture.unwrap().state, "OtraFoto");
    assert_eq!(stage.said(&ids[3]).await.last().unwrap(), "plate_retry_glare");
    stage.photo(&ids[3], 2).await;
    assert_eq!(stage.state(&ids[3], "Leido").await.attempt, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_of_a_capture_are_bounded_for_commands_too() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    Eyes::will("eye_a", &[Reply::Nothing, Reply::Nothing, Reply::Nothing]);
    let mut wish = ask.wish(&stage, "0").await;
    for attempt in 1..=3 {
        let answer = ask.recognize(wish.clone()).await.unwrap();
        assert_eq!(answer.attempt.unwrap().attempt, attempt);
        let capture = answer.capture.unwrap();
        assert_eq!(capture.state, if attempt < 3 { "OtraFoto" } else { "Ilegible" });
        wish = ask.wish(&stage, &attempt.to_string()).await;
        wish.capture_id = capture.capture_id;
    }
    let refused = ask.recognize(wish).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("Ilegible"));
}
