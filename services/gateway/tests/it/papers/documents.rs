//! Documents: what is brought, what is listed, who reaches what.

use puente_gateway::domain::Role;
use puente_proto::documents::Document;
use puente_proto::timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::PDF;
use crate::office::{ORDER, OTHER};
use crate::support::{NOW, Stage, form};

const KIND: &[(&str, &str)] = &[("kind", "report")];

#[tokio::test]
async fn a_file_is_stored_recorded_and_audited_and_the_same_request_again_stores_nothing_more() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let path = format!("/api/orders/{ORDER}/documents");
    let first = stage.upload(&path, &key, "d1", KIND, PDF).await;
    assert_eq!(first.status(), StatusCode::OK);
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["container"], "reports");
    assert_eq!(first["media_type"], "application/pdf");
    assert_eq!(first["bytes"], PDF.len());
    assert_eq!(first["file_name"], "informe de Ana.pdf");
    let again = stage.upload(&path, &key, "d1", KIND, PDF).await;
    assert_eq!(
        again.headers()["idempotency-replayed"],
        "true",
        "its boundary is another, what it says is the same"
    );
    let other = stage
        .upload(&path, &key, "d1", KIND, &[PDF, b"\n"].concat())
        .await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(office.done(), ["record_document"]);
    let trail = stage.trail().await;
    assert_eq!(trail.len(), 1);
    assert_eq!(
        (trail[0].0.as_str(), trail[0].2.as_str()),
        ("document.brought", ORDER)
    );
    assert!(
        !format!("{trail:?}").contains("Ana"),
        "names of files are not in the trail"
    );
    let stored = stage
        .files
        .path()
        .join("reports")
        .join(first["key"].as_str().unwrap());
    assert_eq!(std::fs::read(stored).unwrap(), PDF);
}

#[tokio::test]
async fn what_a_file_is_is_told_by_its_content_and_too_much_is_refused_clearly() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let path = format!("/api/orders/{ORDER}/documents");
    for bad in [
        b"<html><script>alert(1)</script></html>".as_slice(),
        b"MZ\x90\0\x03\0\0\0",
        &PDF[..PDF.len() - 6],
    ] {
        let answer = stage.upload(&path, &key, "d1", KIND, bad).await;
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let problem: Value = answer.json().await.unwrap();
        assert!(
            problem["detail"].as_str().unwrap().contains("PDF, JPEG, PNG"),
            "{problem}"
        );
        let trail = stage.trail().await;
        assert!(trail.is_empty(), "nothing was begun: {trail:?}");
        sqlx::query("DELETE FROM request_answers")
            .execute(&stage.pool)
            .await
            .unwrap();
    }
    let mut huge = PDF.to_vec();
    huge.resize(25 * 1024 * 1024 + 1, b' ');
    let answer = stage.upload(&path, &key, "d2", KIND, &huge).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().await.unwrap().contains("25 MiB"));
    huge.resize(26 * 1024 * 1024, b' ');
    let (kind, body) = form(KIND, &huge);
    let request = stage.ask(Method::POST, &path).bearer_auth(&key);
    let request = request
        .header("idempotency-key", "d3")
        .header("content-type", kind);
    if let Ok(answer) = request.body(body).send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    for (texts, file, what) in [
        (
            &[("kind", "contract")][..],
            PDF,
            "what services make is not brought",
        ),
        (&[("kind", "report"), ("expires_on", "pronto")], PDF, "no date"),
    ] {
        let answer = stage.upload(&path, &key, what, texts, file).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
    }
    let unknown = stage
        .upload(&path, &key, "d6", &[("kind", "report"), ("other", "x")], PDF)
        .await;
    assert_eq!(unknown.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(office.done().is_empty());
}

#[tokio::test]
async fn a_file_that_its_owner_refuses_is_not_kept() {
    let (stage, office) = Stage::with_office().await;
    office.orders("Cerrada");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let texts = [("kind", "photo"), ("note", "rechazar")];
    let answer = stage
        .upload("/api/orders/OT-000042/documents", &key, "d1", &texts, PDF)
        .await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let mut folders = vec![stage.files.path().join("orders")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
            }
        }
    }
    assert_eq!(files, 0);
}

fn document(id: u8, kind: &str, container: &str) -> Document {
    Document {
        document_id: format!("019469d2-0000-7000-8000-0000000000{id:02x}"),
        about_kind: "order".to_owned(),
        about_id: ORDER.to_owned(),
        kind: kind.to_owned(),
        container: container.to_owned(),
        key: format!("t/algesta/2026/11/{id}.pdf"),
        file_name: "RUT de Ana Torres.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes: 10,
        sha256: "a".repeat(64),
        stored_at: Some(timestamp(NOW + time::Duration::minutes(id.into()))),
        ..Document::default()
    }
}

