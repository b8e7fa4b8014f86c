//! The control paths, for tests that steer a simulator from another process.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::sim::{Account, Fault, Hub, Inbound, SimError, reply};

type Of = State<(Hub, &'static str)>;

/// One account or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Accounts {
    One(Box<Account>),
    Many(Vec<Account>),
}

/// The control paths of one simulator.
pub(super) fn routes(hub: Hub, slug: &'static str) -> Router {
    Router::new()
        .route("/_control/journal", get(journal))
        .route("/_control/faults", post(add_fault).delete(clear_faults))
        .route("/_control/accounts", put(put_accounts))
        .route("/_control/inbound", post(inbound))
        .route("/_control/callbacks", get(callbacks))
        .route("/_control/reset", post(reset))
        .with_state((hub, slug))
}

async fn journal(State((hub, slug)): Of) -> Response {
    reply(200, &json!({ "entries": hub.journal(slug) }))
}

async fn callbacks(State((hub, slug)): Of) -> Response {
    reply(200, &json!(hub.callbacks(slug)))
}

async fn add_fault(State((hub, slug)): Of, Json(fault): Json<Fault>) -> Response {
    hub.fault(slug, fault);
    reply(200, &json!({}))
}

async fn clear_faults(State((hub, slug)): Of) -> Response {
    hub.clear_faults(slug);
    reply(200, &json!({}))
}

async fn put_accounts(State((hub, slug)): Of, Json(accounts): Json<Accounts>) -> Response {
    match accounts {
        Accounts::One(account) => hub.put_account(slug, *account),
        Accounts::Many(accounts) => accounts
            .into_iter()
            .for_each(|account| hub.put_account(slug, account)),
    }
    reply(200, &json!({}))
}

async fn reset(State((hub, slug)): Of) -> Response {
    hub.reset(slug);
    reply(200, &json!({}))
}

/// Sends the webhook once, without the vendor's repeats, so that the caller sees what became of it.
async fn inbound(State((hub, slug)): Of, Json(message): Json<Inbound>) -> Response {
    let webhook = match hub.webhook(slug, &message) {
        Ok(webhook) => webhook,
        Err(error @ (SimError::NoAccount | SimError::NoProvider)) => {
            return reply(404, &json!({"error": error.to_string()}));
        }
        Err(error) => return reply(422, &json!({"error": error.to_string()})),
    };
    match hub.0.poster.post(&webhook).await {
        Ok(status) => reply(200, &json!({ "status": status })),
        Err(error) => reply(502, &json!({"error": error.to_string()})),
    }
}
