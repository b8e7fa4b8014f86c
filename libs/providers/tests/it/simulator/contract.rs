//! The fixtures once more, over real connections: every form of request, and every answer the vendors document.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use puente_ports::{CallCtx, Provider};
use puente_providers::sim::FaultKind;
use puente_providers::with_capability;
use serde_json::Value;

use super::recording;
use super::stage::{Stage, open_stage};
use crate::conformance::outbound::cases;
use crate::support::{DEADLINE, Expect, ExpectedError, OutboundCase, Setup};

/// The answers of a case, if a simulator can give them (JSON, and at least one) and a vendor would: those that no
/// adapter can read break the contract on purpose.
fn answers(case: &OutboundCase) -> Option<Vec<FaultKind>> {
    if matches!(&case.expect, Expect::Error(error) if error.kind == "malformed" || error.code == "reply_unreadable")
    {
        return None;
    }
    let answer = |(status, reply): (u16, &str)| {
        let body = Some(serde_json::from_str(reply).ok()?);
        Some(FaultKind::Status { status, body })
    };
    let all: Option<Vec<_>> = case
        .exchange
        .iter()
        .map(|exchange| answer((exchange.status, &exchange.reply)))
        .collect();
    all.filter(|all| !all.is_empty())
}

/// Plays a case against the simulator, which gives the fixture's answers.
async fn play(stage: &Stage, provider: &dyn Provider, name: &str, case: &OutboundCase) {
    let connection = stage.connection(&provider.manifest().slug);
    let ctx = CallCtx {
        connection: &connection,
        http: &stage.http,
        idempotency_key: "effect-1",
        deadline: DEADLINE,
        traceparent: case.traceparent.as_deref(),
    };
    let channel = provider.message().unwrap();
    let error = if case.operation == "templates" {
        channel.templates(ctx).await.err()
    } else {
        channel.send(ctx, case.message.as_ref().unwrap()).await.err()
    };
    match (error, &case.expect) {
        (None, Expect::Sent(_) | Expect::Templates(_)) => {}
        (Some(error), Expect::Error(expected)) => {
            let found = ExpectedError::from(&error);
            assert_eq!(
                (&found.kind, &found.code),
                (&expected.kind, &expected.code),
                "{name}"
            );
        }
        (found, _) => panic!("{name}: {found:?}"),
    }
}

#[tokio::test]
async fn the_exchanges_of_the_fixtures_go_over_real_connections_and_are_recorded_without_credentials() {
    fn here() {}
    let stage = open_stage!();
    let mut expected = 0;
    let mut secrets = Vec::new();
    for provider in with_capability("message") {
        let slug = provider.manifest().slug.as_str();
        secrets.extend(Setup::of(slug).secrets.into_values());
        stage.hub.put_account(slug, Stage::account(slug));
        let mut operations = BTreeSet::new();
        for (name, case) in cases(provider) {
            let Some(answers) = answers(&case) else { continue };
            expected += answers.len();
            for answer in answers {
                stage.hub.fault(slug, answer.times(1));
            }
            play(&stage, provider, &name, &case).await;
            operations.insert(case.operation.clone());
        }
        let lists = provider
            .manifest()
            .capabilities
            .iter()
            .any(|one| one == "templates");
        assert_eq!(
            operations.len(),
            if lists { 2 } else { 1 },
            "{slug}: {operations:?}"
        );
    }

    let text = std::fs::read_to_string(recording::path(std::any::type_name_of_val(&here))).unwrap();
    assert_eq!(text.lines().count(), expected);
    for line in text.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        assert!(
            exchange["url"].as_str().unwrap().starts_with("https://"),
            "{line}"
        );
        assert!(
            exchange["request_headers"].get("authorization").is_none(),
            "{line}"
        );
        let decoded = |part: &str| STANDARD.decode(exchange[part].as_str().unwrap()).unwrap();
        let body = String::from_utf8(decoded("request_body_base64")).unwrap();
        let told = secrets
            .iter()
            .find(|secret| line.contains(*secret) || body.contains(*secret));
        assert_eq!(told, None, "{line}");
    }
}
