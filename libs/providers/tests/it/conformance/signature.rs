//! Providers that collect signatures: their requests and results are those of `fixtures/signature`, and every kind of
//! answer is classified.

use bytes::Bytes;
use puente_ports::{
    CreatedEnvelope, EnvelopeDocument, EnvelopePart, EnvelopeReport, EnvelopeSigner, NewEnvelope, Outbound,
    Provider, ProviderError, ProviderErrorKind, Recovery,
};
use puente_proto::signing::EnvelopeStatus;
use puente_providers::with_capability;
use puente_types::{Secret, Secrets};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::summary;
use crate::support::{Exchange, ExpectedError, Script, Setup, answer, ctx, files, folder, read_toml};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const MOST: usize = 1024;

/// A case of `fixtures/signature`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    /// `create`, `find`, `status`, `fetch_signed`, `fetch_certificate`, `void`, `resend`, `exchange`, `refresh`, `account`.
    operation: String,
    /// Secrets of the connection that this case has not.
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    exchange: Vec<Exchange>,
    /// What comes of it, in the form of [`outcome`].
    expect: Value,
}

/// The envelope of all cases.
pub(crate) fn envelope() -> NewEnvelope {
    let signer = |id: &str, order, name: &str, email: &str| EnvelopeSigner {
        recipient_id: id.to_owned(),
        order,
        name: name.to_owned(),
        email: email.to_owned(),
        anchor: format!("/sn{id}/"),
    };
    NewEnvelope {
        reference: "req-1042".to_owned(),
        subject: "Orden 1042 - firma".to_owned(),
        message: "Por favor firme.".to_owned(),
        documents: vec![EnvelopeDocument {
            name: "orden-1042.pdf".to_owned(),
            pdf: Bytes::from_static(include_bytes!("contract.pdf")),
        }],
        signers: vec![
            signer("1", 1, "Ana Ruiz", "ana@example.test"),
            signer("2", 2, "Luis Peña", "luis@example.test"),
            signer("3", 2, "Eva Soto", "eva@example.test"),
        ],
        callback_url: "https://hooks.example.test/webhooks/docusign".to_owned(),
    }
}

fn created(created: &CreatedEnvelope) -> Value {
    json!({"envelope_id": created.envelope_id, "status": word(created.status)})
}

fn report(report: &EnvelopeReport) -> Value {
    json!({"status": word(report.status), "signers": summary::signers(&report.signers), "reason": report.reason,
        "changed_at": report.changed_at.map(OffsetDateTime::unix_timestamp)})
}

fn word(status: EnvelopeStatus) -> String {
    status
        .as_str_name()
        .trim_start_matches("ENVELOPE_STATUS_")
        .to_owned()
}

/// Carries a case out; what comes of it as JSON.
async fn outcome(
    provider: &dyn Provider,
    setup: &Setup,
    case: &Case,
    http: &dyn Outbound,
) -> Result<Value, ProviderError> {
    let mut connection = setup.connection(&provider.manifest().slug);
    connection.secrets = kept(&connection.secrets, &case.without);
    let (call, signs) = (ctx(&connection, http, Some(TRACE)), provider.signature().unwrap());
    let secret = |text: &str| Secret::new(text);
    let id = "5c9a1e77-3b2d-4f80-8e61-2a4c6e8f0b1d";
    Ok(match case.operation.as_str() {
        "create" => created(&signs.create(call, &envelope()).await?),
        "find" => signs
            .find(call, "req-1042")
            .await?
            .map_or(Value::Null, |found| created(&found)),
        "status" => report(&signs.status(call, id).await?),
        "fetch_signed" => text(&signs.fetch(call, id, EnvelopePart::Signed, MOST).await?),
        "fetch_certificate" => text(&signs.fetch(call, id, EnvelopePart::Certificate, MOST).await?),
        "void" => json!(signs.void(call, id, "Cotización nueva").await?),
        "resend" => json!(signs.resend(call, id).await?),
        "exchange" | "refresh" => {
            let oauth = provider.oauth().unwrap();
            let grant = if case.operation == "exchange" {
                let back = "https://puente.example.test/oauth/callback";
                oauth
                    .exchange(call, &secret("the code"), &secret("the-verifier"), back)
                    .await?
            } else {
                oauth
                    .renew(call, Some(&secret("the refresh")), setup.now())
                    .await?
            };
            json!({"access": grant.access.expose(), "refresh": grant.refresh.as_ref().map(Secret::expose),
                "life_s": grant.life.as_secs(), "scope": grant.scope})
        }
        "account" => {
            let account = provider
                .oauth()
                .unwrap()
                .account(call, &secret("fixture-access-token"))
                .await?;
            json!({"account_id": account.account_id, "base_uri": account.base_uri})
        }
        other => panic!("unknown operation {other}"),
    })
}

