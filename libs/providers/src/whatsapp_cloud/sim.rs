//! The simulator of the Cloud API: sending, listing templates, files of messages (`sim/media.rs`), and signed webhooks in
//! Meta's escaped ASCII.

mod files;

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

use crate::kit::{placeholders, split_reference};
use crate::sim::{
    Account, Effect, Entry, Hub, Inbound, Limit, SimError, Simulator, Webhook, media, reply, reply_later,
};

const SLUG: &str = "whatsapp_cloud";

/// The simulator.
pub(crate) static SIMULATOR: Sim = Sim;

/// The simulator's type; its state is the hub's.
pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        Router::new()
            .route("/{version}/{id}/messages", post(messages))
            .route("/{version}/{id}/message_templates", get(templates))
            .route("/{version}/{id}", get(files::place))
            .route("/whatsapp_business/attachments/", get(files::attachment))
    }

    fn control(&self) -> Router<Hub> {
        media::control(SLUG)
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        reply_later(
            429,
            &error(
                130_429,
                "Rate limit hit",
                "Cloud API message throughput has been reached.",
            ),
            retry_after_s,
        )
    }

    fn inbound(&self, hub: &Hub, account: &Account, message: &Inbound) -> Result<Webhook, SimError> {
        let id = message.id.clone().unwrap_or_else(|| wamid(hub));
        let mut body = json!({
            "from": message.from, "id": id, "timestamp": hub.now().unix_timestamp().to_string(), "type": message.kind,
        });
        if let (Some(fields), Some((name, content))) = (body.as_object_mut(), content(hub, message)) {
            fields.insert(name.to_owned(), content);
            if let Some(id) = &message.reply_to {
                fields.insert("context".to_owned(), json!({"from": display(account), "id": id}));
            }
        }
        let contacts = json!([{"profile": {"name": message.name}, "wa_id": message.from}]);
        webhook(account, json!({"contacts": contacts, "messages": [body]}))
    }

    fn receipt(&self, hub: &Hub, account: &Account, sent: &Entry, state: &str) -> Result<Webhook, SimError> {
        let mut status = json!({
            "id": sent.provider_message_id, "status": state, "timestamp": hub.now().unix_timestamp().to_string(),
            "recipient_id": sent.recipient.trim_start_matches('+'),
        });
        if let Some(fields) = status.as_object_mut() {
            if let Some(opaque) = &sent.opaque {
                fields.insert("biz_opaque_callback_data".to_owned(), json!(opaque));
            }
            if state == "failed" {
                let code = account
                    .failing
                    .get(&sent.recipient)
                    .and_then(|code| code.parse().ok())
                    .unwrap_or(131_026u32);
                let what = json!([{"code": code, "title": "Message undeliverable", "message": "Message undeliverable",
                    "error_data": {"details": "Message Undeliverable."}}]);
                fields.insert("errors".to_owned(), what);
            } else {
                let category = if sent.template.is_some() {
                    "utility"
                } else {
                    "service"
                };
                let billable = sent.template.is_some();
                fields.insert(
                    "pricing".to_owned(),
                    json!({"billable": billable, "pricing_model": "PMP", "category": category}),
                );
            }
        }
        webhook(account, json!({"statuses": [status]}))
    }

    fn attempts(&self) -> u32 {
        5
    }

    fn rate_per_second(&self) -> u32 {
        80
    }
}

/// What stands under the kind's own name.
fn content(hub: &Hub, message: &Inbound) -> Option<(&'static str, Value)> {
    let (text, payload) = (&message.text, &message.payload);
    // A file that the simulator keeps is declared as it is; any other id stands for a file that is not there.
    let media = |mime: &str| {
        let file = hub.file(SLUG, payload);
        let sha256 = file.as_ref().map_or([7u8; 32], |file| file.sha256);
        let mime = file.as_ref().map_or(mime, |file| file.mime.as_str());
        json!({"id": payload, "mime_type": mime, "sha256": STANDARD.encode(sha256), "caption": text})
    };
    Some(match message.kind.as_str() {
        "text" => ("text", json!({"body": text})),
        "image" => ("image", media("image/jpeg")),
        "video" => ("video", media("video/mp4")),
        "document" => ("document", media("application/pdf")),
        "sticker" => ("sticker", media("image/webp")),
        "audio" => ("audio", media("audio/ogg; codecs=opus")),
        "location" => {
            let (latitude, longitude) = payload.split_once(',').unwrap_or(("0", "0"));
            let degrees = |text: &str| text.trim().parse::<f64>().unwrap_or_default();
            (
                "location",
                json!({"latitude": degrees(latitude), "longitude": degrees(longitude), "name": text}),
            )
        }
        "button" => ("button", json!({"payload": payload, "text": text})),
        "interactive" => (
            "interactive",
            json!({"type": "button_reply", "button_reply": {"id": payload, "title": text}}),
        ),
        "reaction" => ("reaction", json!({"message_id": payload, "emoji": text})),
        _ => (
            "errors",
            json!([{"code": 131_051, "title": "Message type unknown"}]),
        ),
    })
}

