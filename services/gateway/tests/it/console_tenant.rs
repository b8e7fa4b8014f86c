//! People of the whole installation choose the tenant that they look at; nobody else does.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};

use crate::support::{PASSWORD, Stage};

const FORM: &str = "application/x-www-form-urlencoded";

async fn enter(stage: &Stage, tenant: Option<&str>, email: &str) -> (String, String) {
    stage.person(tenant, Role::Admin, email).await;
    stage.log_in(email, PASSWORD).await.unwrap()
}

async fn see(stage: &Stage, path: &str, cookie: &str) -> Response {
    let request = stage.ask(Method::GET, path).header("cookie", cookie);
    request.send().await.unwrap()
}

/// Sends the form as a browser without script does.
async fn choose(stage: &Stage, (cookie, csrf): &(String, String), tenant: &str, page: &str) -> Response {
    let body = format!("csrf={csrf}&luego={page}&tenant={tenant}");
    let request = stage.ask(Method::POST, "/organizacion").header("cookie", cookie);
    request
        .header("content-type", FORM)
        .body(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn somebody_of_the_installation_chooses_a_tenant_and_goes_back_to_all_of_them() {
    let stage = Stage::set().await;
    let browser = enter(&stage, None, "ana@puente.co").await;
    stage.person(Some("norte"), Role::Agent, "luis@norte.co").await;
    stage.person(Some("algesta"), Role::Agent, "eva@algesta.co").await;
    let all = see(&stage, "/accesos", &browser.0).await.text().await.unwrap();
    assert!(all.contains("<small>Toda la instalación</small>"), "{all}");
    assert!(all.contains("action=\"/organizacion\"") && all.contains("Ver esta organización"));
    assert!(
        all.contains("luis@norte.co") && all.contains("eva@algesta.co"),
        "{all}"
    );

    let answer = choose(&stage, &browser, "norte", "%2Faccesos%3Flang%3Den").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/accesos?lang=en");
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["puente-tenant=norte;", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    let narrowed = format!("{}; {}", browser.0, set.split(';').next().unwrap());
    let one = see(&stage, "/accesos?lang=en", &narrowed).await;
    let one = one.text().await.unwrap();
    assert!(
        one.contains("<small>norte</small>") && one.contains("value=\"norte\""),
        "{one}"
    );
    assert!(one.contains("View this organization"), "{one}");
    assert!(
        one.contains("luis@norte.co") && !one.contains("eva@algesta.co"),
        "{one}"
    );

    let back = choose(&stage, &(narrowed, browser.1.clone()), "", "%2F").await;
    assert_eq!(back.headers()["location"], "/");
    let set = back.headers()["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("puente-tenant=;") && set.contains("Max-Age=0"),
        "{set}"
    );
}

#[tokio::test]
async fn what_names_no_tenant_is_refused_and_nobody_is_led_to_another_site() {
    let stage = Stage::set().await;
    let browser = enter(&stage, None, "ana@puente.co").await;
    for bad in [
        "Norte",
        "..%2Fnorte",
        "a%0D%0Ab",
        "a%3B+x%3D1",
        "ni%C3%B1o",
        &"a".repeat(33),
    ] {
        let answer = choose(&stage, &browser, bad, "%2F").await;
        assert_eq!(answer.status(), StatusCode::CONFLICT, "{bad}");
        assert!(!answer.headers().contains_key("set-cookie"), "{bad}");
        assert!(
            answer
                .text()
                .await
                .unwrap()
                .contains("Una organización se escribe")
        );
    }
    let answer = choose(&stage, &browser, "norte", "%2F%2Fevil.example").await;
    assert_eq!(answer.headers()["location"], "/");
}

#[tokio::test]
async fn whoever_belongs_to_a_tenant_has_no_choice() {
    let stage = Stage::set().await;
    let browser = enter(&stage, Some("algesta"), "eva@algesta.co").await;
    let home = see(&stage, "/", &browser.0).await.text().await.unwrap();
    assert!(!home.contains("/organizacion"), "{home}");
    let answer = choose(&stage, &browser, "norte", "%2F").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(!answer.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn a_broken_choice_is_forgotten_and_so_is_the_choice_of_who_leaves() {
    let stage = Stage::set().await;
    let (cookie, csrf) = enter(&stage, None, "ana@puente.co").await;
    let answer = see(&stage, "/salud", &format!("{cookie}; puente-tenant=../norte")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let forgets = |answer: &Response| {
        let mut set = answer.headers().get_all("set-cookie").iter();
        set.any(|value| value.to_str().unwrap().starts_with("puente-tenant=;"))
    };
    assert!(forgets(&answer));
    let leave = stage.ask(Method::POST, "/salir").header("cookie", &cookie);
    let left = leave.header("x-csrf-token", &csrf).send().await.unwrap();
    assert!(forgets(&left));
    assert_eq!(left.headers().get_all("set-cookie").iter().count(), 2);
}
