//! Logging in: what a session is good for, how long, and what stands in the way of guessing.

use std::time::Duration;

use puente_gateway::domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Stage};

const EMAIL: &str = "ana@algesta.co";

async fn me(stage: &Stage, cookie: &str) -> StatusCode {
    let request = stage.ask(Method::GET, "/api/me").header("cookie", cookie);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn the_cookie_is_for_this_site_and_no_script_and_the_table_holds_no_token() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let answer = stage.try_in(EMAIL, PASSWORD).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "a loopback address has no TLS: {cookie}"
    );
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let kept: String = sqlx::query_scalar("SELECT string_agg(s::text, '') FROM sessions s")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert!(!kept.contains(token));
}

#[tokio::test]
async fn a_session_ends_after_half_a_day_of_silence_and_after_a_week_in_any_case() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let (idle, _) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let (busy, _) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    stage.clock.advance(Duration::from_secs(11 * 3600));
    assert_eq!(me(&stage, &busy).await, StatusCode::OK);
    stage.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(me(&stage, &idle).await, StatusCode::UNAUTHORIZED);
    for _ in 0..15 {
        assert_eq!(me(&stage, &busy).await, StatusCode::OK);
        stage.clock.advance(Duration::from_secs(11 * 3600));
    }
    assert_eq!(
        me(&stage, &busy).await,
        StatusCode::UNAUTHORIZED,
        "a week has passed"
    );
}

#[tokio::test]
async fn changes_need_the_sessions_own_csrf_token_and_reading_does_not() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let (cookie, csrf) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let (_, other) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(me(&stage, &cookie).await, StatusCode::OK);
    let close = || {
        stage
            .ask(Method::POST, "/api/session/close")
            .header("cookie", &cookie)
    };
    for request in [
        close(),
        close().header("x-csrf-token", ""),
        close().header("x-csrf-token", &other),
        close()
            .header("x-csrf-token", &csrf)
            .header("sec-fetch-site", "cross-site"),
        close()
            .header("content-type", "application/x-www-form-urlencoded")
            .body("csrf=0"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], "urn:puente:problem:csrf");
    }
    let closed = close().header("x-csrf-token", &csrf).send().await.unwrap();
    assert_eq!(closed.status(), StatusCode::OK);
    assert!(
        closed.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(me(&stage, &cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_may_carry_the_csrf_token_as_a_field() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let (cookie, csrf) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let close = stage
        .ask(Method::POST, "/api/session/close")
        .header("cookie", &cookie);
    let close = close.header("content-type", "application/x-www-form-urlencoded");
    let answer = close.body(format!("x=1&csrf={csrf}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn failures_make_the_next_attempt_wait_longer_and_longer_and_nobody_is_told_why() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    for _ in 0..5 {
        assert_eq!(
            stage.log_in(EMAIL, "wrong password").await,
            Err(StatusCode::UNAUTHORIZED)
        );
    }
    let right = || stage.log_in(EMAIL, PASSWORD);
    assert_eq!(
        right().await,
        Err(StatusCode::UNAUTHORIZED),
        "also the right one has to wait"
    );
    let mut told = Vec::new();
    for email in [EMAIL, "nobody@algesta.co"] {
        let answer = stage.try_in(email, "wrong password").await;
        let mut problem: Value = answer.json().await.unwrap();
        problem["trace_id"] = Value::Null;
        told.push(problem);
    }
    assert_eq!(told[0], told[1], "locked and unknown look alike");
    stage.clock.advance(Duration::from_secs(2));
    right().await.unwrap();
    assert_eq!(
        stage.log_in(EMAIL, "wrong password").await,
        Err(StatusCode::UNAUTHORIZED)
    );
    right().await.unwrap();
}

#[tokio::test]
async fn a_crowd_of_guesses_at_once_is_no_crowd_of_guesses() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let guesses = (0..12).map(|n| {
        let stage = &stage;
        async move { stage.log_in(EMAIL, &format!("wrong password {n}")).await }
    });
    for answer in futures::future::join_all(guesses).await {
        assert!(answer.is_err());
    }
    let failures: i32 = sqlx::query_scalar("SELECT failures FROM users")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert!(failures <= 6, "counted before they were looked at: {failures}");
}

#[tokio::test]
async fn another_password_ends_every_session_and_needs_the_one_of_now() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let (one, csrf) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let (other, _) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let change = |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        let request = stage.ask(Method::POST, "/api/me/password").json(&body);
        request
            .header("cookie", &one)
            .header("x-csrf-token", &csrf)
            .send()
    };
    let wrong = change("not this one", "una clave muy nueva").await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let short = change(PASSWORD, "corta").await.unwrap();
    assert_eq!(short.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        change(PASSWORD, "una clave muy nueva").await.unwrap().status(),
        StatusCode::OK
    );
    for cookie in [&one, &other] {
        assert_eq!(me(&stage, cookie).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(stage.log_in(EMAIL, PASSWORD).await, Err(StatusCode::UNAUTHORIZED));
    stage.log_in(EMAIL, "una clave muy nueva").await.unwrap();
}

#[tokio::test]
async fn guesses_at_the_password_of_who_is_logged_in_count_like_those_at_the_door() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let (cookie, csrf) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let change = async |current: &str| {
        let body = json!({ "current": current, "new": "una clave muy nueva" });
        let request = stage.ask(Method::POST, "/api/me/password").json(&body);
        let request = request.header("cookie", &cookie).header("x-csrf-token", &csrf);
        request.send().await.unwrap().status()
    };
    for guess in 0..5 {
        let status = change(&format!("wrong password {guess}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(
        change(PASSWORD).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "also the right one has to wait"
    );
    assert_eq!(
        stage.log_in(EMAIL, PASSWORD).await,
        Err(StatusCode::UNAUTHORIZED),
        "and so does the door"
    );
    stage.clock.advance(Duration::from_secs(2));
    assert_eq!(change(PASSWORD).await, StatusCode::OK);
    stage.log_in(EMAIL, "una clave muy nueva").await.unwrap();
}

#[tokio::test]
async fn log_ins_failures_and_log_outs_leave_rows_with_nothing_of_a_person_but_the_id() {
    let stage = Stage::set().await;
    let ana = stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let id = ana.id.to_string();
    for email in [EMAIL, "nobody@algesta.co", "a\0b@algesta.co"] {
        let fields = [("email", email), ("password", "wrong password")];
        let door = stage
            .ask(Method::POST, "/entrar")
            .form(&fields)
            .send()
            .await
            .unwrap();
        assert_eq!(door.status(), StatusCode::UNAUTHORIZED, "{email:?}");
    }
    let (cookie, csrf) = stage.log_in(EMAIL, PASSWORD).await.unwrap();
    let body = json!({ "current": "not this one", "new": "una clave muy nueva" });
    let change = stage
        .ask(Method::POST, "/api/me/password")
        .json(&body)
        .header("cookie", &cookie);
    change.header("x-csrf-token", &csrf).send().await.unwrap();
    let leave = stage.ask(Method::POST, "/salir").header("cookie", &cookie);
    let left = leave.header("x-csrf-token", &csrf).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::SEE_OTHER);
    let rows: Vec<(String, String, String, Option<String>)> =
        sqlx::query_as("SELECT action, subject, object, tenant FROM audit ORDER BY id")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    let mine = format!("user:{id}");
    let told: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1.as_str())).collect();
    assert_eq!(
        told,
        [
            ("session.refused", "stranger"),
            ("session.opened", mine.as_str()),
            ("user.password_refused", mine.as_str()),
            ("session.closed", mine.as_str()),
        ],
        "of an account that nobody has, nothing is told"
    );
    assert!(
        rows.iter()
            .all(|row| row.2 == id && row.3.as_deref() == Some("algesta")),
        "{rows:?}"
    );
    let whole: String = sqlx::query_scalar("SELECT string_agg(a::text, '') FROM audit a")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert!(!whole.contains("Ana") && !whole.contains('@'), "{whole}");
}

