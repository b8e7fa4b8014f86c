//! The simulator of __Name__.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use puente_webhook_auth::{Encoding, sign};
use serde_json::{Value, json};

use crate::sim::{
    Account, Effect, Entry, Hub, Inbound, SimError, Simulator, Webhook, media, reply, reply_later,
};

pub(crate) static SIMULATOR: Sim = Sim;

pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        Router::new()
            .route("/accounts/{account}/messages", post(messages))
            .route("/accounts/{account}/media/{id}", get(file))
    }

    fn control(&self) -> Router<Hub> {
        media::control("__slug__")
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        reply_later(429, &json!({"code": "rate_limited"}), retry_after_s)
    }

    fn inbound(&self, hub: &Hub, account: &Account, message: &Inbound) -> Result<Webhook, SimError> {
        let id = message.id.clone().unwrap_or_else(|| hub.id().to_string());
        signed(
            account,
            &json!({"event": "message", "id": id, "account": account.account, "from": message.from,
            "name": message.name, "text": message.text, "timestamp": hub.now().unix_timestamp()}),
        )
    }

    fn receipt(&self, hub: &Hub, account: &Account, sent: &Entry, state: &str) -> Result<Webhook, SimError> {
        signed(
            account,
            &json!({"event": "status", "id": sent.provider_message_id, "account": account.account,
            "status": state, "text": account.failing.get(&sent.recipient), "timestamp": hub.now().unix_timestamp()}),
        )
    }

    fn rate_per_second(&self) -> u32 {
        10
    }
}

fn signed(account: &Account, body: &Value) -> Result<Webhook, SimError> {
    let url = account.webhook_url.clone().ok_or(SimError::NoWebhookUrl)?;
    let secret = account
        .secrets
        .get("webhook_secret")
        .ok_or(SimError::NoSecret("webhook_secret"))?;
    let body = Bytes::from(body.to_string());
    let headers = vec![(
        "x-signature".to_owned(),
        sign(secret, "sha256=", Encoding::Hex, &[&body]),
    )];
    Ok(Webhook { url, headers, body })
}

/// The account of a key, if it is the one that is asked for.
fn authorised(hub: &Hub, headers: &HeaderMap, id: &str) -> Option<Arc<Account>> {
    let token = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    let account = hub.account("__slug__", id)?;
    account.holds("api_key", token).then_some(account)
}

/// A file that somebody sent, put there by `_control/media`.
async fn file(
    State(hub): State<Hub>,
    Path((account, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    match authorised(&hub, &headers, &account) {
        Some(_) => media::bytes(&hub, "__slug__", &id),
        None => reply(401, &json!({"code": "unauthorized"})),
    }
}

async fn messages(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(account) = authorised(&hub, &headers, &id) else {
        return reply(401, &json!({"code": "unauthorized"}));
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let field = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (recipient, text, reference) = (field("to"), field("text"), Some(field("reference")));
    let effect = Effect {
        operation: "messages.send",
        recipient,
        text,
        reference,
        ..Effect::default()
    };
    let Ok(sent) = hub.carry_out("__slug__", &account, effect) else {
        return SIMULATOR.rate_limited(Some(1));
    };
    let answer = json!({"id": sent.provider_message_id});
    hub.report("__slug__", account, sent).await;
    reply(200, &answer)
}
