//! Changes that nobody meant.

use puente_gateway::Access;
use puente_gateway::domain::Role;
use reqwest::{Method, StatusCode};

use super::{Browser, bare, changes, console, path};
use crate::support::Stage;

#[tokio::test]
async fn every_change_needs_the_sessions_own_token_from_its_own_site() {
    let stage = Stage::set().await;
    let browser = Browser::new(&stage, Role::Admin).await;
    let other = Browser::of(&stage, "admin@algesta.co").await;
    let mut seen = 0;
    for route in console().iter().filter(|route| changes(route)) {
        let asked = || bare(&stage, route).header("cookie", &browser.cookie);
        let field = |csrf: &str| asked().body(format!("reason=probando&csrf={csrf}"));
        let many = [
            ("no token", asked()),
            ("an empty header", asked().header("x-csrf-token", "")),
            ("another session's", asked().header("x-csrf-token", &other.csrf)),
            ("an empty field", field("")),
            ("another session's field", field(&other.csrf)),
            (
                "a field behind a bad header",
                field(&browser.csrf).header("x-csrf-token", "0"),
            ),
            ("a part of it", field(browser.csrf.get(..32).unwrap())),
            (
                "a field that is no form's",
                stage
                    .ask(Method::POST, &path(route))
                    .header("cookie", &browser.cookie)
                    .header("content-type", "text/plain")
                    .body(format!("csrf={}", browser.csrf)),
            ),
            (
                "another site",
                browser
                    .request(&stage, route)
                    .header("sec-fetch-site", "cross-site"),
            ),
        ];
        for (what, request) in many {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{what}: {}", route.path);
        }
        let stranger = bare(&stage, route).header("sec-fetch-site", "cross-site");
        let expected = if route.access == Access::Anyone {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(
            stranger.send().await.unwrap().status(),
            expected,
            "{}",
            route.path
        );
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
    let trail: i64 = sqlx::query_scalar("SELECT count(*) FROM audit WHERE action <> 'session.opened'")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(trail, 0, "nothing was begun");
    let home = stage.ask(Method::GET, "/").header("cookie", &browser.cookie);
    assert_eq!(
        home.send().await.unwrap().status(),
        StatusCode::OK,
        "still logged in"
    );
}

#[tokio::test]
async fn what_cannot_be_the_id_of_anything_is_not_there() {
    let stage = Stage::set().await;
    let browser = Browser::new(&stage, Role::Admin).await;
    let long = "a".repeat(400);
    for path in [
        "/entregas/%00/mostrar".to_owned(),
        "/entregas/a%0Ab/mostrar".to_owned(),
        format!("/entregas/{long}/mostrar"),
        format!("/accesos/llaves/{long}/revocar"),
    ] {
        let request = stage.ask(Method::POST, &path).header("cookie", &browser.cookie);
        let request = request.header("content-type", super::FORM);
        let body = format!("csrf={}&reason=probando+algo", browser.csrf);
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(stage.trail().await.is_empty(), "nothing was begun");
    let request = stage.ask(Method::POST, "/pedidos/OT-000001/asignar");
    let request = request
        .header("cookie", &browser.cookie)
        .header("content-type", super::FORM);
    let body = format!("csrf={}&agent=%00&service_provider=b", browser.csrf);
    let answer = request.body(body).send().await.unwrap();
    assert!(
        answer.text().await.unwrap().contains("«orders»"),
        "it is orders that is away: the trail takes every text"
    );
    assert_eq!(stage.trail().await.len(), 2, "it was begun, and failed");
}
