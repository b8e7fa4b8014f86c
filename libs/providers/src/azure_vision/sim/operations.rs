//! Read 3.2: the picture in, an operation out, and what becomes of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{SLUG, authorised, carry_out, is_binary};
use crate::sim::media::reached_at;
use crate::sim::reading::{self, ReadLine};
use crate::sim::{Account, Hub, bare, picture, reply};

/// The largest picture in the free tier.
const MAX_FREE: usize = 4_194_304;
/// Operations that are kept; the oldest goes first.
const MAX_OPERATIONS: usize = 10_000;

/// Operations of Read 3.2, by id; ids rise with time.
#[derive(Default)]
pub(super) struct Operations(Mutex<BTreeMap<String, Operation>>);

#[derive(Clone)]
struct Operation {
    account: String,
    running: u32,
    failed: bool,
    lines: Vec<ReadLine>,
    size: (u32, u32),
}

impl Operations {
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A refusal of 3.2: bare, or wrapped as some gateways do.
fn refuse_read(account: &Account, status: u16, code: &str, message: &str) -> Response {
    let body = json!({"code": code, "message": message, "requestId": "00000000-0000-4000-8000-000000000032"});
    if account.setting("error_style", "bare") == "wrapped" {
        return reply(status, &json!({ "error": body }));
    }
    reply(status, &body)
}

pub(super) async fn begin(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> Response {
    let account = match authorised(&hub, &headers) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    if !is_binary(&headers) {
        return refuse_read(
            &account,
            415,
            "UnsupportedMediaType",
            "The media type is not supported.",
        );
    }
    let too_large = account.setting("tier", "S1") == "F0" && body.len() > MAX_FREE;
    if body.is_empty() || too_large {
        return refuse_read(
            &account,
            400,
            "InvalidImageSize",
            "Input image is empty or too large.",
        );
    }
    let Some(size) = picture::size(&body) else {
        return refuse_read(&account, 400, "InvalidImage", "Input data is not a valid image.");
    };
    if size.0.min(size.1) < 50 || size.0.max(size.1) > 10_000 {
        return refuse_read(
            &account,
            400,
            "InvalidImageDimension",
            "Input image dimension is not supported.",
        );
    }
    let (sha256, lines) = reading::look(&hub, SLUG, &body);
    if let Err(refused) = carry_out(&hub, &account, "pictures.read", &sha256) {
        return *refused;
    }
    let (running, failed) = reading::with(&hub, SLUG, |shelf| {
        (
            shelf.trouble.running_polls,
            reading::take(&mut shelf.trouble.fail),
        )
    });
    let id = hub.id().to_string();
    let operation = Operation {
        account: account.account.clone(),
        running,
        failed,
        lines,
        size,
    };
    let operations = hub.own::<Operations>();
    let mut kept = operations.0.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MAX_OPERATIONS {
        kept.pop_first();
    }
    kept.insert(id.clone(), operation);
    let url = format!(
        "{}/vision/v3.2/read/analyzeResults/{id}",
        reached_at(SLUG, &headers)
    );
    let mut response = bare(202);
    if let Ok(url) = HeaderValue::from_str(&url) {
        response.headers_mut().insert("operation-location", url);
    }
    response
}

pub(super) async fn result(State(hub): State<Hub>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let account = match authorised(&hub, &headers) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let operations = hub.own::<Operations>();
    let mut kept = operations.0.lock().unwrap_or_else(PoisonError::into_inner);
    if reading::with(&hub, SLUG, |shelf| reading::take(&mut shelf.trouble.expire)) {
        kept.remove(&id);
    }
    let found = kept
        .get_mut(&id)
        .filter(|operation| operation.account == account.account);
    let Some(operation) = found else {
        return refuse_read(
            &account,
            404,
            "OperationNotFound",
            "The requested operation does not exist.",
        );
    };
    let at = "2026-03-02T14:32:04Z";
    let state = |status: &str| json!({"status": status, "createdDateTime": at, "lastUpdatedDateTime": at});
    if reading::take(&mut operation.running) {
        return reply(200, &state("running"));
    }
    if operation.failed {
        return reply(200, &state("failed"));
    }
    let (lines, size) = (operation.lines.clone(), operation.size);
    drop(kept);
    let shown: Vec<Value> = lines.iter().enumerate().map(|(at, line)| {
        let place = reading::place(line, at, lines.len(), size);
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let parts = words.iter().enumerate().map(|(at, word)| {
            json!({"boundingBox": numbers(reading::part(place, at, words.len())), "text": word, "confidence": line.confidence})
        });
        json!({"boundingBox": numbers(place), "text": line.text, "words": parts.collect::<Vec<_>>(),
            "appearance": {"style": {"name": "other", "confidence": 0.9}}})
    }).collect();
    let mut answer = state("succeeded");
    if let Some(fields) = answer.as_object_mut() {
        let page = json!({"page": 1, "angle": 0.0, "width": size.0, "height": size.1, "unit": "pixel", "lines": shown});
        fields.insert(
            "analyzeResult".to_owned(),
            json!({"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": [page]}),
        );
    }
    reply(200, &answer)
}

fn numbers(corners: [(f32, f32); 4]) -> Value {
    let flat: Vec<i64> = corners
        .iter()
        .flat_map(|(x, y)| [x.round() as i64, y.round() as i64])
        .collect();
    json!(flat)
}
