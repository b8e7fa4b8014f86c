//! Records whole exchanges for tests, as newline-delimited JSON that a checker can hold against a provider's
//! published API description.
//!
//! Not for production: bodies are written as they are. Credentials are left out.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::redact::is_secret_header;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The provider's slug.
    pub provider: String,
    /// The method.
    pub method: Method,
    /// The URL, secret parameters masked.
    pub url: String,
    /// The request's headers without credentials.
    pub request_headers: HeaderMap,
    /// The request's body.
    pub request_body: Bytes,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's headers without cookies.
    pub response_headers: HeaderMap,
    /// The answer's body, decompressed.
    pub response_body: Bytes,
}

/// Takes whole exchanges. For tests only.
pub trait ExchangeRecorder: Send + Sync {
    /// An answer came, whatever its status.
    fn record(&self, exchange: &Exchange);
}

/// Appends exchanges to a file, one JSON object a line.
#[derive(Debug)]
pub struct NdjsonRecorder {
    file: Mutex<File>,
    test_name: String,
}

impl NdjsonRecorder {
    /// Appends to `path`; `test_name` says in every line where it comes from.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: impl AsRef<Path>, test_name: impl Into<String>) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            file: Mutex::new(file),
            test_name: test_name.into(),
        })
    }
}

impl ExchangeRecorder for NdjsonRecorder {
    fn record(&self, exchange: &Exchange) {
        let mut line = line(exchange, &self.test_name).to_string();
        line.push('\n');
        // One write a line: test processes that share the file do not mix their lines.
        let written = self
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes());
        if let Err(error) = written {
            tracing::error!(error = %error, "an exchange could not be recorded");
        }
    }
}

/// The headers without those that carry credentials.
pub(crate) fn visible(headers: &HeaderMap) -> HeaderMap {
    let mut shown = headers.clone();
    for name in headers.keys() {
        if is_secret_header(name.as_str()) {
            shown.remove(name);
        }
    }
    shown
}

fn line(exchange: &Exchange, test_name: &str) -> Value {
    json!({
        "provider": exchange.provider,
        "method": exchange.method.as_str(),
        "url": exchange.url,
        "request_headers": object(&exchange.request_headers),
        "request_body_base64": STANDARD.encode(&exchange.request_body),
        "status": exchange.status.as_u16(),
        "response_headers": object(&exchange.response_headers),
        "response_body_base64": STANDARD.encode(&exchange.response_body),
        "test": test_name,
    })
}

fn object(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| {
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            (name.as_str().to_owned(), Value::String(values.join(", ")))
        })
        .collect()
}
