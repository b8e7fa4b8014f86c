//! Authorising an account at a signature provider: out, and back.

use puente_gateway::domain::Role;
use puente_proto::signature::Account;
use reqwest::{Method, Response, StatusCode};

use crate::office::Office;
use crate::support::{PASSWORD, Stage};

async fn enter(stage: &Stage, tenant: &str, role: Role) -> (String, String) {
    let email = format!("{role}@{tenant}.co");
    stage.person(Some(tenant), role, &email).await;
    stage.log_in(&email, PASSWORD).await.unwrap()
}

fn account(office: &Office) {
    let one = Account {
        connection: "docusign-algesta".to_owned(),
        provider: "docusign".to_owned(),
        state: "needs_consent".to_owned(),
        problem: "la cuenta retiró el permiso".to_owned(),
        ..Account::default()
    };
    office.tables().accounts = vec![("algesta".to_owned(), one)];
}

async fn begin(stage: &Stage, (cookie, csrf): &(String, String)) -> Response {
    let request = stage
        .ask(Method::POST, "/conexiones/docusign/autorizar")
        .header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let body = format!("csrf={csrf}&connection=docusign-algesta");
    request.body(body).send().await.unwrap()
}

async fn back(stage: &Stage, cookie: &str, query: &str) -> Response {
    let request = stage.ask(Method::GET, &format!("/oauth/callback?{query}"));
    request.header("cookie", cookie).send().await.unwrap()
}

#[tokio::test]
async fn an_administrator_authorises_an_account_again_and_the_state_serves_once() {
    let (stage, office) = Stage::with_office().await;
    account(&office);
    let browser = enter(&stage, "algesta", Role::Admin).await;
    let page = stage
        .ask(Method::GET, "/integraciones")
        .header("cookie", &browser.0);
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("Una cuenta de firma necesita a un administrador"),
        "{page}"
    );
    assert!(
        page.contains("/conexiones/docusign/autorizar?connection=docusign-algesta"),
        "{page}"
    );
    let out = begin(&stage, &browser).await;
    assert_eq!(out.status(), StatusCode::OK);
    let out = out.text().await.unwrap();
    assert!(
        out.contains("href=\"https://account.docusign.example/oauth/auth?state=estado\""),
        "{out}"
    );
    assert_eq!(
        office.tables().redirect_uri,
        format!("{}/oauth/callback", stage.url)
    );

    let done = back(&stage, &browser.0, "code=abc&state=estado").await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    assert_eq!(done.headers()["location"], "/integraciones?hecho=1");
    assert_eq!(office.done(), ["authorized abc"]);
    let again = back(&stage, &browser.0, "code=abc&state=estado").await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let again = again.text().await.unwrap();
    assert!(again.contains("caducó o ya se usó"), "{again}");
    assert!(
        !again.contains("estado\"") && !again.contains("code=abc"),
        "neither stands on the page"
    );
    let trail = stage.trail().await;
    let actions: Vec<_> = trail.iter().map(|row| row.0.as_str()).collect();
    let expected = [
        "connection.authorization_begun",
        "connection.authorized",
        "connection.authorized",
        "connection.authorized",
    ];
    assert_eq!(actions, expected);
    assert!(!format!("{trail:?}").contains("abc"), "no code is written down");
}

#[tokio::test]
async fn what_the_provider_refused_is_said_in_words() {
    let (stage, office) = Stage::with_office().await;
    account(&office);
    let browser = enter(&stage, "algesta", Role::Admin).await;
    for (query, words) in [
        ("error=access_denied&state=estado", "se eligió no autorizar"),
        (
            "error=server_error%3Cscript%3E&state=estado",
            "(server_errorscript)",
        ),
        ("code=abc", "no trae una autorización completa"),
        ("", "no trae una autorización completa"),
    ] {
        let answer = back(&stage, &browser.0, query).await;
        assert_eq!(answer.status(), StatusCode::CONFLICT, "{query}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(words), "{query}: {text}");
    }
    assert!(office.done().is_empty());
}

#[tokio::test]
async fn nobody_else_authorises_anything() {
    let (stage, office) = Stage::with_office().await;
    account(&office);
    for role in [Role::Agent, Role::Operator, Role::Viewer] {
        let browser = enter(&stage, "algesta", role).await;
        assert_eq!(
            begin(&stage, &browser).await.status(),
            StatusCode::FORBIDDEN,
            "{role}"
        );
        let answer = back(&stage, &browser.0, "code=abc&state=estado").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{role}");
    }
    let answer = back(&stage, "", "code=abc&state=estado").await;
    assert!(
        answer.headers()["location"]
            .to_str()
            .unwrap()
            .starts_with("/entrar?luego=")
    );
    assert!(office.done().is_empty() && stage.trail().await.is_empty());
}
