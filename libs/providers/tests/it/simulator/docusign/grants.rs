//! Grants: code with PKCE, refresh with rotation, the JWT grant, and whose account it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::LOCATION;
use http::{HeaderMap, Method};
use puente_ports::{ErrorTag, Grant, Outbound as _, OutboundRequest, ProviderErrorKind};
use puente_types::Secret;

use super::*;
use crate::simulator::credentials::Watched;
use crate::simulator::stage::open_stage;

/// Verifier and challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "https://puente.example.test/oauth/callback";
/// Made for these tests; opens nothing.
const KEY: &str = include_str!("test_key.pem");

/// A person goes to the consent page, and where they are sent back to.
async fn consent(stage: &Stage, connection: &Connection) -> String {
    let url = oauth()
        .authorize_url(connection, BACK, &Secret::new("state-1"), CHALLENGE)
        .unwrap();
    let request = OutboundRequest {
        operation: "consent",
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    // The page is a person's; it is no exchange of ours, and is asked for over a way out that records nothing.
    let http = puente_http::Http::new(puente_http::HttpConfig::local()).unwrap();
    let answer = http.send(connection, request, DEADLINE).await.unwrap();
    assert_eq!(answer.status, 302, "{:?}", answer.body);
    let _ = stage;
    answer.headers.get(LOCATION).unwrap().to_str().unwrap().to_owned()
}

fn query(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value.to_owned())
}

async fn granted(stage: &Stage, connection: &Connection) -> Grant {
    let back = consent(stage, connection).await;
    assert!(back.starts_with(BACK));
    assert_eq!(query(&back, "state").as_deref(), Some("state-1"));
    let code = Secret::new(query(&back, "code").unwrap());
    oauth()
        .exchange(call(stage, connection), &code, &Secret::new(VERIFIER), BACK)
        .await
        .unwrap()
}

/// The connection with a grant's token in it.
fn with(connection: &Connection, access: &Secret) -> Connection {
    let mut connection = connection.clone();
    let kept = connection
        .secrets
        .iter()
        .filter(|(name, _)| *name != "access_token");
    let kept: Vec<_> = kept
        .map(|(name, secret)| (name.to_owned(), secret.clone()))
        .collect();
    connection.secrets = kept
        .into_iter()
        .chain([("access_token".to_owned(), access.clone())])
        .collect();
    connection
}

/// The connection with these secrets instead of its own.
fn holding(connection: &Connection, without: &[&str], more: &[(&str, &str)]) -> Connection {
    let mut connection = connection.clone();
    let kept = connection
        .secrets
        .iter()
        .filter(|(name, _)| !without.contains(name));
    let kept: Vec<_> = kept
        .map(|(name, secret)| (name.to_owned(), secret.clone()))
        .collect();
    let more = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    connection.secrets = kept.into_iter().chain(more).collect();
    connection
}

#[tokio::test]
async fn a_code_becomes_a_grant_with_the_verifier_of_its_challenge_only_and_once() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let ctx = call(&stage, &connection);
    let code = Secret::new(query(&consent(&stage, &connection).await, "code").unwrap());
    let error = oauth()
        .exchange(ctx, &code, &Secret::new("another-verifier"), BACK)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Configuration, "invalid_grant")
    );
    let grant = granted(&stage, &connection).await;
    assert_eq!(
        (grant.life.as_secs(), grant.scope.as_str()),
        (28_800, "extended signature")
    );
    let account = oauth().account(ctx, &grant.access).await.unwrap();
    assert_eq!(account.account_id, connection.account.clone().unwrap());
    assert_eq!(account.base_uri, stage.url(SLUG, ""));
    let opened = with(&connection, &grant.access);
    assert_eq!(signs().find(call(&stage, &opened), "x").await.unwrap(), None);
}

#[tokio::test]
async fn an_oauth_grant_goes_as_bearer_its_client_as_basic_and_a_wrong_token_is_refused_without_an_effect() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let (connection, way) = (stage.connection(SLUG), Watched::open());
    let secret = |name: &str| connection.secrets.get(name).unwrap().expose();
    let code = Secret::new(query(&consent(&stage, &connection).await, "code").unwrap());
    let grant = oauth()
        .exchange(way.ctx(&connection), &code, &Secret::new(VERIFIER), BACK)
        .await
        .unwrap();
    let pair = STANDARD.encode(format!("{}:{}", secret("integration_key"), secret("secret_key")));
    way.proved("authorization", &format!("Basic {pair}"), &[secret("secret_key")]);

    let wrong = with(&connection, &Secret::new("another token"));
    let error = signs().create(way.ctx(&wrong), &envelope()).await.unwrap_err();
    assert_eq!(*error.kind(), ProviderErrorKind::Auth, "{error}");
    assert_eq!(carried_out(&stage, "envelopes.create").len(), 0);
    way.proved("authorization", "Bearer another token", &["another token"]);

    let opened = with(&connection, &grant.access);
    signs().create(way.ctx(&opened), &envelope()).await.unwrap();
    assert_eq!(carried_out(&stage, "envelopes.create").len(), 1);
    let token = grant.access.expose();
    way.proved("authorization", &format!("Bearer {token}"), &[token]);
}

