//! Calls: requests as expected, and every kind of answer classified.

use std::path::Path;

use puente_ports::{
    Content, MessageChannel, Outbound, Provider, ProviderError, ProviderErrorKind, Recovery, Sent,
};
use puente_providers::with_capability;
use puente_types::Secrets;
use serde_json::Value;

use crate::support::{
    Expect, ExpectedError, OutboundCase, Script, Setup, answer, ctx, files, folder, read_toml,
};

/// Every case of a provider, with the file that holds it.
pub(crate) fn cases(provider: &dyn Provider) -> Vec<(String, OutboundCase)> {
    let read = |path: &Path| (format!("{}", path.display()), read_toml(path));
    files(&folder(&provider.manifest().slug).join("outbound"), "toml")
        .iter()
        .map(|path| read(path))
        .collect()
}

/// The cases of messages that are taken: one per form of content at least.
fn good_sends(provider: &dyn Provider) -> Vec<(String, OutboundCase)> {
    let mut all = cases(provider);
    all.retain(|(_, case)| case.operation == "send" && matches!(case.expect, Expect::Sent(_)));
    assert!(
        !all.is_empty(),
        "{} has no fixture of a message that is taken",
        provider.manifest().slug
    );
    all
}

async fn send(
    provider: &dyn Provider,
    setup: &Setup,
    case: &OutboundCase,
    http: &dyn Outbound,
) -> Result<Sent, ProviderError> {
    let connection = setup.connection(&provider.manifest().slug);
    let channel: &dyn MessageChannel = provider.message().unwrap();
    channel
        .send(
            ctx(&connection, http, case.traceparent.as_deref()),
            case.message.as_ref().unwrap(),
        )
        .await
}

