//! The simulator of DocuSign: OAuth host and REST host in one, envelopes with their signers, and Connect's webhooks.
//!
//! It refuses nothing that DocuSign's documentation does not refuse: a second create with the same `transactionId`
//! makes a second envelope, so that the journal shows who did not look first. Settings of an account steer it:
//!
//! | Setting | Meaning |
//! |---|---|
//! | `hourly_limit`, `burst_limit` | calls per clock hour (3000) and 30 s (500); 0 for no limit |
//! | `limit_style` | `429`, or `400` as until 2026 |
//! | `poll_interval_ms` | refuses a second status question for an envelope within this time; 0 (the default) only counts |
//! | `auto_sign_ms` | every signer opens and signs, one act after each such pause |
//! | `check_anchors` | `true`: an anchor that is in no document is refused |
//! | `connect_first_wait_ms`, `connect_attempts` | first wait (15000) and attempts (16) of an unanswered webhook; waits double up to a day |
//! | `token_life_s` | life of access tokens (28800) |
//! | `consent` | `refuse`: the consent page sends people back with `access_denied` |
//! | `consent_required` | `true`: the JWT grant is refused until somebody was on the consent page |
//! | `redirect_uris` | the registered ones, parted by blanks; any without it |
//! | `told_base_uri` | what `/oauth/userinfo` says; the simulator's own address without it |
//!
//! `callbacks` of the account: `duplicate`, `delay_ms`, `drop` (names of events, `*` for all), and `out_of_order`, which
//! holds an envelope's events back until it has ended and sends them in reverse. Each secret whose name begins with
//! `hmac_key` signs, in the order of the names.

mod caller;
mod connect;
mod control;
mod desk;
mod envelope;
mod grants;
mod intake;
mod oauth_host;
mod pdf;
mod rest;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

pub use desk::{Act, ActError, act};

use crate::sim::{Account, Hub, Simulator, reply_later};

const SLUG: &str = "docusign";

/// DocuSign's edge takes requests of 25 to 35 MB.
const MAX_REQUEST: usize = 35 * 1024 * 1024;

/// The simulator.
pub(crate) static SIMULATOR: Sim = Sim;

/// The simulator's type; its state is the hub's.
pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        let account = Router::new()
            .route("/envelopes", post(rest::create).get(rest::list))
            .route("/envelopes/{id}", get(rest::show).put(rest::change))
            .route("/envelopes/{id}/recipients", get(rest::recipients))
            .route("/envelopes/{id}/documents", get(rest::documents))
            .route("/envelopes/{id}/documents/{document}", get(rest::document))
            .layer(DefaultBodyLimit::max(MAX_REQUEST));
        Router::new()
            .route("/oauth/auth", get(oauth_host::authorize))
            .route("/oauth/token", post(oauth_host::token))
            .route("/oauth/userinfo", get(oauth_host::user_info))
            .nest("/restapi/v2.1/accounts/{account}", account)
    }

    fn control(&self) -> Router<Hub> {
        control::routes()
    }

    fn reset(&self, hub: &Hub) {
        hub.own::<desk::Desk>().reset();
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        let body = json!({"errorCode": "BURST_APIINVOCATION_LIMIT_EXCEEDED",
            "message": "The maximum number of burst API invocations has been exceeded."});
        reply_later(429, &body, retry_after_s)
    }

    fn rate_per_second(&self) -> u32 {
        0
    }
}

/// A refusal in DocuSign's form.
fn refuse(status: u16, code: &str, message: &str) -> Response {
    crate::sim::reply(status, &json!({"errorCode": code, "message": message}))
}

/// A number among an account's settings.
fn number(account: &Account, name: &str, default: u64) -> u64 {
    account.setting(name, "").parse().unwrap_or(default)
}
