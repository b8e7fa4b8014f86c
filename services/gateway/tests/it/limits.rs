//! How often strangers may try.

use puente_gateway::domain::Role;
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::support::{PASSWORD, Stage};

#[tokio::test]
async fn attempts_to_get_in_are_counted_by_the_address_they_come_from() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 3)).await;
    for _ in 0..3 {
        let answer = stage.try_in("a@b.co", "whatever it is").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let answer = stage.try_in("a@b.co", "whatever it is").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key("retry-after"));
    let forged = stage.get("/api/me", "pk_00_00").await;
    assert_eq!(
        forged.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "keys are guessed no more than passwords"
    );
}

#[tokio::test]
async fn whoever_is_let_in_is_not_held_up_by_strangers_at_the_same_address() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 1)).await;
    let key = stage
        .key(Some("algesta"), puente_gateway::domain::Role::Viewer)
        .await;
    for _ in 0..3 {
        stage.get("/api/me", "pk_00_00").await;
    }
    assert_eq!(stage.get("/api/me", &key).await.status(), StatusCode::OK);
}

/// Whether it is refused for coming too often. A minute goes on meanwhile: what it gives back is used up.
async fn too_many(request: impl Fn() -> RequestBuilder) -> bool {
    for _ in 0..4 {
        let answer = request().send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return answer.headers().contains_key("retry-after");
        }
    }
    false
}

#[tokio::test]
async fn whoever_is_not_known_is_answered_only_so_often_and_who_is_known_always() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 1)).await;
    stage.person(Some("algesta"), Role::Admin, "ana@algesta.co").await;
    let (cookie, _) = stage.log_in("ana@algesta.co", PASSWORD).await.unwrap();
    let open = ["/entrar", "/api/openapi.json", "/nada", "/assets/nada.css"];
    let mut answered = 0;
    while answered < 50 {
        let path = open[answered % open.len()];
        let answer = stage.ask(Method::GET, path).send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        answered += 1;
    }
    assert!((5..50).contains(&answered), "{answered} were answered");
    for path in open {
        assert!(too_many(|| stage.ask(Method::GET, path)).await, "{path}");
    }
    for path in ["/", "/api/me", "/nada", "/entrar"] {
        let mine = stage.ask(Method::GET, path).header("cookie", &cookie);
        let status = mine.send().await.unwrap().status();
        assert!(
            !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS,
            "{path}: {status}"
        );
    }
}

#[tokio::test]
async fn what_a_stranger_shows_too_often_is_not_looked_up_any_more() {
    let stage = Stage::with(|usual| usual.set("strangers_per_minute", 1)).await;
    let forged = || stage.ask(Method::GET, "/api/me").bearer_auth("pk_00_00");
    let cookie = || {
        stage
            .ask(Method::GET, "/entrar")
            .header("cookie", "puente_session=00")
    };
    for _ in 0..10 {
        forged().send().await.unwrap();
    }
    let mut held = stage.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE api_keys, sessions IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    assert!(too_many(forged).await, "the database is not asked for keys");
    assert!(too_many(cookie).await, "nor for sessions");
}
