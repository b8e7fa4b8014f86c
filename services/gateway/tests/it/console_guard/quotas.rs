//! Whoever asks too often, on every route.

use puente_gateway::Route;
use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};

use super::{Browser, FORM, bare, console, guarded};
use crate::support::Stage;

#[tokio::test]
async fn a_session_over_its_quota_is_refused_on_every_route_and_told_when_to_come_back() {
    let stage = Stage::with(|usual| usual.set("session_per_minute", 1)).await;
    let browser = Browser::new(&stage, Role::Admin).await;
    let home = stage.ask(Method::GET, "/").header("cookie", &browser.cookie);
    assert_eq!(home.send().await.unwrap().headers()["ratelimit-remaining"], "0");
    for route in console() {
        let answer = browser.request(&stage, &route).send().await.unwrap();
        over_quota(&route, &answer);
        assert_eq!(answer.headers()["ratelimit-limit"], "1", "{}", route.path);
        let text = answer.text().await.unwrap();
        assert!(text.contains("Demasiadas solicitudes"), "{}: {text}", route.path);
    }
}

#[tokio::test]
async fn an_address_that_tried_too_often_is_refused_on_every_route_and_at_the_door() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 1)).await;
    let browser = Browser::new(&stage, Role::Admin).await;
    for route in guarded() {
        over_quota(&route, &bare(&stage, &route).send().await.unwrap());
    }
    let door = stage.ask(Method::POST, "/entrar").header("content-type", FORM);
    let tried = door
        .body("email=admin%40algesta.co&password=correcto+caballo+pila")
        .send()
        .await
        .unwrap();
    assert_eq!(tried.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(tried.headers().contains_key("retry-after"));
    assert!(!tried.headers().contains_key("set-cookie"), "nobody was let in");
    let home = stage.ask(Method::GET, "/").header("cookie", &browser.cookie);
    assert_eq!(
        home.send().await.unwrap().status(),
        StatusCode::OK,
        "strangers hold up nobody who is known"
    );
}

fn over_quota(route: &Route, answer: &Response) {
    assert_eq!(
        answer.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "{} {}",
        route.method,
        route.path
    );
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
}
