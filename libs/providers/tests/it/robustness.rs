//! Hostile and odd bodies: nothing panics, and texts stay within bounds.

use bytes::Bytes;
use proptest::prelude::*;
use puente_ports::{InboundEvent, InboundPayload, OcrProgress};
use puente_providers::{fuzz_read, fuzz_translate, with_capability};

use crate::conformance::ocr::replies;
use crate::support::{RequestCase, files, folder};

/// Every body of the fixtures, with its provider.
fn bodies() -> Vec<(&'static str, Bytes)> {
    let mut all = Vec::new();
    for provider in with_capability("webhook") {
        let slug = provider.manifest().slug.as_str();
        for path in files(&folder(slug).join("inbound"), "request") {
            all.push((slug, RequestCase::read(provider, &path).request.body));
        }
    }
    all
}

/// What an engine says of an answer is a text with a rating for each character, within bounds.
fn check_read(slug: &str, body: &[u8]) {
    for outcome in fuzz_read(slug, body) {
        let Ok(OcrProgress::Done(text)) = outcome else {
            continue;
        };
        assert!(text.lines.len() <= 1000 && text.model.chars().count() <= 256);
        for line in &text.lines {
            assert_eq!(line.text.chars().count(), line.characters.len());
            assert!(!line.text.trim().is_empty() && line.characters.len() <= 500);
            assert!(!line.text.starts_with(' ') && !line.text.ends_with(' ') && !line.text.contains("  "));
            assert!(!line.text.chars().any(char::is_control));
            let sure = |rating: &f32| (0.0..=1.0).contains(rating);
            assert!(sure(&line.confidence) && line.characters.iter().all(sure));
            assert!(line.corners.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
        }
    }
}

fn check(events: &[InboundEvent]) {
    for event in events {
        assert!((3..=256).contains(&event.dedupe_key.len()) && !event.dedupe_key.contains('\0'));
        assert!(
            event
                .account
                .as_ref()
                .is_none_or(|account| account.chars().count() <= 256)
        );
        match &event.payload {
            InboundPayload::Message(message) => {
                assert!(!message.provider_message_id.is_empty());
                assert!(
                    message.provider_message_id.chars().count() <= 256
                        && message.contact_id.chars().count() <= 256
                );
                assert!(message.text.chars().count() <= 4096 && message.choice.chars().count() <= 16_384);
                assert!(!message.text.contains('\0') && !message.contact_name.contains('\0'));
            }
            InboundPayload::Receipt(receipt) => {
                assert!(
                    receipt.error_detail.chars().count() <= 300 && receipt.reference.chars().count() <= 256
                );
            }
            InboundPayload::Template(template) => assert!(template.name.chars().count() <= 256),
            InboundPayload::Envelope(envelope) => {
                assert!(!envelope.envelope_id.is_empty() && envelope.envelope_id.chars().count() <= 256);
                assert!(envelope.reference.chars().count() <= 256 && envelope.kind.chars().count() <= 64);
                assert!(envelope.reason.chars().count() <= 500 && envelope.signers.len() <= 101);
                assert!(
                    envelope
                        .signers
                        .iter()
                        .all(|signer| signer.reason.chars().count() <= 500 && !signer.reason.contains('\0'))
                );
            }
            InboundPayload::Task(task) => {
                assert!((1..=128).contains(&task.task_id.len()));
                let words = [&task.action, &task.field, &task.actor];
                assert!(
                    words
                        .iter()
                        .all(|word| word.chars().count() <= 256 && !word.contains('\0'))
                );
            }
            InboundPayload::Ignored { kind, .. } => assert!(kind.chars().count() <= 64),
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for provider in with_capability("webhook") {
            if let Ok(events) = fuzz_translate(&provider.manifest().slug, &body) {
                check(&events);
            }
        }
    }

    #[test]
    fn changed_fixtures_never_panic(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..12),
    ) {
        let all = bodies();
        let (slug, body) = which.get(&all);
        let mut body = body.to_vec();
        for (at, byte, edit) in edits {
            if body.is_empty() {
                break;
            }
            let at = at.index(body.len());
            match edit {
                0 => body[at] = byte,
                1 => drop(body.remove(at)),
                2 => body.insert(at, byte),
                _ => body.truncate(at),
            }
        }
        if let Ok(events) = fuzz_translate(slug, &body) {
            check(&events);
        }
    }

    #[test]
    fn any_value_in_the_place_of_another_never_panics(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "null", "true", "0", "-1", "1e308", "18446744073709551615", "\"\"", "\"\\u0000\"", "[]", "{}", "[[]]", "\"x\"",
        ]),
    ) {
        let all = bodies();
        let (slug, body) = which.get(&all);
        let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(body) else { return Ok(()) };
        let mut pointers = Vec::new();
        collect(&json, String::new(), &mut pointers);
        let pointer = place.get(&pointers);
        *json.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        if let Ok(events) = fuzz_translate(slug, json.to_string().as_bytes()) {
            check(&events);
        }
    }
}

