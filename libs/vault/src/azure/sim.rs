//! Azure Key Vault as far as Puente uses it, for tests: tokens, keys of real RSA, wrap and unwrap, rotation,
//! and the refusals that operators meet.
//!
//! It wraps with an implementation of RSA that is not ours, so that both sides cannot share a mistake. Its keys live in
//! memory: what it wrapped is lost with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aes_gcm::aead::Generate as _;
use axum::extract::{Path, Query, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::PrivateKey;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

/// The application that may use the keys.
pub const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
/// Its directory.
pub const TENANT_ID: &str = "sim-directory";
/// Its secret.
pub const CLIENT_SECRET: &str = "sim-client-secret";
/// What the cluster writes into its token file.
pub const ASSERTION: &str = "sim.projected.token";

const BITS: usize = 2048;

const RESOURCE: &str = "https://vault.azure.net";

/// A vault with its log-in. Cloning is cheap.
#[derive(Clone)]
pub struct KeyVaultSim(Arc<Inner>);

#[derive(Default)]
struct Inner {
    base: String,
    keys: Mutex<BTreeMap<String, Vec<Version>>>,
    tokens: Mutex<Vec<String>>,
    switches: Switches,
    counts: Counts,
}

/// What goes wrong on purpose.
#[derive(Default)]
struct Switches {
    /// So many of the next calls are answered 429.
    throttled: AtomicU32,
    /// So many of the next calls are answered 503.
    down: AtomicU32,
    /// Calls are answered 403 while it is not zero.
    forbidden: AtomicU32,
    /// So many of the next token requests are refused as an assertion that has expired.
    expired: AtomicU32,
}

#[derive(Default)]
struct Counts {
    tokens: AtomicUsize,
    wraps: AtomicUsize,
    unwraps: AtomicUsize,
}

struct Version {
    id: String,
    key: PrivateKey,
}

impl KeyVaultSim {
    /// A vault without keys that will be reached under `base`, for example `http://127.0.0.1:4000`.
    #[must_use]
    pub fn at(base: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            base: base.into(),
            ..Inner::default()
        }))
    }

    /// Where it is reached; its log-in too.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// Makes a key, or the next version of one; gives its address with the version.
    ///
    /// # Errors
    /// When the machine has no randomness to give.
    pub fn rotate(&self, name: &str) -> Result<String, rsa::Error> {
        let random = <[u8; 16]>::try_generate().map_err(|_| rsa::Error::Rng)?;
        let key = PrivateKey::new(&mut getrandom::SysRng, BITS)?;
        let version = Version {
            id: hex::encode(random),
            key,
        };
        let kid = self.kid(name, &version.id);
        lock(&self.0.keys)
            .entry(name.to_owned())
            .or_default()
            .push(version);
        Ok(kid)
    }

    /// The address of a key without a version.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}/keys/{name}", self.0.base)
    }

    /// Deletes a key with all its versions.
    pub fn delete(&self, name: &str) {
        lock(&self.0.keys).remove(name);
    }

    /// Answers the next `calls` with 429.
    pub fn throttle(&self, calls: u32) {
        self.0.switches.throttled.store(calls, Ordering::SeqCst);
    }

    /// Answers the next `calls` with 503.
    pub fn fail(&self, calls: u32) {
        self.0.switches.down.store(calls, Ordering::SeqCst);
    }

    /// Takes our right to use keys, or gives it back.
    pub fn forbid(&self, forbidden: bool) {
        self.0
            .switches
            .forbidden
            .store(u32::from(forbidden), Ordering::SeqCst);
    }

    /// Refuses the next token requests as `AADSTS700024`.
    pub fn expire_assertions(&self, requests: u32) {
        self.0.switches.expired.store(requests, Ordering::SeqCst);
    }

    /// Makes every token given so far unknown.
    pub fn revoke_tokens(&self) {
        lock(&self.0.tokens).clear();
    }

    /// Tokens given, wraps and unwraps done.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let Counts {
            tokens,
            wraps,
            unwraps,
        } = &self.0.counts;
        let read = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (read(tokens), read(wraps), read(unwraps))
    }

    /// Its routes, to be served under its base.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/{directory}/oauth2/v2.0/token", post(token))
            .route("/keys/{name}", get(newest))
            .route("/keys/{name}/rotate", post(rotate))
            .route("/keys/{name}/{version}/wrapkey", post(wrap))
            .route("/keys/{name}/{version}/unwrapkey", post(unwrap))
            .with_state(self.clone())
    }

    fn kid(&self, name: &str, version: &str) -> String {
        format!("{}/keys/{name}/{version}", self.0.base)
    }

    /// What stands before every call on keys: rights, limits, the version of the interface.
    fn admit(&self, headers: &HeaderMap, query: &HashMap<String, String>) -> Result<(), Box<Response>> {
        let switches = &self.0.switches;
        if take(&switches.throttled) {
            let refused = refusal(429, "Throttled", "too many requests", None);
            return Err(Box::new(([(RETRY_AFTER, "1")], refused).into_response()));
        }
        if take(&switches.down) {
            return Err(Box::new(refusal(503, "ServiceUnavailable", "not now", None)));
        }
        let bearer = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let known = bearer.is_some_and(|token| lock(&self.0.tokens).iter().any(|given| given == token));
        if !known {
            let challenge = format!(
                r#"Bearer authorization="{}/{TENANT_ID}", resource="{RESOURCE}""#,
                self.0.base
            );
            let what = "AKV10000: Request is missing a Bearer or PoP token.";
            let refused = refusal(401, "Unauthorized", what, None);
            return Err(Box::new(
                ([(WWW_AUTHENTICATE, challenge)], refused).into_response(),
            ));
        }
        if switches.forbidden.load(Ordering::SeqCst) > 0 {
            let what = "Caller is not authorized to perform action on resource.";
            return Err(Box::new(refusal(403, "Forbidden", what, Some("ForbiddenByRbac"))));
        }
        if !query.contains_key("api-version") {
            let what = "api-version must be specified";
            return Err(Box::new(refusal(400, "BadParameter", what, None)));
        }
        Ok(())
    }

    /// Does something with one version of a key.
    fn with_version<T>(
        &self,
        name: &str,
        version: &str,
        work: impl FnOnce(&PrivateKey) -> Option<T>,
    ) -> Result<T, Box<Response>> {
        let keys = lock(&self.0.keys);
        let versions = keys.get(name).ok_or_else(|| Box::new(not_found(name)))?;
        let found = versions.iter().find(|known| known.id == version);
        let found = found.ok_or_else(|| Box::new(not_found(name)))?;
        work(&found.key).ok_or_else(|| {
            let what = "Key and algorithm RSA-OAEP-256 is not compatible or value is not base64url";
            Box::new(refusal(400, "BadParameter", what, None))
        })
    }
}

