//! Sending to signature, its state, and what people do to it.

use puente_gateway::domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::PDF;
use crate::office::{ORDER, REQUEST};
use crate::support::Stage;

#[tokio::test]
async fn an_order_goes_to_signature_once_by_one_request_however_often_it_is_sent() {
    let (stage, office) = Stage::with_office().await;
    office.orders("CotizacionAprobada");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let send = || {
        let request = stage.ask(Method::POST, "/api/orders/OT-000042/send-to-signature");
        request.bearer_auth(&key).header("idempotency-key", "k1").send()
    };
    let first = send().await.unwrap();
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["request_id"], REQUEST);
    assert_eq!(first["command_id"], REQUEST);
    assert_eq!(first["order"]["state"], "EnFirma");
    let again = send().await.unwrap();
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(office.done(), ["send_to_signature "]);
    let trail = stage.trail().await;
    let rows: Vec<_> = trail
        .iter()
        .map(|(action, _, object, _)| (action.as_str(), object.as_str()))
        .collect();
    assert_eq!(rows, [("order.sent_to_signature", ORDER)]);
}

#[tokio::test]
async fn before_approval_sending_is_refused_with_the_reason_and_the_trail_says_that_it_failed() {
    let (stage, office) = Stage::with_office().await;
    office.orders("CotizacionEnviada");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let answer = stage
        .post(
            &format!("/api/orders/{ORDER}/send-to-signature"),
            &key,
            &json!({}),
        )
        .await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], "urn:puente:problem:refused");
    assert!(
        problem["detail"].as_str().unwrap().contains("not approved"),
        "{problem}"
    );
    let trail = stage.trail().await;
    assert_eq!(trail.len(), 2, "{trail:?}");
    assert!(trail[1].3.as_ref().unwrap()["failed"].is_string(), "{trail:?}");
    assert!(office.done().is_empty());
}

#[tokio::test]
async fn parties_may_be_corrected_for_one_sending_each_role_once_and_their_data_is_not_in_the_trail() {
    let (stage, office) = Stage::with_office().await;
    office.orders("CotizacionAprobada");
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let path = format!("/api/orders/{ORDER}/send-to-signature");
    let twice = json!({ "parties": [{ "role": "client" }, { "role": "client" }] });
    let refused = stage.post(&path, &key, &twice).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = json!({ "parties": [{ "role": "client", "email": "otra@example.com" }] });
    let sent = stage.post(&path, &key, &body).await;
    assert_eq!(sent.status(), StatusCode::ACCEPTED);
    assert_eq!(office.done(), ["send_to_signature otra@example.com"]);
    let trail = format!("{:?}", stage.trail().await);
    assert!(!trail.contains("otra@example.com"), "{trail}");
}

