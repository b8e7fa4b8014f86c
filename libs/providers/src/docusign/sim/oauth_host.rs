//! The OAuth host: consent page, tokens with PKCE, refresh with rotation, the JWT grant, and `/oauth/userinfo`.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, HOST, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::Duration;

use super::SLUG;
use super::grants::{Code, Grants, issue, keep, of_app};
use crate::docusign::jwt;
use crate::kit::encode;
use crate::sim::{Hub, form_fields, reply};

/// How long a code is good.
const CODE_LIFE: Duration = Duration::minutes(2);
/// The hosts that an assertion may be meant for.
const AUDIENCES: [&str; 2] = ["account-d.docusign.com", "account.docusign.com"];

type Fields = BTreeMap<String, String>;

/// The consent page, with a person in front of it who agrees at once.
pub(super) async fn authorize(State(hub): State<Hub>, Query(asked): Query<Fields>) -> Response {
    let field = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let (app, redirect) = (field("client_id"), field("redirect_uri"));
    let Some(account) = of_app(&hub, app) else {
        return oauth_error(400, "invalid_client", "The client id is not registered.");
    };
    let registered = account.setting("redirect_uris", "");
    if redirect.is_empty()
        || !(registered.is_empty() || registered.split_whitespace().any(|one| one == redirect))
    {
        return oauth_error(
            400,
            "invalid_request",
            "The redirect URI is not registered properly with DocuSign.",
        );
    }
    let mut back = vec![("state", field("state").to_owned())];
    if account.setting("consent", "") == "refuse" {
        back.push(("error", "access_denied".to_owned()));
    } else if field("response_type") != "code"
        || (!field("code_challenge").is_empty() && field("code_challenge_method") != "S256")
    {
        back.push(("error", "invalid_request".to_owned()));
    } else {
        let grants = hub.own::<Grants>();
        let mut given = grants.given();
        given.consented.insert(app.to_owned());
        let code = format!("{}.code", hub.id());
        let kept = Code {
            app: app.to_owned(),
            challenge: field("code_challenge").to_owned(),
            expires: hub.now() + CODE_LIFE,
        };
        keep(&mut given.codes, code.clone(), kept);
        back.push(("code", code));
    }
    let query: Vec<String> = back
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let sign = if redirect.contains('?') { '&' } else { '?' };
    match HeaderValue::from_str(&format!("{redirect}{sign}{}", query.join("&"))) {
        Ok(url) => (StatusCode::FOUND, [(LOCATION, url)]).into_response(),
        Err(_) => oauth_error(400, "invalid_request", "The redirect URI is not valid."),
    }
}

/// The token endpoint.
pub(super) async fn token(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = form_fields(&body);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return assertion(&hub, field("assertion"));
    }
    let (app, secret) = basic(&headers).unwrap_or_else(|| (field("client_id").to_owned(), String::new()));
    let Some(account) = of_app(&hub, &app) else {
        return oauth_error(401, "invalid_client", "The client is not known.");
    };
    let confidential = account.secrets.contains_key("secret_key");
    if confidential && !account.holds("secret_key", &secret) {
        return oauth_error(401, "invalid_client", "The client's secret is not right.");
    }
    let grants = hub.own::<Grants>();
    let mut given = grants.given();
    match field("grant_type") {
        "authorization_code" => {
            // A code is used up by the first try, whatever comes of it.
            let code = given.codes.remove(field("code"));
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes()));
            let fits = code.is_some_and(|code| {
                let proved = if code.challenge.is_empty() {
                    confidential
                } else {
                    code.challenge == challenge
                };
                code.app == app && hub.now() < code.expires && proved
            });
            if !fits {
                return oauth_error(
                    400,
                    "invalid_grant",
                    "The code is expired, used, or not this client's.",
                );
            }
        }
        "refresh_token" => {
            if given.refresh.remove(field("refresh_token")).as_deref() != Some(app.as_str()) {
                return oauth_error(400, "invalid_grant", "The refresh token is expired or was used.");
            }
        }
        _ => return oauth_error(400, "unsupported_grant_type", "This grant is not supported."),
    }
    issue(&hub, &mut given, &account, &app, true)
}

/// The JWT grant: the assertion is checked as far as the account holds what is needed for it.
fn assertion(hub: &Hub, text: &str) -> Response {
    let refused = |why: &str| oauth_error(400, "invalid_grant", why);
    let Some((signed, signature)) = text.rsplit_once('.') else {
        return refused("no assertion");
    };
    let part = |at: usize| -> Value {
        let text = signed.split('.').nth(at).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    };
    let (header, claims) = (part(0), part(1));
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
    let Some(account) = of_app(hub, claim("iss")) else {
        return refused("no_valid_keys_or_signatures");
    };
    let now = hub.now().unix_timestamp();
    let user = account.setting("user_id", "");
    if header.get("alg").and_then(Value::as_str) != Some("RS256")
        || !AUDIENCES.contains(&claim("aud"))
        || !(now - 300..=now + 3600 + 300).contains(&time("exp"))
        || !(user.is_empty() || claim("sub") == user)
    {
        return refused("issuer, user, audience or time is not right");
    }
    if let Some(pem) = account.secrets.get("private_key") {
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let good = jwt::key(pem).is_ok_and(|key| {
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
            public.verify(signed.as_bytes(), &signature).is_ok()
        });
        if !good {
            return refused("no_valid_keys_or_signatures");
        }
    }
    let grants = hub.own::<Grants>();
    let mut given = grants.given();
    let app = claim("iss");
    if account.setting("consent_required", "") == "true" && !given.consented.contains(app) {
        return oauth_error(400, "consent_required", "The user has not consented.");
    }
    issue(hub, &mut given, &account, app, false)
}

/// Who a token is for, and the accounts they may use; the first is the default one.
pub(super) async fn user_info(State(hub): State<Hub>, headers: HeaderMap) -> Response {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let token = text(AUTHORIZATION)
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let accounts = hub.own::<Grants>().accounts(&hub, token);
    let Some(first) = accounts.first() else {
        return oauth_error(401, "invalid_token", "The access token is not valid.");
    };
    let here = format!("http://{}/sim/{SLUG}", text(HOST).unwrap_or("127.0.0.1"));
    let list: Vec<Value> = accounts
        .iter()
        .enumerate()
        .map(|(at, account)| {
            json!({"account_id": account.account, "is_default": at == 0, "account_name": account.tenant,
                "base_uri": account.setting("told_base_uri", &here)})
        })
        .collect();
    let user = first.setting("user_id", "4214323f-0000-4a0e-80f7-37b3ea7d8665");
    reply(
        200,
        &json!({"sub": user, "name": "Ana Ruiz", "given_name": "Ana", "family_name": "Ruiz",
            "created": "2025-11-03T10:00:00.0000000", "email": "ana@example.test", "accounts": list}),
    )
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn oauth_error(status: u16, error: &str, description: &str) -> Response {
    reply(status, &json!({"error": error, "error_description": description}))
}