/// A signed webhook of the field `messages`.
fn webhook(account: &Account, mut value: Value) -> Result<Webhook, SimError> {
    let url = account.webhook_url.clone().ok_or(SimError::NoWebhookUrl)?;
    let secret = account
        .secrets
        .get("app_secret")
        .ok_or(SimError::NoSecret("app_secret"))?;
    if let Some(fields) = value.as_object_mut() {
        let metadata = json!({"display_phone_number": display(account), "phone_number_id": account.account});
        fields.insert("messaging_product".to_owned(), json!("whatsapp"));
        fields.insert("metadata".to_owned(), metadata);
    }
    let entry =
        json!([{"id": account.setting("waba_id", "0"), "changes": [{"value": value, "field": "messages"}]}]);
    let body = ascii(&json!({"object": "whatsapp_business_account", "entry": entry}));
    let signature = sign(secret, "sha256=", Encoding::Hex, &[body.as_bytes()]);
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("x-hub-signature-256".to_owned(), signature),
    ];
    Ok(Webhook {
        url,
        headers,
        body: Bytes::from(body),
    })
}

/// JSON in which every character beyond ASCII is escaped, as Meta writes it.
fn ascii(value: &Value) -> String {
    value.to_string().chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
        out
    })
}

fn display(account: &Account) -> &str {
    account.setting("display_phone_number", "15550783881")
}

fn wamid(hub: &Hub) -> String {
    format!("wamid.{}", STANDARD.encode(hub.id().as_bytes()))
}

fn error(code: u32, message: &str, details: &str) -> Value {
    json!({"error": {"message": format!("(#{code}) {message}"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "SimulatedTrace0"}})
}

/// The account that a token may use for an object of the Graph, found by `own`.
fn authorised(
    hub: &Hub,
    headers: &HeaderMap,
    own: impl Fn(&Account) -> bool,
) -> Result<Arc<Account>, Box<Response>> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    let known: Vec<_> = hub
        .accounts(SLUG)
        .into_iter()
        .filter(|a| token.is_some_and(|t| a.holds("access_token", t)))
        .collect();
    if known.is_empty() {
        let body = json!({"error": {"message": "Invalid OAuth access token - Cannot parse access token",
            "type": "OAuthException", "code": 190, "fbtrace_id": "SimulatedTrace0"}});
        return Err(Box::new(reply(401, &body)));
    }
    known.into_iter().find(|account| own(account)).ok_or_else(|| {
        let message = "Unsupported request. Object does not exist, cannot be loaded due to missing permissions, or does not support this operation";
        Box::new(reply(400, &json!({"error": {"message": message, "type": "GraphMethodException", "code": 100,
            "error_subcode": 33, "fbtrace_id": "SimulatedTrace0"}})))
    })
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<usize>,
    #[serde(default)]
    status: Option<String>,
}

async fn templates(
    State(hub): State<Hub>,
    Path((_, waba)): Path<(String, String)>,
    Query(page): Query<Listing>,
    headers: HeaderMap,
) -> Response {
    let account = match authorised(&hub, &headers, |account| account.setting("waba_id", "") == waba) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let (from, limit) = (
        page.after.unwrap_or_default(),
        page.limit.unwrap_or(25).clamp(1, 1000),
    );
    let fits = |status: &str| page.status.as_deref().is_none_or(|wanted| wanted == status);
    let all: Vec<_> = account
        .templates
        .iter()
        .filter(|template| fits(&template.status))
        .collect();
    let data: Vec<Value> = all.iter().skip(from).take(limit).enumerate().map(|(at, template)| {
        json!({"id": format!("{}", 1000 + from + at), "name": template.name, "language": template.language,
            "status": template.status, "category": template.category,
            "components": [{"type": "BODY", "text": template.body}]})
    }).collect();
    let end = from + data.len();
    let mut paging = json!({"cursors": {"before": from.to_string(), "after": end.to_string()}});
    if let (true, Some(fields)) = (end < all.len(), paging.as_object_mut()) {
        fields.insert(
            "next".to_owned(),
            json!(format!(
                "https://graph.facebook.com/v23.0/{waba}/message_templates?after={end}"
            )),
        );
    }
    reply(200, &json!({"data": data, "paging": paging}))
}

