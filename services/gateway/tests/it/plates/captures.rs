//! What programs ask of captures, and decide about them.

use puente_gateway::domain::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::office::{CAPTURE, capture};
use crate::support::Stage;

#[tokio::test]
async fn captures_are_listed_by_state_and_serial_and_shown_with_their_attempts() {
    let (stage, office) = Stage::with_office().await;
    office.capture("PorConfirmar");
    office
        .tables()
        .captures
        .push(("norte".to_owned(), capture("Leido"), Vec::new()));
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let of = |query: &'static str| {
        let (stage, key) = (&stage, &key);
        async move {
            let list = stage.get(&format!("/api/captures{query}"), key).await;
            assert_eq!(list.status(), StatusCode::OK, "{query}");
            let list: Value = list.json().await.unwrap();
            list["captures"].as_array().unwrap().len()
        }
    };
    assert_eq!(of("").await, 1);
    assert_eq!(of("?states=PorConfirmar,Ilegible&oldest_first=true").await, 1);
    assert_eq!(of("?states=Leido").await, 0, "that one is another tenant's");
    assert_eq!(of("?serial=ac7f3k2o911").await, 1);
    let one: Value = stage
        .get(&format!("/api/captures/{CAPTURE}"), &key)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(one["capture"]["state"], "PorConfirmar");
    let attempt = &one["attempts"][0];
    assert_eq!(attempt["candidates"][0]["characters_permille"][9], 520);
    assert_eq!(attempt["troubles"][0]["code"], "unavailable");
    for nothing in [
        "/api/captures/nada",
        "/api/captures/019469d2-0000-7000-8000-0000000000ff",
    ] {
        assert_eq!(stage.get(nothing, &key).await.status(), StatusCode::NOT_FOUND);
    }
    let order = stage.get("/api/captures?order=OT-000042", &key).await;
    assert_eq!(order.status(), StatusCode::NOT_FOUND, "there is no such order");
}

#[tokio::test]
async fn each_decision_is_written_down_before_it_is_made_and_made_once() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Technician).await;
    for (act, body, told, action, state) in [
        (
            "confirm",
            json!({ "version": 3 }),
            "confirm",
            "capture.confirmed",
            "Leido",
        ),
        (
            "serial",
            json!({ "serial": " ac-7f3k-20911 " }),
            "write AC-7F3K-20911",
            "capture.serial_written",
            "EscritoAMano",
        ),
        (
            "ask-photo",
            json!({ "flaw": "glare" }),
            "ask photo glare",
            "capture.photo_asked",
            "OtraFoto",
        ),
        ("generate", json!({}), "generate", "capture.generated", "Generado"),
    ] {
        office.capture("PorConfirmar");
        let path = format!("/api/captures/{CAPTURE}/{act}");
        let done = stage.post(&path, &key, &body).await;
        assert_eq!(done.status(), StatusCode::OK, "{act}");
        let done: Value = done.json().await.unwrap();
        assert_eq!(done["capture"]["state"], state);
        assert_eq!(office.done().last().unwrap(), told);
        let trail = stage.trail().await;
        assert_eq!(trail.last().unwrap().0, action);
        assert_eq!(trail.last().unwrap().2, CAPTURE);
    }
    let again = stage
        .post(&format!("/api/captures/{CAPTURE}/confirm"), &key, &json!({}))
        .await;
    assert_eq!(again.status(), StatusCode::CONFLICT, "it has come to its end");
    assert_eq!(office.done().len(), 4);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_field_and_nothing_is_done() {
    let (stage, office) = Stage::with_office().await;
    office.capture("PorConfirmar");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    for (act, body, status) in [
        ("serial", json!({ "serial": "SIN CIFRA" }), 422),
        ("serial", json!({ "serial": "A1" }), 422),
        ("serial", json!({ "serial": "x".repeat(41) + "1" }), 422),
        ("serial", json!({}), 422),
        ("ask-photo", json!({ "flaw": "ugly" }), 422),
        ("confirm", json!({ "version": -1 }), 422),
        ("confirm", json!({ "version": 2 }), 409),
        ("generate", json!({ "why": "x" }), 422),
    ] {
        let path = format!("/api/captures/{CAPTURE}/{act}");
        let answer = stage.post(&path, &key, &body).await;
        assert_eq!(answer.status().as_u16(), status, "{act} {body}");
    }
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let path = format!("/api/captures/{CAPTURE}/confirm");
    let foreign = stage.post(&path, &theirs, &json!({})).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
    assert!(office.done().is_empty());
}

#[tokio::test]
async fn the_labelled_set_and_the_accuracy_are_told_to_whoever_reviews_or_runs_it() {
    let (stage, _office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Operator).await;
    let count = |query: &'static str| {
        let (stage, key) = (&stage, &key);
        async move {
            let set = stage.get(&format!("/api/captures/samples{query}"), key).await;
            let set: Value = set.json().await.unwrap();
            set["samples"].as_array().unwrap().len()
        }
    };
    assert_eq!((count("").await, count("?mistaken_only=true").await), (2, 1));
    let rates: Value = stage
        .get("/api/captures/accuracy?days=90", &key)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(rates["rows"][0]["exact"], 221);
    let bad = stage.get("/api/captures/accuracy?days=0", &key).await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    for role in [Role::Viewer, Role::Finance] {
        let key = stage.key(Some("algesta"), role).await;
        for path in ["/api/captures", "/api/captures/samples", "/api/captures/accuracy"] {
            assert_eq!(
                stage.get(path, &key).await.status(),
                StatusCode::FORBIDDEN,
                "{role} {path}"
            );
        }
    }
}
