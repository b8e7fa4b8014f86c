//! Engines that read pictures: their requests and results are those of `fixtures/ocr`, and every kind of answer is
//! classified.

use bytes::Bytes;
use puente_ports::{
    OcrEngine, OcrPicture, OcrProgress, Outbound, Provider, ProviderError, ProviderErrorKind, TextLine,
};
use puente_providers::with_capability;
use puente_types::Secrets;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Exchange, ExpectedError, Script, Setup, answer, ctx, files, folder, read_toml};

/// A case of `fixtures/ocr`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    /// `read` or `poll`.
    operation: String,
    /// What `poll` asks with.
    #[serde(default)]
    pending: String,
    /// Settings of this case alone.
    #[serde(default)]
    settings: serde_json::Map<String, Value>,
    /// Secrets of this case alone.
    #[serde(default)]
    secrets: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    exchange: Vec<Exchange>,
    /// What comes of it, in the form of [`shown`], as JSON.
    expect: String,
}

/// The picture of all cases.
pub(crate) fn picture() -> OcrPicture {
    OcrPicture {
        bytes: Bytes::from_static(b"a picture"),
        media_type: "image/jpeg",
        sha256: "0f".repeat(32),
        width: 800,
        height: 600,
        language: "es".to_owned(),
    }
}

fn engine(provider: &dyn Provider) -> &dyn OcrEngine {
    provider.ocr().unwrap()
}

fn shown(outcome: Result<OcrProgress, ProviderError>) -> Value {
    let line = |line: &TextLine| {
        assert_eq!(line.characters.len(), line.text.chars().count());
        json!({"text": line.text, "confidence": line.confidence, "characters": line.characters, "corners": line.corners})
    };
    match outcome {
        Ok(OcrProgress::Done(text)) => {
            json!({"lines": text.lines.iter().map(line).collect::<Vec<_>>(), "model": text.model})
        }
        Ok(OcrProgress::Pending { operation, wait }) => {
            json!({"pending": operation, "wait_ms": wait.as_millis() as u64})
        }
        Err(error) => {
            let error = ExpectedError::from(&error);
            json!({"error": {"kind": error.kind, "code": error.code, "retry_after_s": error.retry_after_s}})
        }
    }
}