fn text(bytes: &[u8]) -> Value {
    json!(String::from_utf8_lossy(bytes))
}

fn kept(secrets: &Secrets, without: &[String]) -> Secrets {
    let kept = secrets
        .iter()
        .filter(|(name, _)| !without.iter().any(|one| one == name));
    kept.map(|(name, secret)| (name.to_owned(), secret.clone()))
        .collect()
}

fn each() -> Vec<(&'static dyn Provider, Setup, String, Case)> {
    let mut all = Vec::new();
    for provider in with_capability("signature") {
        let slug = provider.manifest().slug.as_str();
        for path in files(&folder(slug).join("signature"), "toml") {
            let name = path.display().to_string();
            all.push((provider, Setup::of(slug), name, read_toml(&path)));
        }
    }
    assert!(!all.is_empty());
    all
}

/// The body as it is compared: of several parts, the first, which is the JSON.
fn shown(request: &puente_ports::OutboundRequest) -> String {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let kind = request
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    match kind.split_once("boundary=") {
        None => body,
        Some((_, boundary)) => {
            let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
            assert_eq!(
                parts.len(),
                envelope().documents.len() + 3,
                "a part per document, and the envelope"
            );
            let (_, json) = parts.get(1).unwrap().split_once("\r\n\r\n").unwrap();
            json.trim_end().to_owned()
        }
    }
}

