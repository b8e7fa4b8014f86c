//! The simulator of Azure AI Vision: Image Analysis 4.0 and Read 3.2 with its operations.
//!
//! What it reads is told by `sim/reading.rs`. An account is a resource; its secret `key` (or `key_2`) or `access_token`
//! opens it. Its setting `tier` of `F0` holds pictures for 3.2 to 4 MB; `error_style` of `wrapped` writes the refusals of
//! 3.2 as some gateways do. Each picture that is read is in the journal, with its SHA-256 as the recipient.

mod analysis;
mod operations;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use crate::sim::reading;
use crate::sim::{Account, Effect, Hub, Limit, Simulator, bare, reply, reply_later};

const SLUG: &str = "azure_vision";
/// What a request may have; the interfaces' own limits lie below and are refused with their words.
const MAX_REQUEST: usize = 32 * 1024 * 1024;

/// The simulator.
pub(crate) static SIMULATOR: Sim = Sim;

/// The simulator's type; its state is the hub's.
pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        Router::new()
            .route("/computervision/imageanalysis:analyze", post(analysis::analyze))
            .route("/vision/v3.2/read/analyze", post(operations::begin))
            .route(
                "/vision/v3.2/read/analyzeResults/{operation}",
                get(operations::result),
            )
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
    }

    fn control(&self) -> Router<Hub> {
        reading::control(SLUG)
    }

    fn reset(&self, hub: &Hub) {
        hub.own::<operations::Operations>().forget();
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        let seconds = retry_after_s.unwrap_or(1);
        let message = format!(
            "Requests to the Computer Vision API Operation under Computer Vision API have exceeded call rate limit of your current ComputerVision S1 pricing tier. Please retry after {seconds} seconds."
        );
        reply_later(
            429,
            &json!({"error": {"code": "429", "message": message}}),
            Some(seconds),
        )
    }

    fn rate_per_second(&self) -> u32 {
        10
    }
}

/// The account of the key or token, or the gateway's refusal.
fn authorised(hub: &Hub, headers: &HeaderMap) -> Result<Arc<Account>, Box<Response>> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let key = text("ocp-apim-subscription-key");
    let token = text(header::AUTHORIZATION.as_str())
        .strip_prefix("Bearer ")
        .unwrap_or_default();
    let known = |account: &Arc<Account>| {
        account.holds("key", key) || account.holds("key_2", key) || account.holds("access_token", token)
    };
    hub.accounts(SLUG).into_iter().find(known).ok_or_else(|| {
        let message = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.";
        Box::new(reply(401, &json!({"error": {"code": "401", "message": message}})))
    })
}

/// Writes the journal, which holds the limits too.
fn carry_out(
    hub: &Hub,
    account: &Account,
    operation: &'static str,
    sha256: &str,
) -> Result<(), Box<Response>> {
    let effect = Effect {
        operation,
        recipient: sha256.to_owned(),
        ..Effect::default()
    };
    match hub.carry_out(SLUG, account, effect) {
        Ok(_) => Ok(()),
        Err(Limit::JournalFull) => Err(Box::new(bare(500))),
        Err(_) => Err(Box::new(SIMULATOR.rate_limited(Some(1)))),
    }
}

fn is_binary(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/octet-stream"))
}
