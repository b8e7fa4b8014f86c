//! Several dead letters at once, as a browser without script sends them.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};

use crate::office::letter;
use crate::support::{PASSWORD, Stage};

const FORM: &str = "application/x-www-form-urlencoded";
const PAGE: &str = "/cartas-muertas";

struct Person {
    cookie: String,
    csrf: String,
}

async fn person(stage: &Stage, role: Role) -> Person {
    let email = format!("{role}@algesta.co");
    stage.person(Some("algesta"), role, &email).await;
    let (cookie, csrf) = stage.log_in(&email, PASSWORD).await.unwrap();
    Person { cookie, csrf }
}

impl Person {
    async fn sees(&self, stage: &Stage, path: &str) -> String {
        let page = stage.ask(Method::GET, path).header("cookie", &self.cookie);
        page.send().await.unwrap().text().await.unwrap()
    }

    async fn sends(&self, stage: &Stage, act: &str, events: &[&str], reason: &str) -> Response {
        let ticked: String = events
            .iter()
            .map(|event| format!("&letter=orders+orders+{event}"))
            .collect();
        let request = stage.ask(Method::POST, &format!("{PAGE}/{act}"));
        let request = request
            .header("cookie", &self.cookie)
            .header("content-type", FORM);
        let body = format!("csrf={}&reason={reason}{ticked}", self.csrf);
        request.body(body).send().await.unwrap()
    }
}

fn location(answer: &Response) -> &str {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn letters_that_are_ticked_are_handled_again_each_with_its_row_and_what_failed_is_told() {
    let (stage, office) = Stage::with_office().await;
    office.tables().letters = ["e-1", "e-2", "e-3"].map(letter).to_vec();
    office.tables().stubborn = vec!["e-2".to_owned()];
    let ana = person(&stage, Role::Admin).await;
    let page = ana.sees(&stage, PAGE).await;
    assert_eq!(page.matches("type=\"checkbox\"").count(), 3);
    assert!(
        page.contains("value=\"orders orders e-2\"")
            && page.contains("formaction=\"/cartas-muertas/cerrar\"")
    );

    let answer = ana
        .sends(&stage, "repetir", &["e-1", "e-2", "e-1", "e-9"], "")
        .await;
    let back = location(&answer).to_owned();
    assert_eq!(back, "/cartas-muertas?hechas=1&fallidas=2");
    assert_eq!(office.done(), ["retried e-1"]);
    let trail = stage.trail().await.into_iter();
    let mut rows: Vec<_> = trail
        .map(|(action, _, event, after)| (action, event, after.is_some()))
        .collect();
    rows.sort();
    // What a service refuses leaves a second row that says so.
    let row = |event: &str, failed| ("dead_letter.retried".to_owned(), event.to_owned(), failed);
    assert_eq!(
        rows,
        [
            row("e-1", false),
            row("e-2", false),
            row("e-9", false),
            row("e-9", true)
        ]
    );
    let told = ana.sees(&stage, &back).await;
    assert!(
        told.contains("Resueltos: 1.") && told.contains("Siguen sin resolver: 2."),
        "{told}"
    );
}

#[tokio::test]
async fn letters_are_closed_together_only_with_a_reason() {
    let (stage, office) = Stage::with_office().await;
    office.tables().letters = ["e-1", "e-2"].map(letter).to_vec();
    let ana = person(&stage, Role::Admin).await;
    let bare = ana.sends(&stage, "cerrar", &["e-1"], "+").await;
    assert_eq!(location(&bare), "/cartas-muertas?falta=motivo");
    let none = ana.sends(&stage, "cerrar", &[], "mensajes+de+prueba").await;
    assert_eq!(location(&none), "/cartas-muertas?falta=cartas");
    let events: Vec<String> = (0..101).map(|n| format!("e-{n}")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let many = ana.sends(&stage, "cerrar", &events, "mensajes+de+prueba").await;
    assert_eq!(location(&many), "/cartas-muertas?falta=cartas");
    assert!(
        stage.trail().await.is_empty() && office.done().is_empty(),
        "nothing was begun"
    );

    let both = ana
        .sends(&stage, "cerrar", &["e-1", "e-2"], "mensajes+de+prueba")
        .await;
    assert_eq!(location(&both), "/cartas-muertas?hechas=2&fallidas=0");
    let reasons: Vec<_> = office
        .tables()
        .letters
        .iter()
        .map(|one| one.resolution_reason.clone())
        .collect();
    assert_eq!(reasons, ["mensajes de prueba"; 2]);
    assert_eq!(stage.trail().await.len(), 2);
    assert!(
        !ana.sees(&stage, PAGE).await.contains("type=\"checkbox\""),
        "nothing is left to settle"
    );
}

#[tokio::test]
async fn whoever_may_only_look_sees_no_boxes_and_settles_nothing() {
    let (stage, office) = Stage::with_office().await;
    office.tables().letters = vec![letter("e-1")];
    let right = puente_gateway::domain::Right::SettleDeadLetters;
    let reads = puente_gateway::domain::Right::ReadDeadLetters;
    let may = puente_gateway::domain::may;
    let onlooker = Role::ALL
        .into_iter()
        .find(|role| may(*role, reads) && !may(*role, right));
    let onlooker = onlooker.expect("somebody who may only look");
    let eva = person(&stage, onlooker).await;
    assert!(!eva.sees(&stage, PAGE).await.contains("type=\"checkbox\""));
    let answer = eva.sends(&stage, "repetir", &["e-1"], "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(office.done().is_empty());
}