#[tokio::test]
async fn a_crowd_of_right_log_ins_at_once_locks_nobody_out_and_leaves_no_failure() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Agent, EMAIL).await;
    let all = (0..12).map(|_| stage.log_in(EMAIL, PASSWORD));
    for answer in futures::future::join_all(all).await {
        // On a machine that has too much else to do some are turned away: that is no failure of theirs.
        assert!(
            answer.is_ok() || answer == Err(StatusCode::SERVICE_UNAVAILABLE),
            "{answer:?}"
        );
    }
    let failures: i32 = sqlx::query_scalar("SELECT failures FROM users")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(failures, 0);
}

#[tokio::test]
async fn after_log_in_nobody_is_led_to_where_a_browser_reads_something_else() {
    let stage = Stage::set().await;
    stage.person(Some("algesta"), Role::Admin, "ana@algesta.co").await;
    for (luego, place) in [
        ("%2F%09%2Fevil.example", "/"),
        ("%2F%01", "/"),
        ("%2F%0A%2Fevil.example", "/"),
        ("%2Fpedidos", "/pedidos"),
    ] {
        let fields = format!("email=ana%40algesta.co&password=correcto+caballo+pila&luego={luego}");
        let request = stage.ask(Method::POST, "/entrar");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(fields).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{luego}");
        assert_eq!(answer.headers()["location"], place, "{luego}");
        assert!(answer.headers().contains_key("set-cookie"), "{luego}");
    }
}
