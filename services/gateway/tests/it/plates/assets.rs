//! What programs ask of equipment, and change.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::office::{ASSET, CAPTURE};
use crate::support::Stage;

async fn patch(stage: &Stage, which: &str, key: &str, once: &str, body: &Value) -> Response {
    let request = stage.ask(Method::PATCH, &format!("/api/assets/{which}"));
    let request = request.bearer_auth(key).header("idempotency-key", once);
    request.json(body).send().await.unwrap()
}

#[tokio::test]
async fn an_asset_is_found_by_id_number_and_serial_by_its_own_tenant_alone() {
    let (stage, office) = Stage::with_office().await;
    office.asset();
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Viewer).await;
    for which in [ASSET, "HV-000042", "hv-000042"] {
        let found: Value = stage
            .get(&format!("/api/assets/{which}"), &key)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(found["asset"]["serial"], "AC-7F3K-20911", "{which}");
        assert_eq!(found["history"][0]["capture_id"], CAPTURE);
    }
    for (query, count) in [
        ("", 1),
        ("?search=ac7f3k", 1),
        ("?search=HV-000042", 1),
        ("?search=zz", 0),
        ("?order=OT-000042", 1),
    ] {
        let list: Value = stage
            .get(&format!("/api/assets{query}"), &key)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(list["assets"].as_array().unwrap().len(), count, "{query}");
    }
    let long = format!("/api/assets?search={}", "x".repeat(41));
    assert_eq!(stage.get(&long, &key).await.status(), StatusCode::BAD_REQUEST);
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let foreign = stage.get("/api/assets/HV-000042", &theirs).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
    let list: Value = stage.get("/api/assets", &theirs).await.json().await.unwrap();
    assert_eq!(list["assets"], json!([]));
    let finance = stage.key(Some("algesta"), Role::Finance).await;
    assert_eq!(
        stage.get("/api/assets", &finance).await.status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn what_is_known_is_changed_once_by_those_who_may_and_the_values_are_not_in_the_trail() {
    let (stage, office) = Stage::with_office().await;
    office.asset();
    let key = stage.key(Some("algesta"), Role::Technician).await;
    let body = json!({ "data": { "location": "Sede Norte, piso 2", "brand": "" }, "version": 3 });
    let done = patch(&stage, "HV-000042", &key, "c1", &body).await;
    assert_eq!(done.status(), StatusCode::OK);
    let done: Value = done.json().await.unwrap();
    assert_eq!(done["asset"]["data"], json!({ "location": "Sede Norte, piso 2" }));
    let again = patch(&stage, "HV-000042", &key, "c1", &body).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let late = patch(&stage, "HV-000042", &key, "c2", &body).await;
    assert_eq!(late.status(), StatusCode::CONFLICT, "it is at another version");
    assert_eq!(office.done(), ["update_asset"]);
    let trail = format!("{:?}", stage.trail().await);
    assert!(
        trail.contains("asset.changed") && trail.contains("location"),
        "{trail}"
    );
    assert!(!trail.contains("Sede Norte"), "{trail}");
    for (bad, status) in [
        (json!({ "data": {} }), 422),
        (json!({ "data": { "Marca": "x" } }), 422),
        (json!({ "data": { "brand": "x".repeat(201) } }), 422),
        (json!({ "data": { "brand": "x" }, "version": -1 }), 422),
        (json!({ "data": { "brand": 1 } }), 422),
    ] {
        let answer = patch(&stage, ASSET, &key, &bad.to_string().len().to_string(), &bad).await;
        assert_eq!(answer.status().as_u16(), status, "{bad}");
    }
    for role in [Role::Viewer, Role::Operator, Role::Finance] {
        let key = stage.key(Some("algesta"), role).await;
        let answer = patch(&stage, ASSET, &key, "c9", &body).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{role}");
    }
}

#[tokio::test]
async fn the_search_leads_from_a_serial_or_a_number_to_asset_and_capture_by_right() {
    let (stage, office) = Stage::with_office().await;
    office.asset();
    office.capture("PorConfirmar");
    let kinds = async |role: Role, q: &str| {
        let key = stage.key(Some("algesta"), role).await;
        let found: Value = stage
            .get(&format!("/api/search?q={q}"), &key)
            .await
            .json()
            .await
            .unwrap();
        let hits = found["found"].as_array().unwrap().clone();
        let mut kinds: Vec<_> = hits
            .iter()
            .map(|hit| hit["kind"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(Role::Agent, "HV-000042").await, ["asset"]);
    assert_eq!(kinds(Role::Agent, "AC-7F3K-20911").await, ["asset"]);
    assert_eq!(kinds(Role::Agent, "AC-7F3K-2O911").await, ["capture"]);
    assert_eq!(kinds(Role::Agent, CAPTURE).await, ["capture"]);
    assert_eq!(kinds(Role::Viewer, CAPTURE).await, [""; 0]);
    assert_eq!(kinds(Role::Finance, "AC-7F3K-20911").await, [""; 0]);
}
