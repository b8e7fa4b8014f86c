//! The simulator of Jelou: session messages, templates, files of messages (`sim/media.rs`), and the webhooks of all its
//! families.
//!
//! The account's setting `inbound_family` chooses how people's messages come: `support` (default), `channel`, `legacy`.
//! A webhook is tried once; delivery events are unsigned but for the endpoint's credential or our proxy's signature.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use puente_webhook_auth::{Encoding, sign};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sim::{
    Account, Effect, Entry, Hub, Inbound, Limit, SimError, Simulator, Webhook, bare, media, reply,
    reply_later,
};

const SLUG: &str = "jelou";

/// The simulator.
pub(crate) static SIMULATOR: Sim = Sim;

/// The simulator's type; its state is the hub's.
pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        Router::new()
            .route("/v1/bots/{bot}/messages", post(messages))
            .route("/v2/whatsapp/{bot}/hsm", post(hsm))
            .route("/v1/bots/{bot}/templates", get(templates))
            .route("/media/{file}", get(file))
    }

    fn control(&self) -> Router<Hub> {
        media::control(SLUG)
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        reply_later(
            429,
            &error("E0429", "TOO_MANY_REQUESTS", "too many requests"),
            retry_after_s,
        )
    }

    fn inbound(&self, hub: &Hub, account: &Account, message: &Inbound) -> Result<Webhook, SimError> {
        let id = message.id.clone().unwrap_or_else(|| hub.id().to_string());
        let (now, from) = (millis(hub), &message.from);
        // The id of a file that the simulator keeps becomes the link to it; anything else is told as it is.
        let place = hub.file(SLUG, &message.payload).map_or_else(
            || message.payload.clone(),
            |_| {
                let (here, id) = (hub.own_address(SLUG, account), &message.payload);
                format!("{here}/media/{id}?{}", media::ticket(hub, account, id))
            },
        );
        match account.setting("inbound_family", "support") {
            "channel" => {
                let what = json!({"messageId": id, "type": message.kind.to_uppercase(), "text": message.text, "mediaUrl": place});
                signed(
                    account,
                    &json!({"event": "message", "botId": account.account, "userId": from, "message": what}),
                )
            }
            "legacy" => unsigned(
                hub,
                account,
                &json!({
                "messageId": id, "bubble": {"type": message.kind, "text": message.text, "mediaUrl": Some(&place).filter(|place| !place.is_empty())},
                "names": message.name, "userId": from, "botId": account.account, "received": now,
                "status": "created", "owner": "user"}),
            ),
            _ => {
                let content = match message.kind.as_str() {
                    "text" => json!({"body": message.text}),
                    "location" => {
                        let (lat, lng) = message.payload.split_once(',').unwrap_or(("0", "0"));
                        json!({"lat": lat, "lng": lng, "name": message.text})
                    }
                    "buttons" => json!({"title": message.text, "payload": message.payload}),
                    _ => json!({"url": place, "caption": message.text}),
                };
                signed(
                    account,
                    &json!({
                    "field": "messages", "object": "message_event", "event_type": "message", "timestamp": now,
                    "project_id": "p1", "room_id": format!("room-{from}"), "contact": {"id": from, "name": message.name},
                    "conversation": {"id": format!("c-{from}")}, "bot": {"id": account.account, "name": "Bot"},
                    "value": {"id": id, "type": message.kind, "content": content}}),
                )
            }
        }
    }

    fn receipt(&self, hub: &Hub, account: &Account, sent: &Entry, state: &str) -> Result<Webhook, SimError> {
        let event = match state {
            "sent" => "delivered_channel",
            "delivered" => "delivered_user",
            other => other,
        };
        let mut body = json!({"event": event, "messageId": sent.provider_message_id, "userId": sent.recipient,
            "botId": sent.account, "timestamp": millis(hub)});
        if let (true, Some(fields)) = (state == "failed", body.as_object_mut()) {
            let code = account
                .failing
                .get(&sent.recipient)
                .map_or("131026", String::as_str);
            fields.insert(
                "error".to_owned(),
                json!({"code": code, "message": "Message undeliverable"}),
            );
        }
        unsigned(hub, account, &body)
    }

    fn rate_per_second(&self) -> u32 {
        10
    }
}