async fn messages(
    State(hub): State<Hub>,
    Path((_, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let account = match authorised(&hub, &headers, |account| account.account == number) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let field = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if field("/messaging_product") != "whatsapp" {
        return reply(
            400,
            &error(
                100,
                "Invalid parameter",
                "The parameter messaging_product is required.",
            ),
        );
    }
    if field("/status") == "read" {
        return reply(200, &json!({"success": true}));
    }
    let effect = match effect(&hub, &account, &body) {
        Ok(effect) => effect,
        Err((status, refusal)) => return reply(status, &refusal),
    };
    let sent = match hub.carry_out(SLUG, &account, effect) {
        Ok(sent) => sent,
        Err(Limit::Rate) => return SIMULATOR.rate_limited(None),
        Err(Limit::Pair) => {
            return reply(
                400,
                &error(
                    131_056,
                    "Pair rate limit hit",
                    "Too many messages to this recipient.",
                ),
            );
        }
        Err(Limit::Session) => {
            return reply(
                400,
                &error(
                    131_047,
                    "Re-engagement message",
                    "More than 24 hours have passed.",
                ),
            );
        }
        Err(Limit::JournalFull) => {
            return reply(
                500,
                &error(131_000, "Something went wrong", "The journal is full."),
            );
        }
    };
    let answer = json!({"messaging_product": "whatsapp",
        "contacts": [{"input": sent.recipient, "wa_id": sent.recipient.trim_start_matches('+')}],
        "messages": [{"id": sent.provider_message_id}]});
    hub.report(SLUG, account, sent).await;
    reply(200, &answer)
}

/// The message in a request, or Meta's refusal of its form.
fn effect(hub: &Hub, account: &Account, body: &Value) -> Result<Effect, (u16, Value)> {
    let field = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let to = field("/to");
    if to.is_empty() || !to.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit()) {
        return Err((
            400,
            error(
                131_009,
                "Parameter value is not valid",
                "The parameter to is not a phone number.",
            ),
        ));
    }
    let (text, template) = match field("/type") {
        "text" | "" => {
            let text = field("/text/body");
            if text.is_empty() || text.chars().count() > 4096 {
                return Err((
                    400,
                    error(
                        100,
                        "Invalid parameter",
                        "text.body must have 1 to 4096 characters.",
                    ),
                ));
            }
            (text.to_owned(), None)
        }
        "template" => {
            let (name, language) = (field("/template/name"), field("/template/language/code"));
            let empty = Vec::new();
            let components = body
                .pointer("/template/components")
                .and_then(Value::as_array)
                .unwrap_or(&empty);
            let parameters: Vec<&str> = components
                .iter()
                .filter(|c| c["type"] == "body")
                .flat_map(|c| c["parameters"].as_array().into_iter().flatten())
                .filter_map(|p| p["text"].as_str())
                .collect();
            let known = account
                .template(name, language)
                .filter(|template| template.status == "APPROVED");
            if !account.templates.is_empty() && known.is_none() {
                let details = format!("template name ({name}) does not exist in {language}");
                return Err((
                    404,
                    error(
                        132_001,
                        "Template name does not exist in the translation",
                        &details,
                    ),
                ));
            }
            if known.is_some_and(|template| placeholders(&template.body) != parameters.len()) {
                let details =
                    "body: number of localizable_params does not match the expected number of params";
                return Err((
                    400,
                    error(
                        132_000,
                        "Number of parameters does not match the expected number of params",
                        details,
                    ),
                ));
            }
            (parameters.join("\n"), Some(name.to_owned()))
        }
        _ => {
            return Err((
                400,
                error(
                    131_051,
                    "Unsupported message type",
                    "This kind cannot be sent here.",
                ),
            ));
        }
    };
    let opaque = body
        .pointer("/biz_opaque_callback_data")
        .and_then(Value::as_str)
        .map(str::to_owned);
    Ok(Effect {
        operation: "messages.send",
        recipient: to.to_owned(),
        text,
        template,
        reference: opaque
            .as_deref()
            .map(|opaque| split_reference(opaque).0.to_owned()),
        opaque,
        idempotency_key: None,
        provider_message_id: wamid(hub),
    })
}
