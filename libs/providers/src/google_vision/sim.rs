//! The simulator of Google Cloud Vision: `images:annotate` for one or several pictures.
//!
//! What it reads is told by `sim/reading.rs`. An account is a project; its secret `api_key` (header or `?key=`) or
//! `access_token` opens it. Zeros in coordinates are left out, as Google does. Each picture that is read is in the
//! journal, with its SHA-256 as the recipient.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sim::reading::{self, ReadLine};
use crate::sim::{Account, Effect, Hub, Limit, Simulator, bare, picture, reply, reply_later};

const SLUG: &str = "google_vision";
/// A JSON request has up to 10 MB; more is refused with Google's words.
const MAX_JSON: usize = 10 * 1024 * 1024;
const MAX_REQUEST: usize = 32 * 1024 * 1024;
/// Pictures in one request.
const MAX_BATCH: usize = 16;

/// The simulator.
pub(crate) static SIMULATOR: Sim = Sim;

/// The simulator's type; its state is the hub's.
pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        Router::new()
            .route("/v1/images:annotate", post(annotate))
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
    }

    fn control(&self) -> Router<Hub> {
        reading::control(SLUG)
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        let message = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service 'vision.googleapis.com'.";
        reply_later(
            429,
            &status(429, "RESOURCE_EXHAUSTED", message, None),
            retry_after_s,
        )
    }

    /// Google counts by the minute: 1,800.
    fn rate_per_second(&self) -> u32 {
        30
    }
}

fn status(code: u16, name: &str, message: &str, reason: Option<&str>) -> Value {
    let details = reason.map(|reason| {
        json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"})
    });
    let details: Vec<Value> = details.into_iter().collect();
    json!({"error": {"code": code, "message": message, "status": name, "details": details}})
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    key: String,
}

fn authorised(hub: &Hub, headers: &HeaderMap, query: &str) -> Result<Arc<Account>, Box<Response>> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let token = text(header::AUTHORIZATION.as_str())
        .strip_prefix("Bearer ")
        .unwrap_or_default();
    let key = if query.is_empty() {
        text("x-goog-api-key")
    } else {
        query
    };
    let known =
        |account: &Arc<Account>| account.holds("api_key", key) || account.holds("access_token", token);
    if let Some(account) = hub.accounts(SLUG).into_iter().find(known) {
        return Ok(account);
    }
    Err(Box::new(if !key.is_empty() {
        let message = "API key not valid. Please pass a valid API key.";
        reply(
            400,
            &status(400, "INVALID_ARGUMENT", message, Some("API_KEY_INVALID")),
        )
    } else if !token.is_empty() {
        let message = "Request had invalid authentication credentials.";
        reply(401, &status(401, "UNAUTHENTICATED", message, None))
    } else {
        let message = "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity to call this API.";
        reply(403, &status(403, "PERMISSION_DENIED", message, None))
    }))
}

async fn annotate(
    State(hub): State<Hub>,
    Query(query): Query<Key>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let account = match authorised(&hub, &headers, &query.key) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let invalid = |message: &str| reply(400, &status(400, "INVALID_ARGUMENT", message, None));
    if body.len() > MAX_JSON {
        return invalid("Request payload size exceeds the limit: 10485760 bytes.");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(requests) = body.get("requests").and_then(Value::as_array) else {
        return invalid("Invalid JSON payload received.");
    };
    if requests.len() > MAX_BATCH {
        return invalid("Too many images per request.");
    }
    let mut responses = Vec::new();
    for request in requests {
        match one(&hub, &account, request) {
            Ok(response) => responses.push(response),
            Err(refused) => return *refused,
        }
    }
    reply(200, &json!({ "responses": responses }))
}

/// The answer to one picture; its own failure is part of a good answer.
fn one(hub: &Hub, account: &Account, request: &Value) -> Result<Value, Box<Response>> {
    let content = request
        .pointer("/image/content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let reads = request
        .pointer("/features")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|feature| {
            matches!(
                feature["type"].as_str(),
                Some("DOCUMENT_TEXT_DETECTION" | "TEXT_DETECTION")
            )
        });
    let failed = |code: u8, message: &str| Ok(json!({"error": {"code": code, "message": message}}));
    if !reads {
        return failed(3, "Feature must be specified.");
    }
    let Ok(bytes) = STANDARD.decode(content) else {
        return failed(3, "Bad image data.");
    };
    let Some(size) = picture::size(&bytes) else {
        return failed(3, "Bad image data.");
    };
    let (sha256, lines) = reading::look(hub, SLUG, &bytes);
    let effect = Effect {
        operation: "pictures.annotate",
        recipient: sha256,
        ..Effect::default()
    };
    match hub.carry_out(SLUG, account, effect) {
        Ok(_) => Ok(annotation(&lines, size)),
        Err(Limit::JournalFull) => Err(Box::new(bare(500))),
        Err(_) => Err(Box::new(SIMULATOR.rate_limited(None))),
    }
}

fn annotation(lines: &[ReadLine], size: (u32, u32)) -> Value {
    if lines.is_empty() {
        return json!({});
    }
    let whole: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
    let mut each = vec![json!({"locale": "es", "description": whole, "boundingPoly": vertices(frame(size))})];
    let mut paragraphs = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let place = reading::place(line, at, lines.len(), size);
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let shown = words.iter().enumerate().map(|(at, word)| {
            let part = vertices(reading::part(place, at, words.len()));
            each.push(json!({"description": word, "boundingPoly": part}));
            let end = if at + 1 == words.len() { "LINE_BREAK" } else { "SPACE" };
            let last = word.chars().count().saturating_sub(1);
            let symbols = word.chars().enumerate().map(|(at, symbol)| {
                if at == last {
                    json!({"text": symbol, "confidence": line.confidence, "property": {"detectedBreak": {"type": end}}})
                } else {
                    json!({"text": symbol, "confidence": line.confidence})
                }
            });
            json!({"confidence": line.confidence, "boundingBox": part, "symbols": symbols.collect::<Vec<_>>()})
        });
        let words: Vec<Value> = shown.collect();
        paragraphs
            .push(json!({"confidence": line.confidence, "boundingBox": vertices(place), "words": words}));
    }
    let block = json!({"blockType": "TEXT", "confidence": 0.97, "boundingBox": vertices(frame(size)), "paragraphs": paragraphs});
    let page = json!({"width": size.0, "height": size.1, "confidence": 0.97, "blocks": [block]});
    json!({"textAnnotations": each, "fullTextAnnotation": {"text": whole, "pages": [page]}})
}

fn frame(size: (u32, u32)) -> [(f32, f32); 4] {
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    let (width, height) = (size.0 as f32, size.1 as f32);
    [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
}

fn vertices(corners: [(f32, f32); 4]) -> Value {
    let one = |(x, y): (f32, f32)| {
        let mut fields = Map::new();
        for (name, at) in [("x", x.round() as i64), ("y", y.round() as i64)] {
            if at != 0 {
                fields.insert(name.to_owned(), json!(at));
            }
        }
        Value::Object(fields)
    };
    json!({ "vertices": corners.map(one) })
}
