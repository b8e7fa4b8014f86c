//! Webhooks: authentic ones are translated as expected, and everything else is refused.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use http::HeaderMap;
use puente_ports::{HandshakeReply, InboundPayload, InboundWebhook, Provider};
use puente_providers::with_capability;
use puente_types::{Secret, Secrets};
use puente_webhook_auth::{RawRequest, WebhookAuth};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::summary;
use crate::support::{RequestCase, files, folder};

/// Calls `check` with every inbound case of every provider.
fn each(check: impl Fn(&dyn Provider, &dyn InboundWebhook, &Path, &RequestCase)) {
    for provider in with_capability("webhook") {
        let webhook = provider.webhook().unwrap();
        for path in files(&folder(&provider.manifest().slug).join("inbound"), "request") {
            check(provider, webhook, &path, &RequestCase::read(provider, &path));
        }
    }
}

/// What a case comes to: events, an error, a refusal, or the answer to a handshake.
fn outcome(provider: &dyn Provider, webhook: &dyn InboundWebhook, case: &RequestCase) -> Value {
    let connection = case.connection(provider);
    match webhook.handshake(&connection, &case.request) {
        Some(HandshakeReply::Accept(text)) => return json!({"handshake": {"accept": text}}),
        Some(HandshakeReply::Header { name, value }) => {
            return json!({"handshake": {"header": {name: value}}});
        }
        Some(HandshakeReply::Refuse) => return json!({"handshake": "refuse"}),
        None => {}
    }
    match webhook
        .auth(&connection)
        .verify(case.request.clone(), &connection.secrets, case.setup.now())
    {
        Err(refused) => json!({"refused": refused.1.code()}),
        Ok(verified) => match webhook.translate(&verified) {
            Ok(events) => summary::events(&events),
            Err(error) => json!({"error": crate::support::ExpectedError::from(&error).kind}),
        },
    }
}

fn verifies(auth: &WebhookAuth, request: &RawRequest, secrets: &Secrets, now: OffsetDateTime) -> bool {
    auth.verify(request.clone(), secrets, now).is_ok()
}

/// Whether what lets a request pass covers its body.
fn covers_body(auth: &WebhookAuth, request: &RawRequest, secrets: &Secrets, now: OffsetDateTime) -> bool {
    let covers = |one: &WebhookAuth| covers_body(one, request, secrets, now);
    verifies(auth, request, secrets, now)
        && match auth {
            WebhookAuth::Hmac(_) | WebhookAuth::NumberedHmac(_) | WebhookAuth::Custom(_) => true,
            WebhookAuth::SharedToken(_) | WebhookAuth::Unsigned { .. } => false,
            WebhookAuth::AnyOf(all) | WebhookAuth::AllOf(all) => all.iter().any(covers),
        }
}

/// Calls `check` with every case that passes authentication.
fn each_authentic(check: impl Fn(&RequestCase, &WebhookAuth, &Secrets)) {
    let seen = std::cell::Cell::new(0);
    each(|provider, webhook, _, case| {
        let connection = case.connection(provider);
        let auth = webhook.auth(&connection);
        let handshake = webhook.handshake(&connection, &case.request).is_some();
        if !handshake && verifies(&auth, &case.request, &connection.secrets, case.setup.now()) {
            seen.set(seen.get() + 1);
            check(case, &auth, &connection.secrets);
        }
    });
    assert!(seen.get() > 0);
}