type Called = Result<Json<Value>, Box<Response>>;

fn answer(called: Called) -> Response {
    called.map_or_else(|refused| *refused, IntoResponse::into_response)
}

#[derive(Deserialize)]
struct TokenForm {
    grant_type: String,
    client_id: String,
    scope: String,
    client_secret: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
}

async fn token(
    State(sim): State<KeyVaultSim>,
    Path(directory): Path<String>,
    Form(form): Form<TokenForm>,
) -> Response {
    let refuse = |error: &str, description: &str| {
        let body = json!({"error": error, "error_description": description, "error_codes": []});
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    };
    if directory != TENANT_ID {
        return refuse("invalid_request", "AADSTS90002: Tenant not found.");
    }
    if form.grant_type != "client_credentials" || form.scope != format!("{RESOURCE}/.default") {
        return refuse("invalid_scope", "AADSTS70011: The scope is not valid.");
    }
    if form.client_id != CLIENT_ID {
        return refuse("unauthorized_client", "AADSTS700016: Application not found.");
    }
    if take(&sim.0.switches.expired) {
        return refuse(
            "invalid_client",
            "AADSTS700024: Client assertion is not within its valid time range.",
        );
    }
    let assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let proved = form.client_secret.as_deref() == Some(CLIENT_SECRET)
        || (form.client_assertion_type.as_deref() == Some(assertion_type)
            && form.client_assertion.as_deref() == Some(ASSERTION));
    if !proved {
        return refuse("invalid_client", "AADSTS7000215: Invalid client secret provided.");
    }
    let number = sim.0.counts.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    let token = format!("sim-vault-token-{number}");
    lock(&sim.0.tokens).push(token.clone());
    let body =
        json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token});
    Json(body).into_response()
}