proptest! {
    #[test]
    fn answers_of_engines_never_panic_whatever_they_hold(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..6),
        value in prop::sample::select(vec![
            "null", "true", "0", "-1", "1e308", "18446744073709551615", "\"\"", "\"\\u0000 \\u00a0\"", "[]", "{}", "[[]]", "\"x y\"",
        ]),
        noise in proptest::collection::vec(any::<u8>(), 0..500),
    ) {
        let all = replies();
        let (slug, body) = which.get(&all);
        check_read(slug, &noise);
        let mut bytes = body.clone().into_bytes();
        for (at, byte, edit) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        check_read(slug, &bytes);
        let Ok(mut json) = serde_json::from_str::<serde_json::Value>(body) else { return Ok(()) };
        let mut pointers = Vec::new();
        collect(&json, String::new(), &mut pointers);
        let pointer = place.get(&pointers);
        *json.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        check_read(slug, json.to_string().as_bytes());
    }
}

#[test]
fn deeply_nested_answers_of_engines_do_not_exhaust_the_stack() {
    for (slug, _) in replies() {
        for open in ["[", "{\"readResult\":", "{\"responses\":[", "{\"analyzeResult\":"] {
            check_read(slug, open.repeat(100_000).as_bytes());
        }
    }
}

/// Where every value stands in a document.
pub(crate) fn collect(value: &serde_json::Value, at: String, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                collect(field, format!("{at}/{name}"), out);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
    out.push(at);
}

#[test]
fn deeply_nested_bodies_do_not_exhaust_the_stack() {
    for provider in with_capability("webhook") {
        let slug = provider.manifest().slug.as_str();
        for open in [
            "[",
            "{\"value\":",
            "{\"content\":",
            "{\"field\":\"messages\",\"event_type\":\"message\",\"value\":{\"content\":",
        ] {
            if let Ok(events) = fuzz_translate(slug, open.repeat(100_000).as_bytes()) {
                check(&events);
            }
        }
        let nested = format!(
            "{{\"bubble\":{}\"x\"{}}}",
            "{\"content\":".repeat(100_000),
            "}".repeat(100_000)
        );
        if let Ok(events) = fuzz_translate(slug, nested.as_bytes()) {
            check(&events);
        }
    }
}

#[test]
fn a_provider_without_webhooks_is_an_error_and_no_panic() {
    assert!(fuzz_translate("no_such_provider", b"{}").is_err());
}

#[test]
fn an_id_of_nothing_but_nul_counts_as_absent_and_never_reaches_storage() {
    for (slug, body) in [
        (
            "whatsapp_cloud",
            r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"9"},"messages":[{"id":"\u0000","from":"57300\u00001234567","type":"text","text":{"body":"a\u0000b"}}]}}]}]}"#,
        ),
        (
            "docusign",
            r#"{"event":"envelope-declined","data":{"envelopeId":"\u0000","envelopeSummary":{"voidedReason":"a\u0000b"}}}"#,
        ),
        (
            "docusign",
            r#"{"event":"envelope-declined","data":{"envelopeId":"e\u00001","envelopeSummary":{"voidedReason":"a\u0000b"}}}"#,
        ),
        (
            "jelou",
            r#"{"event":"message","botId":"b","userId":"1","message":{"messageId":"\u0000","type":"TEXT","text":"a\u0000b"}}"#,
        ),
    ] {
        let events = fuzz_translate(slug, body.as_bytes()).unwrap();
        check(&events);
        assert!(!format!("{events:?}").contains("\\0"), "{events:?}");
    }
}
