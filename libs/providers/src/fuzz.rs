//! Engines under fuzzing: an answer's body through the adapter, with nothing sent.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use puente_ports::{
    CallCtx, Connection, OcrPicture, OcrProgress, Outbound, OutboundRequest, OutboundResponse, ProviderError,
    SecretSpec,
};
use puente_types::Secret;

use crate::find;

/// What an engine makes of an answer's body, as that of a picture and as that of a question about one; for fuzz targets
/// and property tests, which look for panics and broken promises. Nothing is sent.
#[must_use]
pub fn fuzz_read(slug: &str, body: &[u8]) -> Vec<Result<OcrProgress, ProviderError>> {
    let Some(provider) = find(slug) else {
        return Vec::new();
    };
    let (manifest, Some(engine)) = (provider.manifest(), provider.ocr()) else {
        return Vec::new();
    };
    let (Ok(id), Ok(tenant)) = ("fuzz".parse(), "fuzz".parse()) else {
        return Vec::new();
    };
    let secret = |spec: &SecretSpec| (spec.name.clone(), Secret::new("x"));
    let connection = Connection {
        id,
        tenant,
        provider: slug.to_owned(),
        account: Some("x".to_owned()),
        settings: serde_json::Map::new(),
        secrets: manifest.secrets.iter().map(secret).collect(),
    };
    let http = Said(Bytes::copy_from_slice(body));
    let ctx = CallCtx {
        connection: &connection,
        http: &http,
        idempotency_key: "",
        deadline: Duration::from_secs(1),
        traceparent: None,
    };
    let picture = OcrPicture {
        bytes: Bytes::from_static(b"x"),
        media_type: "image/jpeg",
        sha256: String::new(),
        width: 100,
        height: 100,
        language: String::new(),
    };
    let outcomes = [
        at_once(engine.read(ctx, &picture)),
        at_once(engine.poll(ctx, "https://x.cognitiveservices.azure.com/x")),
    ];
    outcomes.into_iter().flatten().collect()
}

/// A way out that answers everything with the same body.
struct Said(Bytes);

#[async_trait]
impl Outbound for Said {
    async fn send(
        &self,
        _connection: &Connection,
        _request: OutboundRequest,
        _deadline: Duration,
    ) -> Result<OutboundResponse, ProviderError> {
        Ok(OutboundResponse {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: self.0.clone(),
        })
    }
}

/// The outcome of work that waits for nothing.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}
