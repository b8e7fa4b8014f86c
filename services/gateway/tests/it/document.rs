//! The document about the interface: it is served, and it says what there is.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::Stage;

/// The interface's document.
pub(crate) async fn document(stage: &Stage) -> Value {
    let answer = stage.ask(Method::GET, "/api/openapi.json").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// Every operation: method, path with made-up parameters, the right it names, whether it is a write.
pub(crate) async fn operations(stage: &Stage) -> Vec<(Method, String, Option<String>, Value)> {
    let document = document(stage).await;
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let right = operation["description"].as_str().and_then(|text| {
                Some(
                    text.strip_prefix("Needs the right ")?
                        .trim_end_matches('.')
                        .to_owned(),
                )
            });
            let id = "019469d2-0000-7000-8000-000000000001";
            let filled: Vec<&str> = path
                .split('/')
                .map(|part| match part {
                    "{service}" => "orders",
                    "{consumer}" => "orders",
                    _ if part.starts_with('{') => id,
                    _ => part,
                })
                .collect();
            all.push((method, filled.join("/"), right, operation.clone()));
        }
    }
    all
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere_and_every_answer_has_a_schema() {
    let stage = Stage::set().await;
    let document = document(&stage).await;
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    let mut references = 0;
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
        references += 1;
    }
    assert!(references > 100, "{references}");
    let order = &schemas["puente.orders.v1.OrderSummary"]["properties"]["number"];
    assert!(
        order["description"].as_str().unwrap().contains("OT-000042"),
        "{order}"
    );
    assert!(operations(&stage).await.len() >= 40);
}

#[tokio::test]
async fn operation_ids_are_unique_and_writes_ask_for_an_idempotency_key() {
    let stage = Stage::set().await;
    let operations = operations(&stage).await;
    let mut ids: Vec<String> = operations
        .iter()
        .map(|(_, _, _, operation)| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let keyed = operations.iter().filter(|(_, _, _, operation)| {
        let parameters = operation["parameters"].as_array().unwrap();
        parameters.iter().any(|one| one["name"] == "Idempotency-Key")
    });
    assert!(keyed.count() >= 12);
}

#[tokio::test]
async fn the_catalogue_and_the_descriptors_are_served() {
    let stage = Stage::set().await;
    let key = stage
        .key(Some("algesta"), puente_gateway::domain::Role::Viewer)
        .await;
    let catalogue: Value = stage
        .get("/api/events/catalogue", &key)
        .await
        .json()
        .await
        .unwrap();
    let names = catalogue["events"].to_string();
    assert!(names.contains("puente.v1.*.orders.order.opened"), "{names}");
    let bytes = stage
        .get("/api/events/descriptors.binpb", &key)
        .await
        .bytes()
        .await
        .unwrap();
    assert_eq!(&bytes[..], puente_proto::DESCRIPTORS);
}
