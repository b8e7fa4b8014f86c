//! The directory: who is kept, what is masked.

use puente_gateway::domain::Role;
use puente_proto::orders::Person;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::office::Office;
use crate::support::{PASSWORD, Stage};

fn provider() -> Person {
    Person {
        person_id: "frio-andino".to_owned(),
        kind: "service_provider".to_owned(),
        name: "Frío Andino S.A.S.".to_owned(),
        email: "contratos@frioandino.example".to_owned(),
        phone: "+573005556677".to_owned(),
        tax_id: "900123456-8".to_owned(),
        address: "Calle 80 # 10-20".to_owned(),
        active: true,
        changed_at: None,
    }
}

fn known(office: &Office) {
    office.tables().people = vec![("algesta".to_owned(), provider())];
}

async fn put(stage: &Stage, person: &str, key: &str, body: &Value) -> Response {
    let request = stage.ask(Method::PUT, &format!("/api/directory/{person}"));
    let request = request.bearer_auth(key).header("idempotency-key", person);
    request.json(body).send().await.unwrap()
}

#[tokio::test]
async fn a_person_is_kept_whole_and_their_data_is_not_in_the_trail() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let body = json!({ "kind": "agent", "name": "Laura Mejía", "email": "laura.mejia@algesta.example" });
    let kept = put(&stage, "laura.mejia", &key, &body).await;
    assert_eq!(kept.status(), StatusCode::OK);
    let kept: Value = kept.json().await.unwrap();
    assert_eq!(kept["name"], "Laura Mejía");
    let told = kept.to_string() + &format!("{:?}", stage.trail().await);
    assert!(!told.contains("laura.mejia@"), "{told}");
    assert_eq!(office.tables().people[0].1.email, "laura.mejia@algesta.example");
    assert_eq!(stage.trail().await[0].0, "person.kept");
}

#[tokio::test]
async fn contact_data_is_masked_until_it_is_asked_for_with_a_reason() {
    let (stage, office) = Stage::with_office().await;
    known(&office);
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let list: Value = stage
        .get("/api/directory?kind=service_provider", &key)
        .await
        .json()
        .await
        .unwrap();
    let one = &list["people"][0];
    assert_eq!(
        (&one["name"], &one["phone"]),
        (&json!("Frío Andino S.A.S."), &json!("••• 6677"))
    );
    assert_eq!((&one["tax_id"], &one["address"]), (&json!("•••"), &json!("•••")));
    let path = "/api/directory/frio-andino/reveal";
    let shown: Value = stage
        .post(path, &key, &json!({ "reason": "Preguntó por su contrato" }))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(shown["tax_id"], "900123456-8");
    assert_eq!(stage.trail().await[0].0, "person.revealed");
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let foreign = stage.get("/api/directory/frio-andino", &theirs).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn on_the_page_an_empty_field_keeps_what_is_known() {
    let (stage, office) = Stage::with_office().await;
    known(&office);
    stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let (cookie, csrf) = stage.log_in("ana@algesta.co", PASSWORD).await.unwrap();
    let page = stage
        .ask(Method::GET, "/directorio/frio-andino")
        .header("cookie", &cookie);
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(
        !page.contains("contratos@frioandino.example") && !page.contains("5556677"),
        "{page}"
    );
    let body = format!(
        "csrf={csrf}&kind=service_provider&name=Fr%C3%ADo+Andino+SAS&email=&phone=&tax_id=&address=&active=1"
    );
    let request = stage
        .ask(Method::POST, "/directorio/frio-andino")
        .header("cookie", &cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let done = request.body(body).send().await.unwrap();
    assert_eq!(done.headers()["location"], "/directorio/frio-andino?hecho=1");
    let kept = office.tables().people[0].1.clone();
    assert_eq!(kept.name, "Frío Andino SAS");
    assert_eq!((kept.email, kept.tax_id), (provider().email, provider().tax_id));
}

#[tokio::test]
async fn who_cannot_be_named_is_refused() {
    let (stage, office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let body = json!({ "kind": "agent", "name": "X" });
    for bad in ["Laura", "a%20b", "%2e%2e%2fx"] {
        let answer = put(&stage, bad, &key, &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert!(office.done().is_empty());
}