async fn newest(
    State(sim): State<KeyVaultSim>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    answer(sim.admit(&headers, &query).and_then(|()| {
        let keys = lock(&sim.0.keys);
        let newest = keys.get(&name).and_then(|versions| versions.last());
        let newest = newest.ok_or_else(|| Box::new(not_found(&name)))?;
        let kid = sim.kid(&name, &newest.id);
        Ok(Json(
            json!({"key": {"kid": kid, "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey"]}, "attributes": {"enabled": true}}),
        ))
    }))
}

async fn rotate(
    State(sim): State<KeyVaultSim>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    answer(sim.admit(&headers, &query).and_then(|()| {
        if !lock(&sim.0.keys).contains_key(&name) {
            return Err(Box::new(not_found(&name)));
        }
        let kid = sim.rotate(&name).map_err(|_| {
            let what = "no new version could be made";
            Box::new(refusal(500, "InternalServerError", what, None))
        })?;
        Ok(Json(json!({"key": {"kid": kid, "kty": "RSA"}})))
    }))
}

#[derive(Deserialize)]
struct Operation {
    alg: String,
    value: String,
}

impl Operation {
    fn bytes(&self) -> Option<Vec<u8>> {
        (self.alg == "RSA-OAEP-256")
            .then(|| URL_SAFE_NO_PAD.decode(&self.value).ok())
            .flatten()
    }
}

async fn wrap(
    State(sim): State<KeyVaultSim>,
    Path((name, version)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(operation): Json<Operation>,
) -> Response {
    answer(sim.admit(&headers, &query).and_then(|()| {
        let wrapped = sim.with_version(&name, &version, |key| {
            let public = key.to_public_key();
            public.oaep_encrypt::<Sha256>(&operation.bytes()?).ok()
        })?;
        sim.0.counts.wraps.fetch_add(1, Ordering::SeqCst);
        let value = URL_SAFE_NO_PAD.encode(wrapped);
        Ok(Json(json!({"kid": sim.kid(&name, &version), "value": value})))
    }))
}

async fn unwrap(
    State(sim): State<KeyVaultSim>,
    Path((name, version)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(operation): Json<Operation>,
) -> Response {
    answer(sim.admit(&headers, &query).and_then(|()| {
        let plain = sim.with_version(&name, &version, |key| {
            key.oaep_decrypt::<Sha256>(&operation.bytes()?).ok()
        })?;
        sim.0.counts.unwraps.fetch_add(1, Ordering::SeqCst);
        let value = URL_SAFE_NO_PAD.encode(plain);
        Ok(Json(json!({"kid": sim.kid(&name, &version), "value": value})))
    }))
}

fn not_found(name: &str) -> Response {
    let what = format!("A key with (name/id) {name} was not found in this key vault.");
    refusal(404, "KeyNotFound", &what, None)
}

fn refusal(status: u16, code: &str, message: &str, inner: Option<&str>) -> Response {
    let mut error = json!({"code": code, "message": message});
    if let (Some(inner), Some(error)) = (inner, error.as_object_mut()) {
        error.insert("innererror".to_owned(), json!({"code": inner}));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(json!({"error": error}))).into_response()
}

/// Takes one off a counter; says whether there was one.
fn take(left: &AtomicU32) -> bool {
    let less = |n: u32| n.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