#[test]
fn webhooks_come_to_what_the_fixtures_expect() {
    let mut wrong = Vec::new();
    let wrong_ref = std::cell::RefCell::new(&mut wrong);
    each(|provider, webhook, path, case| {
        let found = outcome(provider, webhook, case);
        let expected = path.with_extension("expected.json");
        if !expected.exists() && std::env::var_os("PUENTE_BLESS").is_some() {
            std::fs::write(&expected, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
        }
        let text =
            std::fs::read_to_string(&expected).unwrap_or_else(|e| panic!("{}: {e}", expected.display()));
        let expected: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", expected.display()));
        if found != expected {
            wrong_ref
                .borrow_mut()
                .push(format!("{}\n expected {expected:#}\n found {found:#}", case.name));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_provider_has_an_event_and_its_replay_gives_the_same_keys() {
    for provider in with_capability("webhook") {
        let webhook = provider.webhook().unwrap();
        let mut translated = 0;
        for path in files(&folder(&provider.manifest().slug).join("inbound"), "request") {
            let case = RequestCase::read(provider, &path);
            let connection = case.connection(provider);
            let auth = webhook.auth(&connection);
            let translate = |request: &RawRequest| {
                let verified = auth
                    .verify(request.clone(), &connection.secrets, case.setup.now())
                    .ok()?;
                webhook.translate(&verified).ok()
            };
            let Some(events) = translate(&case.request) else {
                continue;
            };
            let keys = |events: &[puente_ports::InboundEvent]| -> Vec<String> {
                events.iter().map(|event| event.dedupe_key.clone()).collect()
            };
            assert_eq!(
                keys(&events),
                keys(&translate(&case.request).unwrap()),
                "{}",
                case.name
            );
            let different: BTreeSet<_> = keys(&events).into_iter().collect();
            assert_eq!(
                different.len(),
                events.len(),
                "{}: two happenings share a key",
                case.name
            );
            assert!(
                different.iter().all(|key| (3..=256).contains(&key.len())),
                "{}",
                case.name
            );
            translated += events
                .iter()
                .filter(|event| !matches!(event.payload, InboundPayload::Ignored { .. }))
                .count();
        }
        assert!(
            translated > 0,
            "{} has no fixture that makes an event",
            provider.manifest().slug
        );
    }
}

#[test]
fn one_changed_byte_of_a_signed_body_is_refused() {
    each_authentic(|case, auth, secrets| {
        if !covers_body(auth, &case.request, secrets, case.setup.now()) {
            return;
        }
        for at in [0, case.request.body.len() / 2, case.request.body.len() - 1] {
            let mut body = case.request.body.to_vec();
            body[at] ^= 1;
            let request = RawRequest {
                body: Bytes::from(body),
                ..case.request.clone()
            };
            assert!(
                !verifies(auth, &request, secrets, case.setup.now()),
                "{}: byte {at}",
                case.name
            );
        }
    });
}

#[test]
fn webhooks_without_proof_are_refused() {
    each_authentic(|case, auth, secrets| {
        if matches!(auth, WebhookAuth::Unsigned { .. }) {
            return;
        }
        let bare = RawRequest {
            headers: HeaderMap::new(),
            query: String::new(),
            ..case.request.clone()
        };
        assert!(!verifies(auth, &bare, secrets, case.setup.now()), "{}", case.name);
        // Each header is either no part of the proof, or indispensable; and a second value never helps.
        for name in case.request.headers.keys() {
            let mut twice = case.request.clone();
            twice.headers.append(name, "sha256=00".parse().unwrap());
            let mut without = case.request.clone();
            without.headers.remove(name);
            let needed = !verifies(auth, &without, secrets, case.setup.now());
            assert_eq!(
                needed,
                !verifies(auth, &twice, secrets, case.setup.now()),
                "{}: {name}",
                case.name
            );
        }
    });
}

#[test]
fn webhooks_with_another_secret_are_refused_and_the_former_one_holds_during_a_rotation() {
    each_authentic(|case, auth, secrets| {
        if matches!(auth, WebhookAuth::Unsigned { .. }) {
            return;
        }
        let changed = |rename: &dyn Fn(&str) -> String, value: &dyn Fn(&Secret) -> Secret| -> Secrets {
            secrets
                .iter()
                .map(|(name, secret)| (rename(name), value(secret)))
                .collect()
        };
        let other = |secret: &Secret| Secret::new(format!("{}x", secret.expose()));
        let wrong = changed(&str::to_owned, &other);
        assert!(
            !verifies(auth, &case.request, &wrong, case.setup.now()),
            "{}",
            case.name
        );
        assert!(
            !verifies(auth, &case.request, &Secrets::default(), case.setup.now()),
            "{}",
            case.name
        );
        let former = changed(&|name| format!("{name}_previous"), &Secret::clone);
        let both: Secrets = wrong
            .iter()
            .chain(former.iter())
            .map(|(name, secret)| (name.to_owned(), secret.clone()))
            .collect();
        assert!(
            verifies(auth, &case.request, &both, case.setup.now()),
            "{}",
            case.name
        );
    });
}