fn millis(hub: &Hub) -> i64 {
    i64::try_from(hub.now().unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

/// A webhook of the signed families.
fn signed(account: &Account, body: &Value) -> Result<Webhook, SimError> {
    let secret = account
        .secrets
        .get("signing_secret")
        .ok_or(SimError::NoSecret("signing_secret"))?;
    let body = body.to_string();
    let signature = sign(secret, "sha256=", Encoding::Hex, &[body.as_bytes()]);
    let mut extra = vec![("x-jelou-signature".to_owned(), signature)];
    if let Some(credential) = account.secrets.get("channel_credential") {
        extra.push(("x-api-key".to_owned(), credential.expose().to_owned()));
    }
    webhook(account, body, extra)
}

/// A webhook of the families without a signature of Jelou's.
fn unsigned(hub: &Hub, account: &Account, body: &Value) -> Result<Webhook, SimError> {
    let body = body.to_string();
    let mut extra = Vec::new();
    if let Some(credential) = account.secrets.get("endpoint_credential") {
        extra.push(("authorization".to_owned(), credential.expose().to_owned()));
    }
    if let Some(secret) = account.secrets.get("proxy_secret") {
        let at = hub.now().unix_timestamp().to_string();
        let signature = sign(
            secret,
            "v1=",
            Encoding::Hex,
            &[at.as_bytes(), b".", body.as_bytes()],
        );
        extra.push(("x-puente-timestamp".to_owned(), at));
        extra.push(("x-puente-signature".to_owned(), signature));
    }
    webhook(account, body, extra)
}

fn webhook(account: &Account, body: String, extra: Vec<(String, String)>) -> Result<Webhook, SimError> {
    let url = account.webhook_url.clone().ok_or(SimError::NoWebhookUrl)?;
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(extra);
    Ok(Webhook {
        url,
        headers,
        body: Bytes::from(body),
    })
}

fn error(code: &str, key: &str, message: &str) -> Value {
    json!({"message": [message], "statusMessage": "failed", "status": 0, "error": {"code": code, "key": key,
        "description": message, "developerMessages": {"es": message, "en": message},
        "clientMessages": {"es": message, "en": message}}})
}

fn invalid(message: &str) -> Response {
    reply(422, &error("E0422", "VALIDATOR_ERROR", message))
}

/// The account of a key pair, if it is the bot's.
fn authorised(hub: &Hub, headers: &HeaderMap, bot: &str) -> Result<Arc<Account>, Box<Response>> {
    let pair = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|encoded| String::from_utf8(STANDARD.decode(encoded).ok()?).ok());
    let (id, secret) = pair
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .unwrap_or_default();
    let known: Vec<_> = hub
        .accounts(SLUG)
        .into_iter()
        .filter(|a| a.holds("client_id", id) && a.holds("client_secret", secret))
        .collect();
    if known.is_empty() {
        return Err(Box::new(reply(
            401,
            &error("E0401", "UNAUTHORIZED", "the API key is not valid"),
        )));
    }
    let own = known.into_iter().find(|account| account.account == bot);
    own.ok_or_else(|| Box::new(reply(404, &error("E0404", "NOT_FOUND", "the bot was not found"))))
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

/// A file's bytes, by a link that proves itself. Who brings the key pair along has told it to a stranger, and is refused.
async fn file(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(ticket): Query<media::Ticket>,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) || ticket.mid != id {
        return bare(400);
    }
    media::open(&hub, SLUG, &ticket)
}

async fn messages(
    State(hub): State<Hub>,
    Path(bot): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let account = match authorised(&hub, &headers, &bot) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (user, text) = (field("userId"), field("text"));
    if user.is_empty() {
        return invalid("userId must be a string");
    }
    if field("type") != "text" || text.is_empty() {
        return invalid("text must be a string");
    }
    let effect = Effect {
        operation: "messages.send",
        recipient: user.to_owned(),
        text: text.to_owned(),
        ..Effect::default()
    };
    match carry_out(&hub, account, &headers, effect).await {
        Ok(sent) => reply(201, &json!({"messageId": sent.provider_message_id})),
        Err(refused) => *refused,
    }
}

async fn hsm(State(hub): State<Hub>, Path(bot): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let account = match authorised(&hub, &headers, &bot) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let list = |name: &str| -> Option<Vec<String>> {
        body.get(name)?
            .as_array()?
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let Some(name) = body.get("elementName").and_then(Value::as_str) else {
        return invalid("elementName must be a string");
    };
    let Some(parameters) = list("parameters") else {
        return invalid("parameters must be an array");
    };
    let Some(destinations) = list("destinations").filter(|all| !all.is_empty()) else {
        return invalid("destinations must be an array");
    };
    let known = account
        .templates
        .iter()
        .find(|template| template.name == name && template.status == "APPROVED");
    if !account.templates.is_empty() && known.is_none() {
        return reply(404, &error("E0404", "NOT_FOUND", "the template was not found"));
    }
    if known.is_some_and(|template| crate::kit::placeholders(&template.body) != parameters.len()) {
        return invalid("parameters do not match the template");
    }
    let mut answer = Vec::new();
    for destination in destinations {
        let (operation, text) = ("templates.send", parameters.join("\n"));
        let effect = Effect {
            operation,
            recipient: destination,
            text,
            template: Some(name.to_owned()),
            ..Effect::default()
        };
        match carry_out(&hub, Arc::clone(&account), &headers, effect).await {
            Ok(sent) => answer.push(json!({"id": sent.provider_message_id, "destination": sent.recipient})),
            Err(refused) => return *refused,
        }
    }
    reply(200, &json!(answer))
}

async fn carry_out(
    hub: &Hub,
    account: Arc<Account>,
    headers: &HeaderMap,
    mut effect: Effect,
) -> Result<Entry, Box<Response>> {
    effect.idempotency_key = request_id(headers);
    effect.reference = effect.idempotency_key.clone();
    match hub.carry_out(SLUG, &account, effect) {
        Ok(sent) => {
            hub.report(SLUG, account, sent.clone()).await;
            Ok(sent)
        }
        Err(Limit::Rate | Limit::Pair) => Err(Box::new(SIMULATOR.rate_limited(Some(1)))),
        Err(Limit::Session) => Err(Box::new(reply(
            400,
            &error("E0400", "OUT_OF_SESSION", "the session is closed"),
        ))),
        Err(Limit::JournalFull) => Err(Box::new(reply(
            500,
            &error("E0000", "UNKNOWN_ERROR", "the journal is full"),
        ))),
    }
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    query: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    category: String,
}

async fn templates(
    State(hub): State<Hub>,
    Path(bot): Path<String>,
    Query(wanted): Query<Listing>,
    headers: HeaderMap,
) -> Response {
    let account = match authorised(&hub, &headers, &bot) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let fits = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
    let list: Vec<Value> = account
        .templates
        .iter()
        .filter(|t| fits(&wanted.status, &t.status) && fits(&wanted.category, &t.category) && t.name.contains(&wanted.query))
        .map(|t| json!({"elementName": t.name, "language": t.language, "status": t.status, "category": t.category, "template": t.body}))
        .collect();
    reply(200, &json!(list))
}
