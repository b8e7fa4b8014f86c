//! Whoever is not known, on every route.

use std::time::Duration;

use puente_gateway::Route;
use puente_gateway::domain::Role;
use puente_rpc::Scope;
use reqwest::{Method, Response, StatusCode};

use super::{Browser, LIVE, bare, changes, guarded, location, path};
use crate::support::{NOW, Stage};

/// What somebody gets who is not known: a page leads to the door and on from there, everything else is refused.
fn turned_away(route: &Route, answer: &Response, what: &str) {
    let status = answer.status();
    if changes(route) || route.path == LIVE {
        assert_eq!(
            status,
            StatusCode::UNAUTHORIZED,
            "{what}: {} {}",
            route.method,
            route.path
        );
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    } else {
        assert_eq!(status, StatusCode::SEE_OTHER, "{what}: {}", route.path);
        let door = if route.path == "/" {
            "/entrar".to_owned()
        } else {
            format!("/entrar?luego={}", path(route).replace('/', "%2F"))
        };
        assert_eq!(location(answer), door, "{what}: {}", route.path);
    }
}

#[tokio::test]
async fn whoever_is_not_known_is_turned_away_on_every_route() {
    let stage = Stage::set().await;
    let old = Browser::new(&stage, Role::Admin).await;
    stage.clock.advance(Duration::from_secs(13 * 3600));
    let good = Browser::of(&stage, "admin@algesta.co").await;
    let gone = Browser::of(&stage, "admin@algesta.co").await;
    let leave = stage.ask(Method::POST, "/salir").header("cookie", &gone.cookie);
    let left = leave.header("x-csrf-token", &gone.csrf).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::SEE_OTHER);
    let person = stage
        .person(Some("algesta"), Role::Admin, "otra@algesta.co")
        .await;
    let disabled = Browser::of(&stage, "otra@algesta.co").await;
    sqlx::query("UPDATE users SET disabled_at = $1 WHERE id = $2")
        .bind(NOW)
        .bind(person.id)
        .execute(&stage.pool)
        .await
        .unwrap();
    let mut forged = good.cookie.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    let forged = Browser {
        cookie: forged,
        csrf: good.csrf.clone(),
    };
    let revoked = stage.key(Some("algesta"), Role::Admin).await;
    let prefix = revoked.split('_').nth(1).unwrap();
    puente_gateway::keys::revoke(&stage.pool, &Scope::Installation, prefix, NOW)
        .await
        .unwrap()
        .unwrap();
    let key = stage.key(Some("algesta"), Role::Admin).await;

    for route in guarded() {
        let many = [
            ("nothing", bare(&stage, &route)),
            (
                "an empty cookie",
                bare(&stage, &route).header("cookie", "puente_session="),
            ),
            (
                "a made-up cookie",
                bare(&stage, &route).header("cookie", "puente_session=' OR 1=1"),
            ),
            ("a forged cookie", forged.request(&stage, &route)),
            ("a session that ended", old.request(&stage, &route)),
            ("a session that was left", gone.request(&stage, &route)),
            ("a disabled person", disabled.request(&stage, &route)),
            (
                "a good cookie with a bad key",
                good.request(&stage, &route).bearer_auth("pk_00_00"),
            ),
            ("a revoked key", bare(&stage, &route).bearer_auth(&revoked)),
            (
                "a program, which has no pages",
                bare(&stage, &route).bearer_auth(&key),
            ),
        ];
        for (what, request) in many {
            turned_away(&route, &request.send().await.unwrap(), what);
        }
    }
    let home = stage.ask(Method::GET, "/").header("cookie", &good.cookie);
    assert_eq!(home.send().await.unwrap().status(), StatusCode::OK);
}
