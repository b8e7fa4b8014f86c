//! Control paths of its own: what people do, and what becomes of grants.
//!
//! ```text
//! GET  _control/envelopes                        every envelope: states, signers, questions asked
//! POST _control/envelopes/{id}/signers/{signer}  {"does": "open" | "sign" | "decline", "reason": "…"}
//! POST _control/grants/expire                    every access token ends now; refresh tokens stay
//! POST _control/grants/revoke                    every token and consent is gone
//! ```

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::desk::{Act, ActError, Desk, act};
use super::grants::Grants;
use crate::sim::{Hub, reply};

pub(super) fn routes() -> Router<Hub> {
    Router::new()
        .route("/envelopes", get(envelopes))
        .route("/envelopes/{id}/signers/{signer}", post(do_it))
        .route("/grants/expire", post(expire))
        .route("/grants/revoke", post(revoke))
}

async fn envelopes(State(hub): State<Hub>) -> Response {
    let desk = hub.own::<Desk>();
    let shelf = desk.shelf();
    let all: Vec<Value> = shelf
        .envelopes
        .values()
        .map(|envelope| {
            json!({"account": envelope.account, "envelope": envelope.shown(true, true), "polls": envelope.polls,
                "shortest_poll_ms": envelope.shortest_poll_ms})
        })
        .collect();
    reply(200, &json!({ "envelopes": all }))
}

async fn do_it(
    State(hub): State<Hub>,
    Path((envelope, signer)): Path<(String, String)>,
    Json(what): Json<Act>,
) -> Response {
    match act(&hub, &envelope, &signer, &what) {
        Ok(()) => reply(200, &json!({})),
        Err(ActError::Unknown) => reply(404, &json!({"error": "no such envelope or signer"})),
        Err(ActError::NotNow) => reply(
            409,
            &json!({"error": "it is not this signer's turn, or the envelope has ended"}),
        ),
    }
}

async fn expire(State(hub): State<Hub>) -> Response {
    hub.own::<Grants>().expire();
    reply(200, &json!({}))
}

async fn revoke(State(hub): State<Hub>) -> Response {
    hub.own::<Grants>().revoke();
    reply(200, &json!({}))
}
