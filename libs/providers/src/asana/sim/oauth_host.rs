//! The OAuth host: consent page, and tokens with PKCE. A renewal brings no new refresh token; the old one stays good.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::Duration;

use super::grants::{Access, Code, Grants, keep, of_app};
use super::number;
use crate::kit::form;
use crate::sim::{Hub, form_fields, reply};

/// How long a code is good.
const CODE_LIFE: Duration = Duration::minutes(5);

/// The consent page, with a person in front of it who agrees at once.
pub(super) async fn authorize(
    State(hub): State<Hub>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let field = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let (app, redirect) = (field("client_id"), field("redirect_uri"));
    let Some(account) = of_app(&hub, app) else {
        return oauth_error("invalid_client", "The client_id is not known.");
    };
    let registered = account.setting("redirect_uris", "");
    let known = registered.is_empty() || registered.split_whitespace().any(|one| one == redirect);
    if redirect.is_empty() || !known {
        return oauth_error(
            "invalid_request",
            "The redirect_uri does not match that of the app.",
        );
    }
    let refused = account.setting("consent", "") == "refuse";
    let challenge = field("code_challenge");
    let proper = field("response_type") == "code"
        && (challenge.is_empty() || field("code_challenge_method") == "S256");
    let outcome = if refused {
        ("error", "access_denied".to_owned())
    } else if !proper {
        ("error", "invalid_request".to_owned())
    } else {
        let code = format!("{}.code", hub.id());
        let kept = Code {
            app: app.to_owned(),
            challenge: challenge.to_owned(),
            redirect_uri: redirect.to_owned(),
            expires: hub.now() + CODE_LIFE,
        };
        keep(&mut hub.own::<Grants>().given().codes, code.clone(), kept);
        ("code", code)
    };
    let query = form(&[("state", field("state")), (outcome.0, &outcome.1)]);
    let sign = if redirect.contains('?') { '&' } else { '?' };
    match HeaderValue::from_str(&format!("{redirect}{sign}{query}")) {
        Ok(url) => (StatusCode::FOUND, [(LOCATION, url)]).into_response(),
        Err(_) => oauth_error("invalid_request", "The redirect_uri is not valid."),
    }
}

/// The token endpoint.
pub(super) async fn token(State(hub): State<Hub>, body: Bytes) -> Response {
    let fields = form_fields(&body);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let app = field("client_id");
    let account = of_app(&hub, app).filter(|account| account.holds("client_secret", field("client_secret")));
    let Some(account) = account else {
        return oauth_error("invalid_client", "The client's id or secret is not right.");
    };
    let grants = hub.own::<Grants>();
    let mut given = grants.given();
    let refresh = match field("grant_type") {
        "authorization_code" => {
            // A code is used up by the first try, whatever comes of it.
            let code = given.codes.remove(field("code"));
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes()));
            let fits = code.is_some_and(|code| {
                code.app == app
                    && hub.now() < code.expires
                    && code.redirect_uri == field("redirect_uri")
                    && (code.challenge.is_empty() || code.challenge == challenge)
            });
            if !fits {
                return oauth_error(
                    "invalid_grant",
                    "The code is expired, used, or not this client's.",
                );
            }
            let refresh = format!("{}.refresh", hub.id());
            keep(&mut given.refresh, refresh.clone(), app.to_owned());
            Some(refresh)
        }
        "refresh_token" => {
            if given.refresh.get(field("refresh_token")).map(String::as_str) != Some(app) {
                return oauth_error("invalid_grant", "The refresh token is not valid.");
            }
            None
        }
        _ => return oauth_error("unsupported_grant_type", "This grant is not supported."),
    };
    let life = number(&account, "token_life_s", 3600);
    let access = format!("{}.access", hub.id());
    let expires = hub.now() + Duration::seconds(i64::try_from(life).unwrap_or(3600));
    let kept = Access {
        app: app.to_owned(),
        expires,
    };
    keep(&mut given.access, access.clone(), kept);
    let user = json!({"id": "1111", "gid": "1111", "name": "Ana Ruiz", "email": "ana@example.test"});
    let mut answer =
        json!({"access_token": access, "token_type": "bearer", "expires_in": life, "data": user});
    if let (Some(refresh), Some(answer)) = (refresh, answer.as_object_mut()) {
        answer.insert("refresh_token".to_owned(), json!(refresh));
    }
    reply(200, &answer)
}

fn oauth_error(error: &str, description: &str) -> Response {
    reply(400, &json!({"error": error, "error_description": description}))
}
