//! Image Analysis 4.0: the picture in, its text out.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{SLUG, authorised, carry_out, is_binary};
use crate::sim::{Hub, picture, reading, reply};

/// The largest picture.
const MAX_PICTURE: usize = 20_971_520;

/// A refusal of 4.0.
fn refuse(status: u16, code: &str, message: &str, inner: Option<&str>) -> Response {
    let mut error = json!({"code": code, "message": message});
    if let (Some(fields), Some(inner)) = (error.as_object_mut(), inner) {
        fields.insert(
            "innererror".to_owned(),
            json!({"code": inner, "message": message}),
        );
    }
    let mut response = reply(status, &json!({ "error": error }));
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-ms-error-code", code);
    }
    response
}

#[derive(Deserialize)]
pub(super) struct Analyze {
    #[serde(default, rename = "api-version")]
    version: String,
    #[serde(default)]
    features: String,
}

pub(super) async fn analyze(
    State(hub): State<Hub>,
    Query(query): Query<Analyze>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let account = match authorised(&hub, &headers) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    if query.version != "2023-10-01" {
        return reply(
            404,
            &json!({"error": {"code": "404", "message": "Resource not found"}}),
        );
    }
    if !is_binary(&headers) {
        return refuse(
            415,
            "UnsupportedMediaType",
            "The media type is not supported.",
            None,
        );
    }
    if !query.features.split(',').any(|feature| feature == "read") {
        return refuse(
            400,
            "InvalidRequest",
            "The feature is not simulated.",
            Some("BadArgument"),
        );
    }
    if body.is_empty() || body.len() > MAX_PICTURE {
        let message = "Image length is not allowed to be zero or larger than 20971520 bytes.";
        return refuse(400, "InvalidRequest", message, None);
    }
    let Some(size) = picture::size(&body) else {
        let message = "The image format is not supported.";
        return refuse(400, "InvalidRequest", message, Some("InvalidImageFormat"));
    };
    if size.0.min(size.1) < 50 || size.0.max(size.1) > 16_000 {
        let message = "The image dimension is not allowed to be smaller than 50 and larger than 16000.";
        return refuse(400, "InvalidRequest", message, Some("InvalidImageSize"));
    }
    let (sha256, lines) = reading::look(&hub, SLUG, &body);
    if let Err(refused) = carry_out(&hub, &account, "pictures.analyze", &sha256) {
        return *refused;
    }
    let shown: Vec<Value> = lines.iter().enumerate().map(|(at, line)| {
        let place = reading::place(line, at, lines.len(), size);
        let words: Vec<&str> = line.text.split_whitespace().collect();
        let parts = words.iter().enumerate().map(|(at, word)| {
            json!({"text": word, "boundingPolygon": points(reading::part(place, at, words.len())), "confidence": line.confidence})
        });
        json!({"text": line.text, "boundingPolygon": points(place), "words": parts.collect::<Vec<_>>()})
    }).collect();
    let blocks = if shown.is_empty() {
        json!([])
    } else {
        json!([{ "lines": shown }])
    };
    reply(
        200,
        &json!({"modelVersion": "2023-10-01", "metadata": {"width": size.0, "height": size.1}, "readResult": {"blocks": blocks}}),
    )
}

fn points(corners: [(f32, f32); 4]) -> Value {
    let whole = corners.map(|(x, y)| json!({"x": x.round() as i64, "y": y.round() as i64}));
    json!(whole)
}
