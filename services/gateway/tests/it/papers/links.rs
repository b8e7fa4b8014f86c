//! Links: who is given one, what it leads to, and what of it is refused.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::PDF;
use crate::office::{ORDER, Office};
use crate::support::Stage;

/// A document that was brought; its id.
async fn brought(stage: &Stage, office: &Office, key: &str) -> String {
    office.orders("EnEjecucion");
    let kind = [("kind", "report")];
    let path = format!("/api/orders/{ORDER}/documents");
    let made: Value = stage
        .upload(&path, key, "d1", &kind, PDF)
        .await
        .json()
        .await
        .unwrap();
    made["document_id"].as_str().unwrap().to_owned()
}

async fn link(stage: &Stage, key: &str, id: &str) -> Value {
    let answer = stage
        .post(&format!("/api/documents/{id}/link"), key, &json!({}))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn follow(stage: &Stage, url: &str) -> Response {
    stage.http.get(url).send().await.unwrap()
}

async fn refused(answer: Response, status: StatusCode, slug: &str) {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], format!("urn:puente:problem:{slug}"));
}

#[tokio::test]
async fn a_link_leads_whoever_holds_it_to_the_file_for_an_hour_and_both_leave_a_row() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let id = brought(&stage, &office, &key).await;
    let made = link(&stage, &key, &id).await;
    assert_eq!(made["expires_at"], "2026-11-20T13:00:00Z");
    let url = made["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("{}/archivos/reports/t/algesta/", stage.url)),
        "{url}"
    );
    let file = follow(&stage, url).await;
    assert_eq!(file.status(), StatusCode::OK);
    let head = file.headers().clone();
    assert_eq!(head["content-type"], "application/pdf");
    assert_eq!(head["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(head["x-content-type-options"], "nosniff");
    assert_eq!(head["cache-control"], "private, no-store");
    let disposition = head["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\"informe de Ana.pdf\""),
        "{disposition}"
    );
    assert_eq!(&file.bytes().await.unwrap()[..], PDF);
    let trail = stage.trail().await;
    let [brought, linked, downloaded] = &trail[..] else {
        panic!("{trail:?}")
    };
    assert_eq!(brought.0, "document.brought");
    assert_eq!(
        (linked.0.as_str(), linked.2.as_str()),
        ("document.linked", id.as_str())
    );
    assert!(linked.1.starts_with("key:"), "who asked for it");
    assert_eq!(
        (downloaded.0.as_str(), downloaded.1.as_str()),
        ("document.downloaded", "link")
    );
    let place = |row: &Option<Value>| {
        (
            row.as_ref().unwrap()["container"].clone(),
            row.as_ref().unwrap()["key"].clone(),
        )
    };
    assert_eq!(
        place(&linked.3),
        place(&downloaded.3),
        "the rows are of one document"
    );
    assert!(!format!("{trail:?}").contains("&s="), "no link is written down");

    stage.clock.advance(std::time::Duration::from_secs(3600));
    refused(follow(&stage, url).await, StatusCode::FORBIDDEN, "link-expired").await;
}

#[tokio::test]
async fn a_link_that_was_changed_in_any_part_is_refused() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let id = brought(&stage, &office, &key).await;
    let url = link(&stage, &key, &id).await["url"].as_str().unwrap().to_owned();
    let (bare, query) = url.split_once('?').unwrap();
    let changed = [
        url.replace("/reports/", "/contracts/"),
        url.replace("t/algesta/", "t/norte/"),
        url.replace("p=r", "p=c"),
        url.replace("e=1", "e=2"),
        url.replace("application%2Fpdf", "image%2Fpng"),
        format!("{url}0"),
        format!("{url}&p=r"),
        bare.to_owned(),
        format!("{bare}?{}", query.replace("n=", "n=x")),
    ];
    for url in changed {
        refused(follow(&stage, &url).await, StatusCode::FORBIDDEN, "link-tampered").await;
    }
    for nowhere in [
        "/archivos/other/t/a/b",
        "/archivos/reports/t/../../etc/passwd?p=r",
        "/archivos/reports/",
    ] {
        let answer = stage.ask(Method::GET, nowhere).send().await.unwrap();
        assert_ne!(answer.status(), StatusCode::OK, "{nowhere}");
    }
    let post = stage.http.post(&url).send().await.unwrap();
    assert_eq!(
        post.status(),
        StatusCode::METHOD_NOT_ALLOWED,
        "a link to read reads"
    );
    assert_eq!(stage.trail().await.len(), 2, "nothing was downloaded");
}