#[tokio::test]
async fn documents_of_both_services_are_one_list_as_far_as_the_role_reaches() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    {
        let mut tables = office.tables();
        let ours = || "algesta".to_owned();
        tables.documents = vec![
            ("orders", ours(), document(1, "photo", "orders")),
            ("signature", ours(), document(2, "contract", "contracts")),
            ("orders", ours(), document(3, "report", "reports")),
            ("signature", ours(), document(4, "signed", "contracts")),
            ("orders", "norte".to_owned(), document(5, "photo", "orders")),
        ];
    }
    let expected: [(Role, &[&str]); 6] = [
        (Role::Admin, &["signed", "report", "contract", "photo"]),
        (Role::Agent, &["signed", "report", "contract", "photo"]),
        (Role::Technician, &[]),
        (Role::Finance, &["signed", "report", "contract", "photo"]),
        (Role::Operator, &["signed", "report", "contract", "photo"]),
        (Role::Viewer, &["signed", "report", "contract", "photo"]),
    ];
    for (role, kinds) in expected {
        let key = stage.key(Some("algesta"), role).await;
        let path = "/api/documents?about_kind=order&about_id=OT-000042";
        let answer = stage.get(path, &key).await;
        if role == Role::Technician {
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "the order is not theirs");
            assert_eq!(
                stage.get("/api/documents", &key).await.status(),
                StatusCode::BAD_REQUEST
            );
            continue;
        }
        let found: Value = answer.json().await.unwrap();
        let found = found["documents"].as_array().unwrap();
        let seen: Vec<_> = found.iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(seen, kinds, "{role}");
        let name = found[0]["file_name"].as_str().unwrap();
        let masked = !matches!(role, Role::Admin | Role::Agent);
        assert_eq!(name == "•••.pdf", masked, "{role}: {name}");
        assert_eq!(found[0]["service"], "signature");
    }
}

#[tokio::test]
async fn a_technician_reaches_reports_and_photos_of_their_own_orders_and_no_contract() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Technician).await;
    let me: Value = stage.get("/api/me", &key).await.json().await.unwrap();
    {
        let mut tables = office.tables();
        tables.orders[0].1.service_provider = me["subject"]
            .as_str()
            .unwrap()
            .trim_start_matches("key:")
            .to_owned();
        let ours = || "algesta".to_owned();
        tables.documents = vec![
            ("signature", ours(), document(2, "contract", "contracts")),
            ("orders", ours(), document(3, "report", "reports")),
        ];
    }
    assert!(!office.tables().orders[0].1.service_provider.is_empty(), "{me}");
    let path = "/api/documents?about_kind=order&about_id=OT-000042";
    let found: Value = stage.get(path, &key).await.json().await.unwrap();
    assert_eq!(found["documents"].as_array().unwrap().len(), 1, "{found}");
    for every in ["about_kind=order", "about_kind=order&about_id=", ""] {
        let answer = stage.get(&format!("/api/documents?{every}"), &key).await;
        assert_eq!(
            answer.status(),
            StatusCode::BAD_REQUEST,
            "not those of every order: {every}"
        );
    }
    let contract = document(2, "", "").document_id;
    let hidden = stage.get(&format!("/api/documents/{contract}"), &key).await;
    assert_eq!(hidden.status(), StatusCode::NOT_FOUND);
    let brought = stage
        .upload("/api/orders/OT-000042/documents", &key, "t1", KIND, PDF)
        .await;
    assert_eq!(brought.status(), StatusCode::OK);
    let others = stage
        .upload(&format!("/api/orders/{OTHER}/documents"), &key, "t2", KIND, PDF)
        .await;
    assert_eq!(others.status(), StatusCode::NOT_FOUND);
    let arl = [("kind", "arl")];
    let provider = stage
        .upload("/api/directory/frio-andino/documents", &key, "t3", &arl, PDF)
        .await;
    assert_eq!(
        provider.status(),
        StatusCode::FORBIDDEN,
        "not into the container of providers"
    );
}

#[tokio::test]
async fn when_one_service_is_away_the_others_documents_are_told_and_it_is_named() {
    let stage = Stage::set().await;
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let found: Value = stage.get("/api/documents", &key).await.json().await.unwrap();
    assert_eq!(found["unavailable"], json!(["ocr", "orders", "signature"]));
    assert_eq!(found["documents"], json!([]));
}