#[tokio::test]
async fn requests_and_results_are_those_of_the_fixtures() {
    for provider in with_capability("message") {
        let setup = Setup::of(&provider.manifest().slug);
        let connection = setup.connection(&provider.manifest().slug);
        for (name, case) in cases(provider) {
            assert!(!case.about.is_empty(), "{name}");
            let script = Script::answering(case.exchange.iter().map(|exchange| {
                let headers: Vec<_> = exchange
                    .reply_headers
                    .iter()
                    .map(|(n, v)| (n.as_str(), v.as_str()))
                    .collect();
                Ok(answer(exchange.status, &headers, &exchange.reply))
            }));
            let channel = provider.message().unwrap();
            let call = ctx(&connection, &script, case.traceparent.as_deref());
            let error = match (case.operation.as_str(), &case.expect) {
                ("templates", expected) => match (channel.templates(call).await, expected) {
                    (Ok(found), Expect::Templates(templates)) => {
                        assert_eq!(&found, templates, "{name}");
                        None
                    }
                    (found, _) => Some(found.expect_err(&name)),
                },
                ("send", expected) => {
                    match (channel.send(call, case.message.as_ref().unwrap()).await, expected) {
                        (Ok(found), Expect::Sent(sent)) => {
                            assert_eq!(&found, sent, "{name}");
                            None
                        }
                        (found, _) => Some(found.expect_err(&name)),
                    }
                }
                (other, _) => panic!("{name}: unknown operation {other}"),
            };
            if let Some(error) = error {
                let Expect::Error(expected) = &case.expect else {
                    panic!("{name}: {error}")
                };
                assert_eq!(&ExpectedError::from(&error), expected, "{name}: {error}");
            }
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
                match &exchange.body {
                    None => assert!(request.body.is_empty(), "{name}"),
                    Some(body) => {
                        let json = |bytes: &[u8]| {
                            serde_json::from_slice::<Value>(bytes).unwrap_or_else(|e| panic!("{name}: {e}"))
                        };
                        assert_eq!(json(&request.body), json(body.as_bytes()), "{name}");
                        assert_eq!(
                            request.headers.get("content-type").unwrap(),
                            "application/json",
                            "{name}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn bare_statuses_are_classified_whatever_the_provider() {
    for provider in with_capability("message") {
        let setup = Setup::of(&provider.manifest().slug);
        let repeatable = provider.message().unwrap().recovery() == Recovery::Repeatable;
        for (name, case) in good_sends(provider) {
            for status in [400, 401, 403, 404, 409, 422, 429, 500, 501, 502, 503, 504] {
                let headers: &[(&str, &str)] = if status == 429 {
                    &[("retry-after", "7")]
                } else {
                    &[]
                };
                let script = Script::answering([Ok(answer(status, headers, ""))]);
                let error = send(provider, &setup, &case, &script).await.expect_err(&name);
                let found = ExpectedError::from(&error);
                let allowed: &[&str] = match status {
                    401 | 403 => &["auth"],
                    429 => &["rate_limited"],
                    404 => &["configuration", "rejected"],
                    // Who cannot repeat must not take a failure without a reason for "nothing happened".
                    500 | 501 | 504 if !repeatable => &["outcome_unknown"],
                    500.. => &["outcome_unknown", "unavailable"],
                    _ => &["rejected"],
                };
                assert!(
                    allowed.contains(&found.kind.as_str()),
                    "{name}: {status} → {found:?}"
                );
                if status == 429 {
                    assert_eq!(found.retry_after_s, Some(7), "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_wait_until_a_date_is_counted_from_the_date_of_the_answer() {
    let until = ("retry-after", "Tue, 14 Apr 2026 02:38:28 GMT");
    let date = ("date", "Tue, 14 Apr 2026 02:37:58 GMT");
    for provider in with_capability("message") {
        let setup = Setup::of(&provider.manifest().slug);
        for (name, case) in good_sends(provider) {
            let mut waits = Vec::new();
            for headers in [&[until, date][..], &[until], &[]] {
                let script = Script::answering([Ok(answer(429, headers, ""))]);
                let error = send(provider, &setup, &case, &script).await.expect_err(&name);
                waits.push(ExpectedError::from(&error).retry_after_s);
            }
            assert_eq!(waits[0], Some(30), "{name}");
            assert_eq!(
                waits[1], waits[2],
                "{name}: without its date the answer asks for nothing"
            );
        }
    }
}

#[tokio::test]
async fn a_timeout_a_cut_and_a_failed_connection_reach_the_caller_as_they_are() {
    for provider in with_capability("message") {
        let setup = Setup::of(&provider.manifest().slug);
        for (name, case) in good_sends(provider) {
            for kind in [
                ProviderErrorKind::OutcomeUnknown,
                ProviderErrorKind::Unavailable { retry_after: None },
            ] {
                let fault = ProviderError::new(kind, "transport", "the connection failed");
                let script = Script::answering([Err(fault.clone())]);
                assert_eq!(send(provider, &setup, &case, &script).await, Err(fault), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_good_status_with_an_unreadable_body_is_an_unknown_outcome_and_no_failure() {
    for provider in with_capability("message") {
        let setup = Setup::of(&provider.manifest().slug);
        for (name, case) in good_sends(provider) {
            for body in [
                "",
                "<html>",
                "{}",
                "[]",
                "[{}]",
                "null",
                "{\"messages\":[{}]}",
                "{\"messageId\":\"\"}",
            ] {
                let script = Script::answering([Ok(answer(200, &[], body))]);
                let error = send(provider, &setup, &case, &script).await.expect_err(&name);
                assert_eq!(*error.kind(), ProviderErrorKind::OutcomeUnknown, "{name}: {body}");
            }
        }
    }
}

#[tokio::test]
async fn without_secrets_or_account_nothing_is_sent() {
    for provider in with_capability("message") {
        let slug = &provider.manifest().slug;
        let channel = provider.message().unwrap();
        for (name, case) in good_sends(provider) {
            let mut bare = Setup::of(slug).connection(slug);
            bare.secrets = Secrets::default();
            let mut nameless = Setup::of(slug).connection(slug);
            nameless.account = None;
            let mut elsewhere = Setup::of(slug).connection(slug);
            elsewhere.account = Some("1/../2?x".to_owned());
            for connection in [bare, nameless, elsewhere] {
                let script = Script::default();
                let sent = channel
                    .send(ctx(&connection, &script, None), case.message.as_ref().unwrap())
                    .await;
                assert_eq!(
                    *sent.expect_err(&name).kind(),
                    ProviderErrorKind::Configuration,
                    "{name}"
                );
                assert!(script.sent.lock().unwrap().is_empty(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn requests_and_errors_keep_secrets_and_people_to_themselves() {
    for provider in with_capability("message") {
        let setup = Setup::of(&provider.manifest().slug);
        for (name, case) in good_sends(provider) {
            let message = case.message.as_ref().unwrap();
            let parrot = serde_json::json!({"message": format!("bad {}", message.to),
                "error": {"message": format!("to {}", message.to), "code": 100, "description": message.to}});
            let script = Script::answering([Ok(answer(400, &[], &parrot.to_string()))]);
            let error = send(provider, &setup, &case, &script).await.expect_err(&name);
            assert!(
                !format!("{error} {error:?}").contains(&message.to),
                "{name}: {error}"
            );
            let sent = script.sent.lock().unwrap();
            let shown = format!("{:?} {}", sent[0].headers, sent[0].url);
            for (secret, value) in &setup.secrets {
                assert!(!shown.contains(value.as_str()), "{name} shows {secret}: {shown}");
            }
            let text = match &message.content {
                Content::Text { body } => body,
                Content::Template { name, .. } => name,
            };
            assert!(!shown.contains(text.as_str()), "{name}");
        }
    }
}

#[tokio::test]
async fn a_channel_that_cannot_be_asked_says_so() {
    for provider in with_capability("message") {
        let slug = &provider.manifest().slug;
        let connection = Setup::of(slug).connection(slug);
        let script = Script::default();
        let channel = provider.message().unwrap();
        if channel.recovery() != Recovery::Findable {
            let found = channel.find(ctx(&connection, &script, None), "order:42").await;
            assert_eq!(*found.expect_err(slug).kind(), ProviderErrorKind::Configuration);
        }
    }
}