#[tokio::test]
async fn the_state_tells_colour_and_each_signer_under_both_names_and_masks_their_addresses() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let agent = stage.key(Some("algesta"), Role::Agent).await;
    let viewer = stage.key(Some("algesta"), Role::Viewer).await;
    for name in ["signature-status", "signature-Estado"] {
        let path = format!("/api/orders/OT-000042/{name}");
        let told: Value = stage.get(&path, &agent).await.json().await.unwrap();
        assert_eq!(
            (&told["state"], &told["colour"]),
            (&json!("EnProceso"), &json!("blue"))
        );
        assert_eq!(told["label"], "En proceso");
        assert!(told["changed_at"].is_string(), "{told}");
        let signers = told["signers"].as_array().unwrap();
        let states: Vec<_> = signers.iter().map(|one| one["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["signed", "delivered", "sent"]);
        assert_eq!(signers[0]["name"], "Ana Torres");
        assert_eq!(signers[0]["email"], "a•••@•••.com");
        let masked: Value = stage.get(&path, &viewer).await.json().await.unwrap();
        assert_eq!(masked["signers"][0]["name"], "A••• T•••");
    }
    let one: Value = stage
        .get(&format!("/api/signatures/{REQUEST}"), &agent)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(one["number"], "OT-000042");
    let list: Value = stage
        .get("/api/signatures?states=Firmado&order=OT-000042", &agent)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(list["signatures"], json!([]));
}

#[tokio::test]
async fn an_order_that_was_never_sent_has_no_state_and_a_foreign_request_does_not_exist() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    let ours = stage.key(Some("algesta"), Role::Admin).await;
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let answer = stage.get("/api/orders/OT-000042/signature-status", &ours).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    office.signature(|_| ());
    for path in [
        format!("/api/signatures/{REQUEST}"),
        format!("/api/orders/{ORDER}/signature-status"),
    ] {
        assert_eq!(
            stage.get(&path, &theirs).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for act in ["resend", "check", "manual", "retry"] {
        let path = format!("/api/signatures/{REQUEST}/{act}");
        let answer = stage.post(&path, &theirs, &json!({})).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{act}");
    }
    let scan = stage
        .upload(
            &format!("/api/signatures/{REQUEST}/scan"),
            &theirs,
            "s1",
            &[],
            PDF,
        )
        .await;
    assert_eq!(scan.status(), StatusCode::NOT_FOUND);
    assert!(office.done().is_empty(), "nothing was done to what is not theirs");
}

#[tokio::test]
async fn people_ask_again_check_and_call_back_and_each_leaves_its_row_before() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let path = |act: &str| format!("/api/signatures/{REQUEST}/{act}");
    let resent = stage.post(&path("resend"), &key, &json!({})).await;
    assert_eq!(resent.status(), StatusCode::OK);
    let checked = stage.post(&path("check"), &key, &json!({})).await;
    assert_eq!(checked.status(), StatusCode::OK);
    let soon = stage.post(&path("check"), &key, &json!({})).await;
    assert_eq!(soon.status(), StatusCode::CONFLICT);
    assert!(soon.text().await.unwrap().contains("again after"), "it says when");
    let bare = stage.post(&path("void"), &key, &json!({ "reason": "  " })).await;
    assert_eq!(bare.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let void = stage
        .post(&path("void"), &key, &json!({ "reason": "El cliente cambió" }))
        .await;
    let void: Value = void.json().await.unwrap();
    assert_eq!(void["state"], "Anulado");
    let nobody = stage.post(&path("told"), &key, &json!({ "role": "" })).await;
    assert_eq!(nobody.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let told = stage.post(&path("told"), &key, &json!({ "role": "agent" })).await;
    assert_eq!(told.status(), StatusCode::OK);
    assert_eq!(
        office.done(),
        ["resend", "check", "void El cliente cambió", "told agent"]
    );
    let actions: Vec<_> = stage.trail().await.into_iter().map(|row| row.0).collect();
    assert_eq!(
        actions,
        [
            "signature.resent",
            "signature.checked",
            "signature.checked",
            "signature.checked",
            "signature.voided",
            "signature.told"
        ],
        "the refused check has a row that says so"
    );
}

#[tokio::test]
async fn by_hand_the_scan_is_stored_and_the_request_is_signed_and_all_of_it_is_audited() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let scan = format!("/api/signatures/{REQUEST}/scan");
    let early = stage.upload(&scan, &key, "s0", &[], PDF).await;
    assert_eq!(
        early.status(),
        StatusCode::CONFLICT,
        "the manual way was not taken"
    );
    let kept = std::fs::read_dir(stage.files.path().join("contracts"))
        .unwrap()
        .count();
    let manual = format!("/api/signatures/{REQUEST}/manual");
    let taken: Value = stage.post(&manual, &key, &json!({})).await.json().await.unwrap();
    assert_eq!(
        (&taken["step"], &taken["manual"]),
        (&json!("manual"), &json!(true))
    );
    let no_pdf = stage
        .upload(&scan, &key, "s1", &[], b"<html>contrato firmado</html>")
        .await;
    assert_eq!(no_pdf.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let signed = stage.upload(&scan, &key, "s2", &[], PDF).await;
    assert_eq!(signed.status(), StatusCode::OK);
    let signed: Value = signed.json().await.unwrap();
    assert_eq!(
        (&signed["state"], &signed["manual"]),
        (&json!("Firmado"), &json!(true))
    );
    assert!(kept <= 1, "what was refused was not kept");
    let trail = stage.trail().await;
    let scanned: Vec<_> = trail.iter().filter(|row| row.0 == "signature.scanned").collect();
    let after = scanned.last().unwrap().3.as_ref().unwrap();
    assert_eq!(after["container"], "contracts");
    assert!(
        after["key"].as_str().unwrap().starts_with("t/algesta/2026/11/"),
        "{after}"
    );
    assert_eq!(after["sha256"].as_str().unwrap().len(), 64);
    let signed_id = signed["signed_id"].as_str().unwrap();
    let link = stage
        .post(&format!("/api/documents/{signed_id}/link"), &key, &json!({}))
        .await;
    assert_eq!(link.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_price_goes_with_the_quotation_and_what_is_no_price_is_refused() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnCotizacion");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let path = format!("/api/orders/{ORDER}/transitions");
    let price = json!({ "amount_minor": 128_400_000, "currency": "COP", "valid_until": "2026-12-31" });
    let body = json!({ "transition": "send_quotation", "quotation": price });
    assert_eq!(stage.post(&path, &key, &body).await.status(), StatusCode::OK);
    assert_eq!(office.done(), ["move send_quotation 128400000 COP"]);
    for bad in [
        json!({ "amount_minor": 0, "currency": "COP" }),
        json!({ "amount_minor": 5, "currency": "pesos" }),
        json!({ "amount_minor": 5, "currency": "COP", "valid_until": "mañana" }),
    ] {
        let body = json!({ "transition": "send_quotation", "quotation": bad });
        let answer = stage.post(&path, &key, &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn a_summary_is_made_of_what_orders_know_with_states_as_people_read_them() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let made = stage
        .post("/api/orders/OT-000042/summary", &key, &json!({}))
        .await;
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["document_id"].as_str().unwrap().len(), 36);
    assert_eq!(office.done(), ["summary OT-000042 En firma [\"Nueva\"]"]);
}
