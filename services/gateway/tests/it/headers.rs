//! What browsers are told.

use puente_gateway::domain::Role;
use reqwest::Method;

use crate::support::{PASSWORD, Stage};

#[tokio::test]
async fn every_answer_also_an_error_carries_the_security_headers() {
    let stage = Stage::set().await;
    for path in ["/api/openapi.json", "/api/nothing", "/nothing", "/api/me"] {
        let answer = stage.ask(Method::GET, path).send().await.unwrap();
        let headers = answer.headers();
        let csp = headers["content-security-policy"].to_str().unwrap();
        assert!(
            csp.starts_with("default-src 'none'") && csp.contains("frame-ancestors 'none'"),
            "{csp}"
        );
        assert!(!csp.contains("unsafe"), "{csp}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert!(
            !headers.contains_key("strict-transport-security"),
            "there is no TLS on loopback"
        );
    }
}

#[tokio::test]
async fn beyond_this_machine_cookies_and_browsers_are_held_to_https() {
    let beyond = [
        ("listen", "0.0.0.0:0"),
        ("storage.public_url", "https://puente.example"),
    ];
    let stage = Stage::with(|usual| {
        beyond
            .into_iter()
            .fold(usual, |usual, (key, to)| usual.set(key, to))
    })
    .await;
    stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let answer = stage.try_in("ana@algesta.co", PASSWORD).await;
    let headers = answer.headers();
    assert!(headers["set-cookie"].to_str().unwrap().ends_with("; Secure"));
    assert!(
        headers["strict-transport-security"]
            .to_str()
            .unwrap()
            .starts_with("max-age=63072000")
    );
}

#[tokio::test]
async fn behind_a_proxy_of_this_machine_that_speaks_https_they_are_as_well() {
    let stage = Stage::with(|usual| usual.set("storage.public_url", "https://puente.example")).await;
    stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let answer = stage.try_in("ana@algesta.co", PASSWORD).await;
    let headers = answer.headers();
    assert!(headers["set-cookie"].to_str().unwrap().ends_with("; Secure"));
    assert!(headers.contains_key("strict-transport-security"));
}