#[tokio::test]
async fn whoever_tries_links_of_their_own_making_has_to_wait() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 1)).await;
    let try_one = || {
        stage
            .ask(Method::GET, "/archivos/reports/t/algesta/x.pdf?p=r")
            .send()
    };
    refused(try_one().await.unwrap(), StatusCode::FORBIDDEN, "link-tampered").await;
    let second = try_one().await.unwrap();
    assert!(second.headers().contains_key("retry-after"));
    refused(second, StatusCode::TOO_MANY_REQUESTS, "too-many-requests").await;
}

#[tokio::test]
async fn each_role_is_given_links_of_the_containers_that_it_opens_and_no_others() {
    let (stage, office) = Stage::with_office().await;
    let admin = stage.key(Some("algesta"), Role::Admin).await;
    let id = brought(&stage, &office, &admin).await;
    for (role, expected) in [
        (Role::Admin, StatusCode::OK),
        (Role::Agent, StatusCode::OK),
        (Role::Finance, StatusCode::OK),
        (Role::Technician, StatusCode::NOT_FOUND),
        (Role::Operator, StatusCode::FORBIDDEN),
        (Role::Viewer, StatusCode::FORBIDDEN),
    ] {
        let key = stage.key(Some("algesta"), role).await;
        let answer = stage
            .post(&format!("/api/documents/{id}/link"), &key, &json!({}))
            .await;
        assert_eq!(answer.status(), expected, "{role}");
        let content = stage.get(&format!("/api/documents/{id}/content"), &key).await;
        let expected = if expected == StatusCode::OK {
            StatusCode::FOUND
        } else {
            expected
        };
        assert_eq!(content.status(), expected, "{role}");
    }
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let answer = stage
        .post(&format!("/api/documents/{id}/link"), &theirs, &json!({}))
        .await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_was_altered_in_the_store_is_noticed_and_no_link_is_made() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let id = brought(&stage, &office, &key).await;
    let place = office.tables().documents[0].2.key.clone();
    let file = stage.files.path().join("reports").join(place);
    std::fs::write(&file, [PDF, b"%x"].concat()).unwrap();
    let answer = stage
        .post(&format!("/api/documents/{id}/link"), &key, &json!({}))
        .await;
    refused(answer, StatusCode::CONFLICT, "altered").await;
    let trail = stage.trail().await;
    assert!(
        trail.last().unwrap().3.as_ref().unwrap()["failed"].is_string(),
        "{trail:?}"
    );
    std::fs::remove_file(file).unwrap();
    let gone = stage.get(&format!("/api/documents/{id}/content"), &key).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_record_that_points_to_another_tenants_file_is_never_followed() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let id = brought(&stage, &office, &key).await;
    {
        let mut tables = office.tables();
        let document = &mut tables.documents[0].2;
        document.key = document.key.replace("t/algesta/", "t/norte/");
    }
    let answer = stage
        .post(&format!("/api/documents/{id}/link"), &key, &json!({}))
        .await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn without_a_key_for_links_nothing_is_shown_or_taken_and_the_rest_works() {
    let stage = Stage::with(|usual| usual.set("storage.link_key", "")).await;
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let answer = stage
        .ask(Method::GET, "/archivos/reports/t/algesta/x.pdf?p=r")
        .send()
        .await
        .unwrap();
    refused(answer, StatusCode::SERVICE_UNAVAILABLE, "unavailable").await;
    assert_eq!(stage.get("/api/me", &key).await.status(), StatusCode::OK);
}