#[tokio::test]
async fn signature_requests_and_results_are_those_of_the_fixtures() {
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
        let found = match outcome(provider, &setup, &case, &script).await {
            Ok(found) => json!({ "ok": found }),
            Err(error) => {
                let error = ExpectedError::from(&error);
                json!({"error": {"kind": error.kind, "code": error.code, "retry_after_s": error.retry_after_s}})
            }
        };
        let expected: Value = match &case.expect {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            other => other.clone(),
        };
        assert_eq!(found, expected, "{name}");
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
            let body = shown(request);
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

async fn create(provider: &dyn Provider, http: &dyn Outbound) -> Result<CreatedEnvelope, ProviderError> {
    let slug = &provider.manifest().slug;
    let connection = Setup::of(slug).connection(slug);
    provider
        .signature()
        .unwrap()
        .create(ctx(&connection, http, None), &envelope())
        .await
}

#[tokio::test]
async fn bare_statuses_of_a_new_envelope_are_classified_whatever_the_provider() {
    for provider in with_capability("signature") {
        let slug = &provider.manifest().slug;
        assert_ne!(
            provider.signature().unwrap().recovery(),
            Recovery::Unsure,
            "{slug}: an envelope is never made twice"
        );
        for status in [400, 401, 403, 404, 408, 409, 422, 429, 500, 501, 502, 503, 504] {
            let headers: &[(&str, &str)] = if status == 429 {
                &[("retry-after", "7")]
            } else {
                &[]
            };
            let script = Script::answering([Ok(answer(status, headers, ""))]);
            let found = ExpectedError::from(&create(provider, &script).await.expect_err(slug));
            let allowed: &[&str] = match status {
                401 | 403 => &["auth"],
                429 => &["rate_limited"],
                404 => &["configuration", "rejected"],
                408 | 500 | 501 | 504 => &["outcome_unknown"],
                500.. => &["outcome_unknown", "unavailable"],
                _ => &["rejected"],
            };
            assert!(
                allowed.contains(&found.kind.as_str()),
                "{slug}: {status} → {found:?}"
            );
            if status == 429 {
                assert_eq!(found.retry_after_s, Some(7), "{slug}");
            }
        }
    }
}

#[tokio::test]
async fn transport_failures_of_a_new_envelope_reach_the_caller_as_they_are() {
    for provider in with_capability("signature") {
        for kind in [
            ProviderErrorKind::OutcomeUnknown,
            ProviderErrorKind::Unavailable { retry_after: None },
        ] {
            let fault = ProviderError::new(kind, "transport", "the connection failed");
            let script = Script::answering([Err(fault.clone())]);
            assert_eq!(create(provider, &script).await, Err(fault));
        }
    }
}

#[tokio::test]
async fn a_new_envelope_whose_answer_cannot_be_read_is_in_doubt() {
    for provider in with_capability("signature") {
        for body in ["", "<html>", "{}", "[]", "null", "{\"envelopeId\":\"\"}"] {
            let script = Script::answering([Ok(answer(201, &[], body))]);
            let error = create(provider, &script).await.expect_err(body);
            assert_eq!(*error.kind(), ProviderErrorKind::OutcomeUnknown, "{body}");
        }
    }
}

#[tokio::test]
async fn without_a_token_or_with_a_document_that_is_none_no_envelope_leaves() {
    for provider in with_capability("signature") {
        let slug = &provider.manifest().slug;
        let signs = provider.signature().unwrap();
        let mut bare = Setup::of(slug).connection(slug);
        bare.secrets = Secrets::default();
        let script = Script::default();
        let error = signs
            .create(ctx(&bare, &script, None), &envelope())
            .await
            .expect_err(slug);
        assert_eq!(*error.kind(), ProviderErrorKind::Configuration);
        let whole = Setup::of(slug).connection(slug);
        let mut wrong = [envelope(), envelope(), envelope(), envelope()];
        wrong[0].documents[0].pdf = Bytes::from_static(b"<html>");
        wrong[1].documents[0].pdf =
            Bytes::from([b"%PDF-1.7".as_slice(), &vec![0; 26 * 1024 * 1024]].concat());
        wrong[2].signers.clear();
        wrong[3].reference.clear();
        for envelope in wrong {
            let error = signs
                .create(ctx(&whole, &script, None), &envelope)
                .await
                .expect_err(slug);
            assert_eq!(*error.kind(), ProviderErrorKind::Malformed);
        }
        for path in ["", "..", "a/b", "x?y"] {
            assert!(
                signs.status(ctx(&whole, &script, None), path).await.is_err(),
                "{path}"
            );
        }
        assert!(script.sent.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn errors_and_addresses_of_signature_calls_keep_people_and_secrets_to_themselves() {
    for provider in with_capability("signature") {
        let slug = &provider.manifest().slug;
        let parrot =
            json!({"errorCode": "X", "message": "The email ana@example.test of 573001234567 is wrong."});
        let script = Script::answering([Ok(answer(400, &[], &parrot.to_string()))]);
        let error = create(provider, &script).await.expect_err(slug);
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("ana@example.test") && !shown.contains("573001234567"),
            "{shown}"
        );
        let sent = script.sent.lock().unwrap();
        let shown = format!("{:?} {}", sent[0].headers, sent[0].url);
        for (name, value) in &Setup::of(slug).secrets {
            assert!(!shown.contains(value.as_str()), "{slug} shows {name}: {shown}");
        }
    }
}

#[test]
fn the_page_of_consent_asks_for_a_code_bound_to_its_challenge() {
    for provider in with_capability("oauth") {
        let slug = &provider.manifest().slug;
        let connection = Setup::of(slug).connection(slug);
        let url = provider.oauth().unwrap().authorize_url(
            &connection,
            "https://puente.example.test/oauth/callback",
            &Secret::new("state-1"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        let url = url.unwrap();
        for part in [
            "response_type=code",
            "redirect_uri=https%3A%2F%2Fpuente.example.test%2Foauth%2Fcallback",
            "state=state-1",
            "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method=S256",
        ] {
            assert!(url.contains(part), "{slug}: {url}");
        }
        assert!(url.starts_with("https://") && !url.contains("secret"), "{url}");
    }
}