#[tokio::test]
async fn a_public_client_gets_a_grant_with_its_verifier_alone() {
    let stage = open_stage!();
    put(&stage, |mut account| {
        account.secrets.remove("secret_key");
        account
    });
    let connection = holding(&stage.connection(SLUG), &["secret_key"], &[]);
    let grant = granted(&stage, &connection).await;
    assert!(grant.refresh.is_some());
    let wrong = holding(&connection, &[], &[("integration_key", "another-app")]);
    let error = oauth()
        .renew(call(&stage, &wrong), grant.refresh.as_ref(), stage.hub.now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.tag()),
        ("invalid_client", ErrorTag::Configuration)
    );
}

#[tokio::test]
async fn a_refresh_brings_a_new_pair_and_the_old_refresh_token_is_worth_nothing() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let ctx = call(&stage, &connection);
    let first = granted(&stage, &connection).await;
    let second = oauth()
        .renew(ctx, first.refresh.as_ref(), stage.hub.now())
        .await
        .unwrap();
    assert_ne!(second.access.expose(), first.access.expose());
    assert_ne!(
        second.refresh.as_ref().unwrap().expose(),
        first.refresh.as_ref().unwrap().expose()
    );
    let error = oauth()
        .renew(ctx, first.refresh.as_ref(), stage.hub.now())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_grant");
    oauth()
        .renew(ctx, second.refresh.as_ref(), stage.hub.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_expired_token_is_refused_as_such_and_a_revoked_grant_needs_a_person() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let grant = granted(&stage, &connection).await;
    let opened = with(&connection, &grant.access);
    signs().find(call(&stage, &opened), "x").await.unwrap();
    stage
        .control(Method::POST, SLUG, "grants/expire", Value::Null)
        .await;
    let error = signs().find(call(&stage, &opened), "x").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Auth, "AUTHORIZATION_INVALID_TOKEN")
    );
    stage
        .control(Method::POST, SLUG, "grants/revoke", Value::Null)
        .await;
    let error = oauth()
        .renew(call(&stage, &connection), grant.refresh.as_ref(), stage.hub.now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Configuration, "invalid_grant")
    );
    let error = oauth()
        .renew(call(&stage, &connection), None, stage.hub.now())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "consent_required");
}

#[tokio::test]
async fn who_does_not_consent_comes_back_without_a_code() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("consent", "refuse"));
    let back = consent(&stage, &stage.connection(SLUG)).await;
    assert_eq!(query(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&back, "code"), None);
}

#[tokio::test]
async fn a_signed_assertion_brings_a_token_after_somebody_consented_once() {
    let stage = open_stage!();
    put(&stage, |account| {
        account
            .with_secret("private_key", KEY)
            .with_setting("user_id", "user-1")
            .with_setting("consent_required", "true")
    });
    let mut connection = holding(&stage.connection(SLUG), &[], &[("private_key", KEY)]);
    connection.settings.insert("user_id".to_owned(), "user-1".into());
    assert!(oauth().stands_alone(&connection));
    let renew = async |connection: &Connection| {
        oauth()
            .renew(call(&stage, connection), None, stage.hub.now())
            .await
    };
    assert_eq!(renew(&connection).await.unwrap_err().code(), "consent_required");
    consent(&stage, &connection).await;
    let grant = renew(&connection).await.unwrap();
    assert_eq!((grant.life.as_secs(), grant.refresh.is_none()), (3600, true));
    signs()
        .find(call(&stage, &with(&connection, &grant.access)), "x")
        .await
        .unwrap();

    // On one line, as environment variables hold it.
    let one_line = holding(&connection, &[], &[("private_key", &KEY.replace('\n', "\\n"))]);
    renew(&one_line).await.unwrap();
    let mut stranger = connection.clone();
    stranger.settings.insert("user_id".to_owned(), "user-2".into());
    assert_eq!(renew(&stranger).await.unwrap_err().code(), "invalid_grant");
    let other_key = holding(
        &connection,
        &[],
        &[("private_key", include_str!("other_key.pem"))],
    );
    assert_eq!(
        renew(&other_key).await.unwrap_err().code(),
        "invalid_grant",
        "a signature of another key"
    );
    let no_key = holding(&connection, &[], &[("private_key", "-----BEGIN NOTHING-----")]);
    assert_eq!(renew(&no_key).await.unwrap_err().code(), "private_key_invalid");
}
