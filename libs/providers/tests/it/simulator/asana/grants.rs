//! Grants: code with PKCE, renewals that keep the refresh token, and what becomes of grants that were taken back.

use http::Method;
use puente_ports::{ErrorTag, Grant, OAuthProvider, ProviderErrorKind};
use puente_providers::sim::{Consent, consent};
use serde_json::json;

use super::*;
use crate::simulator::stage::open_stage;

/// Verifier and challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "https://puente.example.test/oauth/callback";

fn oauth() -> &'static dyn OAuthProvider {
    find(SLUG).unwrap().oauth().unwrap()
}

async fn consented(connection: &Connection) -> Consent {
    let state = Secret::new("state-1");
    let page = oauth()
        .authorize_url(connection, BACK, &state, CHALLENGE)
        .unwrap();
    let brought = consent(&page).await.unwrap();
    assert_eq!(brought.state.expose(), "state-1");
    brought
}

async fn exchange(
    stage: &Stage,
    connection: &Connection,
    code: &Secret,
    verifier: &str,
) -> Result<Grant, ProviderError> {
    let verifier = Secret::new(verifier);
    oauth()
        .exchange(call(stage, connection), code, &verifier, BACK)
        .await
}

async fn granted(stage: &Stage, connection: &Connection) -> Grant {
    let brought = consented(connection).await;
    exchange(stage, connection, &brought.code, VERIFIER)
        .await
        .unwrap()
}

async fn renew(
    stage: &Stage,
    connection: &Connection,
    refresh: Option<&Secret>,
) -> Result<Grant, ProviderError> {
    oauth()
        .renew(call(stage, connection), refresh, stage.hub.now())
        .await
}

#[tokio::test]
async fn a_code_becomes_a_grant_with_the_verifier_of_its_challenge_only_and_once() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let code = consented(&connection).await.code;
    let error = exchange(&stage, &connection, &code, "another-verifier")
        .await
        .unwrap_err();
    let expected = (&ProviderErrorKind::Configuration, "invalid_grant");
    assert_eq!((error.kind(), error.code()), expected);
    let error = exchange(&stage, &connection, &code, VERIFIER).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        expected,
        "a code is used up by the first try"
    );
    let grant = granted(&stage, &connection).await;
    assert_eq!(grant.life.as_secs(), 3600);
    let account = oauth()
        .account(call(&stage, &connection), &grant.access)
        .await
        .unwrap();
    assert_eq!(
        (account.account_id.as_str(), account.base_uri),
        ("1111", stage.url(SLUG, ""))
    );
    let opened = with(&connection, &grant.access);
    let one = create(&stage, &opened).await.unwrap();
    // The account's own token is of the same app, and so sees what the grant made.
    assert_eq!(found(&stage, &connection).await, Some(one));
}

#[tokio::test]
async fn a_renewal_brings_no_refresh_token_and_the_old_one_stays_good() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let grant = granted(&stage, &connection).await;
    let refresh = grant.refresh.clone().unwrap();
    stage
        .control(Method::POST, SLUG, "grants/expire", json!({}))
        .await;
    let expired = with(&connection, &grant.access);
    let error = create(&stage, &expired).await.unwrap_err();
    assert_eq!(*error.kind(), ProviderErrorKind::Auth, "{error}");
    assert_eq!(carried_out(&stage), []);
    for _ in 0..2 {
        let renewed = renew(&stage, &connection, Some(&refresh)).await.unwrap();
        assert!(renewed.refresh.is_none());
        let opened = with(&connection, &renewed.access);
        manager().find(call(&stage, &opened), "order:812").await.unwrap();
    }
}

#[tokio::test]
async fn a_grant_that_was_taken_back_or_never_given_needs_a_person() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let refresh = granted(&stage, &connection).await.refresh.unwrap();
    stage
        .control(Method::POST, SLUG, "grants/revoke", json!({}))
        .await;
    let error = renew(&stage, &connection, Some(&refresh)).await.unwrap_err();
    assert_eq!(
        (error.tag(), error.code()),
        (ErrorTag::Configuration, "invalid_grant")
    );
    let error = renew(&stage, &connection, None).await.unwrap_err();
    assert_eq!(
        (error.tag(), error.code()),
        (ErrorTag::Configuration, "consent_required")
    );
}

#[tokio::test]
async fn a_person_who_refuses_or_a_wrong_secret_of_the_app_gives_no_grant() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("consent", "refuse"));
    let connection = stage.connection(SLUG);
    assert_eq!(consented(&connection).await.code.expose(), "");
    put(&stage, |account| account.with_secret("client_secret", "another"));
    let code = consented(&connection).await.code;
    let error = exchange(&stage, &connection, &code, VERIFIER).await.unwrap_err();
    assert_eq!(
        (error.tag(), error.code()),
        (ErrorTag::Configuration, "invalid_client")
    );
    let personal = connected(&stage, &[("token_kind", "personal")]);
    let state = Secret::new("state-1");
    let error = oauth()
        .authorize_url(&personal, BACK, &state, CHALLENGE)
        .unwrap_err();
    assert_eq!(
        (error.tag(), error.code()),
        (ErrorTag::Configuration, "grant_not_needed")
    );
}