/// Numbers as they are compared: confidences are floats of another width than JSON's.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) => json!((number.as_f64().unwrap() * 1000.0).round() / 1000.0),
        Value::Array(all) => all.into_iter().map(rounded).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, field)| (name, rounded(field)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn each() -> Vec<(&'static dyn Provider, Setup, String, Case)> {
    let mut all = Vec::new();
    for provider in with_capability("ocr") {
        let slug = provider.manifest().slug.as_str();
        for path in files(&folder(slug).join("ocr"), "toml") {
            let case: Case = read_toml(&path);
            let mut setup = Setup::of(slug);
            setup.settings.extend(case.settings.clone());
            setup.secrets.extend(case.secrets.clone());
            all.push((provider, setup, path.display().to_string(), case));
        }
    }
    assert!(!all.is_empty());
    all
}

/// Every answer of the fixtures, with its provider.
pub(crate) fn replies() -> Vec<(&'static str, String)> {
    let of = |(provider, _, _, case): (&'static dyn Provider, Setup, String, Case)| {
        let slug = provider.manifest().slug.as_str();
        case.exchange
            .into_iter()
            .map(move |exchange| (slug, exchange.reply))
    };
    each().into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn ocr_requests_and_results_are_those_of_the_fixtures() {
    for (provider, setup, name, case) in each() {
        assert!(!case.about.is_empty(), "{name}");
        let script = Script::answering(case.exchange.iter().map(|exchange| {
            let headers: Vec<_> = exchange
                .reply_headers
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            Ok(answer(exchange.status, &headers, &exchange.reply))
        }));
        let connection = setup.connection(&provider.manifest().slug);
        let call = ctx(&connection, &script, None);
        let outcome = match case.operation.as_str() {
            "read" => engine(provider).read(call, &picture()).await,
            "poll" => engine(provider).poll(call, &case.pending).await,
            other => panic!("{name}: unknown operation {other}"),
        };
        let expected: Value = serde_json::from_str(&case.expect).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(rounded(shown(outcome)), rounded(expected), "{name}");
        let sent = script.sent.lock().unwrap();
        assert_eq!(sent.len(), case.exchange.len(), "{name}: number of requests");
        for (request, exchange) in sent.iter().zip(&case.exchange) {
            assert_eq!(
                (request.method.as_str(), &request.url),
                (exchange.method.as_str(), &exchange.url),
                "{name}"
            );
            for (header, value) in &exchange.headers {
                let found = request.headers.get(header).and_then(|found| found.to_str().ok());
                assert_eq!(found, Some(value.as_str()), "{name}: {header}");
            }
            let body = String::from_utf8(request.body.to_vec()).unwrap();
            let expected = exchange.body.clone().unwrap_or_default();
            match (
                serde_json::from_str::<Value>(&body),
                serde_json::from_str::<Value>(&expected),
            ) {
                (Ok(body), Ok(expected)) => assert_eq!(body, expected, "{name}"),
                _ => assert_eq!(body, expected, "{name}"),
            }
        }
    }
}

async fn read(provider: &dyn Provider, http: &dyn Outbound) -> Result<OcrProgress, ProviderError> {
    let slug = &provider.manifest().slug;
    let connection = Setup::of(slug).connection(slug);
    engine(provider)
        .read(ctx(&connection, http, None), &picture())
        .await
}

#[tokio::test]
async fn bare_statuses_of_a_reading_are_classified_and_never_in_doubt() {
    for provider in with_capability("ocr") {
        let slug = &provider.manifest().slug;
        for status in [
            400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 501, 502, 503, 504,
        ] {
            let headers: &[(&str, &str)] = if status == 429 {
                &[("retry-after", "26")]
            } else {
                &[]
            };
            let script = Script::answering([Ok(answer(status, headers, ""))]);
            let found = ExpectedError::from(&read(provider, &script).await.expect_err(slug));
            let allowed: &[&str] = match status {
                401 | 403 => &["auth", "configuration"],
                429 => &["rate_limited"],
                404 => &["configuration"],
                408 | 500.. => &["unavailable"],
                409 => &["unavailable", "rejected"],
                _ => &["rejected"],
            };
            assert!(
                allowed.contains(&found.kind.as_str()),
                "{slug}: {status} → {found:?}"
            );
            if status == 429 {
                assert_eq!(found.retry_after_s, Some(26), "{slug}");
            }
        }
    }
}

#[tokio::test]
async fn a_reading_that_broke_off_may_be_asked_for_again() {
    for provider in with_capability("ocr") {
        for (kind, code, expected) in [
            (ProviderErrorKind::OutcomeUnknown, "timeout", "unavailable"),
            (ProviderErrorKind::OutcomeUnknown, "connection_cut", "unavailable"),
            (
                ProviderErrorKind::OutcomeUnknown,
                "response_too_large",
                "malformed",
            ),
            (
                ProviderErrorKind::Unavailable { retry_after: None },
                "breaker_open",
                "unavailable",
            ),
        ] {
            let script = Script::answering([Err(ProviderError::new(kind, code, "it failed"))]);
            let error = read(provider, &script).await.expect_err(code);
            let found = ExpectedError::from(&error);
            assert_eq!((found.kind.as_str(), found.code.as_str()), (expected, code));
        }
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_picture_without_text() {
    for provider in with_capability("ocr") {
        let slug = &provider.manifest().slug;
        for body in [
            "",
            "<html>",
            "{}",
            "[]",
            "null",
            "{\"responses\":[]}",
            "{\"responses\":7}",
            "{\"readResult\":null}",
        ] {
            let script = Script::answering([Ok(answer(200, &[], body))]);
            let error = read(provider, &script).await.expect_err(body);
            assert_eq!(*error.kind(), ProviderErrorKind::Malformed, "{slug}: {body}");
        }
    }
}

#[tokio::test]
async fn without_credentials_or_with_a_picture_that_is_too_much_nothing_leaves() {
    for provider in with_capability("ocr") {
        let slug = &provider.manifest().slug;
        let script = Script::default();
        let mut bare = Setup::of(slug).connection(slug);
        bare.secrets = Secrets::default();
        let error = engine(provider)
            .read(ctx(&bare, &script, None), &picture())
            .await
            .expect_err(slug);
        assert_eq!(*error.kind(), ProviderErrorKind::Configuration, "{slug}");
        let whole = Setup::of(slug).connection(slug);
        let limits = engine(provider).limits_of(&whole);
        let least = engine(provider).limits();
        assert!(least.max_bytes <= limits.max_bytes && least.max_side <= limits.max_side);
        assert!(least.max_bytes >= 4_000_000 && least.max_side >= 4_000 && least.min_side <= 50);
        let mut wrong = [picture(), picture(), picture()];
        wrong[0].bytes = Bytes::new();
        wrong[1].bytes = Bytes::from(vec![0; limits.max_bytes + 1]);
        wrong[2].width = limits.max_side + 1;
        for picture in wrong {
            let error = engine(provider)
                .read(ctx(&whole, &script, None), &picture)
                .await
                .expect_err(slug);
            assert_eq!(*error.kind(), ProviderErrorKind::Rejected, "{slug}");
            assert_eq!(error.code(), "picture_unfit", "{slug}");
        }
        assert!(script.sent.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn requests_errors_and_debug_texts_of_readings_keep_keys_and_plates_to_themselves() {
    for provider in with_capability("ocr") {
        let slug = &provider.manifest().slug;
        let parrot =
            json!({"error": {"code": "X", "status": "X", "message": "serial 573001234567 is wrong"}});
        let script = Script::answering([Ok(answer(400, &[], &parrot.to_string()))]);
        let error = read(provider, &script).await.expect_err(slug);
        assert!(
            !format!("{error} {error:?}").contains("573001234567"),
            "{slug}: {error}"
        );
        let sent = script.sent.lock().unwrap();
        let headers = format!("{:?} {}", sent[0].headers, sent[0].url);
        for (name, value) in &Setup::of(slug).secrets {
            assert!(
                !headers.contains(value.as_str()),
                "{slug} shows {name}: {headers}"
            );
        }
    }
}
