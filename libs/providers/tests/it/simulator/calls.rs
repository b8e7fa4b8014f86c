//! Sending over real connections: what was carried out, and what the caller is told.

use std::time::Duration;

use http::Method;
use puente_ports::{
    CallCtx, Connection, Content, OutboundMessage, Provider, ProviderError, ProviderErrorKind, Sent,
};
use puente_providers::sim::{FaultKind, Inbound, Template};
use puente_providers::{find, with_capability};
use serde_json::json;

use super::stage::{Stage, open_stage};
use crate::support::DEADLINE;

fn text(to: &str) -> OutboundMessage {
    OutboundMessage {
        to: to.to_owned(),
        content: Content::Text {
            body: "Tu técnico va en camino".to_owned(),
        },
        reference: "order:42".to_owned(),
    }
}

fn template(parameters: &[&str]) -> OutboundMessage {
    OutboundMessage {
        content: Content::Template {
            name: "order_confirmation".to_owned(),
            language: "es".to_owned(),
            parameters: parameters.iter().map(|text| (*text).to_owned()).collect(),
        },
        ..text("573001234567")
    }
}

async fn send(
    stage: &Stage,
    provider: &dyn Provider,
    connection: &Connection,
    message: &OutboundMessage,
    deadline: Duration,
) -> Result<Sent, ProviderError> {
    let ctx = CallCtx {
        connection,
        http: &stage.http,
        idempotency_key: "effect-1",
        deadline,
        traceparent: None,
    };
    provider.message().unwrap().send(ctx, message).await
}

/// Every provider that sends, with its slug.
fn each() -> impl Iterator<Item = (&'static dyn Provider, &'static str)> {
    with_capability("message").map(|provider| (provider, provider.manifest().slug.as_str()))
}

#[tokio::test]
async fn a_message_is_carried_out_once_and_its_id_is_that_of_the_journal() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        stage.hub.put_account(slug, Stage::account(slug));
        let sent = send(
            &stage,
            provider,
            &stage.connection(slug),
            &text("573001234567"),
            DEADLINE,
        )
        .await
        .expect(slug);
        let journal = stage.hub.journal(slug);
        assert_eq!(journal.len(), 1, "{slug}");
        assert_eq!(journal[0].provider_message_id, sent.provider_message_id, "{slug}");
        assert_eq!(journal[0].recipient, "573001234567", "{slug}");
        assert_eq!(journal[0].text, "Tu técnico va en camino", "{slug}");
        assert_eq!(journal[0].tenant.as_deref(), Some("acme"), "{slug}");
        assert!(
            journal[0].reference.is_some(),
            "{slug}: nothing tells one message from another"
        );
    }
}

#[tokio::test]
async fn unknown_and_foreign_credentials_are_refused_without_an_effect() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        let unknown = send(
            &stage,
            provider,
            &stage.connection(slug),
            &text("573001234567"),
            DEADLINE,
        )
        .await;
        assert_eq!(
            *unknown.expect_err(slug).kind(),
            ProviderErrorKind::Auth,
            "{slug}"
        );
        // Another tenant's account has other secrets; our credentials are good, but not for it.
        let mut other = Stage::account(slug);
        other.account = "999".to_owned();
        stage.hub.put_account(slug, Stage::account(slug));
        for secret in other.secrets.values_mut() {
            *secret = puente_types::Secret::new("another tenant's");
        }
        stage.hub.put_account(slug, other);
        let mut foreign = stage.connection(slug);
        foreign.account = Some("999".to_owned());
        let error = send(&stage, provider, &foreign, &text("573001234567"), DEADLINE)
            .await
            .expect_err(slug);
        let refused = matches!(
            error.kind(),
            ProviderErrorKind::Rejected | ProviderErrorKind::Configuration | ProviderErrorKind::Auth
        );
        assert!(refused, "{slug}: {error}");
        assert!(stage.hub.journal(slug).is_empty(), "{slug}");
    }
}

#[tokio::test]
async fn a_cut_and_a_late_answer_leave_the_outcome_unknown_whether_or_not_it_was_carried_out() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        stage.hub.put_account(slug, Stage::account(slug));
        // So late that it is not carried out within the test; of the others the caller hears in time.
        let late = FaultKind::Latency { ms: 100_000 };
        let short = Duration::from_millis(500);
        for (fault, carried_out, deadline) in [
            (FaultKind::CutBefore, 0, DEADLINE),
            (FaultKind::CutAfter, 1, DEADLINE),
            (late, 0, short),
        ] {
            stage.hub.reset(slug);
            stage.hub.fault(slug, fault.clone().times(1));
            let error = send(
                &stage,
                provider,
                &stage.connection(slug),
                &text("573001234567"),
                deadline,
            )
            .await
            .expect_err(slug);
            assert_eq!(
                *error.kind(),
                ProviderErrorKind::OutcomeUnknown,
                "{slug}: {fault:?}: {error}"
            );
            assert_eq!(stage.hub.journal(slug).len(), carried_out, "{slug}: {fault:?}");
        }
        stage.hub.reset(slug);
        assert!(
            send(
                &stage,
                provider,
                &stage.connection(slug),
                &text("573001234567"),
                DEADLINE
            )
            .await
            .is_ok(),
            "{slug}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_surely_did_nothing() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        let mut connection = stage.connection(slug);
        connection
            .settings
            .insert("base_url".to_owned(), "http://127.0.0.1:1".into());
        let error = send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
            .await
            .expect_err(slug);
        assert!(
            matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
            "{slug}: {error}"
        );
    }
}

#[tokio::test]
async fn statuses_and_rate_limits_on_request_strike_as_often_as_asked() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        stage.hub.put_account(slug, Stage::account(slug));
        stage.hub.fault(
            slug,
            FaultKind::RateLimit {
                retry_after_s: Some(7),
            }
            .times(1),
        );
        stage.hub.fault(
            slug,
            FaultKind::Status {
                status: 503,
                body: None,
            }
            .times(2),
        );
        let mut found = Vec::new();
        for _ in 0..4 {
            let result = send(
                &stage,
                provider,
                &stage.connection(slug),
                &text("573001234567"),
                DEADLINE,
            )
            .await;
            found.push(result.map_err(|error| error.kind().clone()));
        }
        let limited = ProviderErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(found[0], Err(limited), "{slug}");
        assert!(
            found[1].is_err() && found[2].is_err() && found[3].is_ok(),
            "{slug}: {found:?}"
        );
        assert_eq!(stage.hub.journal(slug).len(), 1, "{slug}");
    }
}

#[tokio::test]
async fn the_limit_of_a_second_holds_in_any_window() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        let mut account = Stage::account(slug);
        account.rate_per_second = Some(3);
        stage.hub.put_account(slug, account);
        let connection = stage.connection(slug);
        let mut limited = 0;
        for _ in 0..30 {
            match send(&stage, provider, &connection, &text("573001234567"), DEADLINE).await {
                Ok(_) => {}
                Err(error) => {
                    assert!(
                        matches!(error.kind(), ProviderErrorKind::RateLimited { .. }),
                        "{slug}: {error}"
                    );
                    limited += 1;
                }
            }
        }
        assert!(limited > 0, "{slug}");
        let times: Vec<_> = stage
            .hub
            .journal(slug)
            .iter()
            .map(|entry| entry.received_ms)
            .collect();
        assert!(
            times.windows(4).all(|four| four[3] - four[0] >= 999),
            "{slug}: {times:?}"
        );
    }
}

#[tokio::test]
async fn whatsapp_refuses_free_text_outside_the_session_and_opens_it_when_the_person_writes() {
    let stage = open_stage!();
    let provider = find("whatsapp_cloud").unwrap();
    let mut account = Stage::account("whatsapp_cloud");
    account.enforce_session = true;
    account.webhook_url = Some("http://127.0.0.1:1/hook".to_owned());
    let number = account.account.clone();
    stage.hub.put_account("whatsapp_cloud", account);
    let connection = stage.connection("whatsapp_cloud");
    let error = send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        ("131047", &ProviderErrorKind::Rejected)
    );
    assert!(
        send(&stage, provider, &connection, &template(&["Ana"]), DEADLINE)
            .await
            .is_ok()
    );
    stage
        .hub
        .webhook("whatsapp_cloud", &Inbound::text(&number, "573001234567", "hola"))
        .unwrap();
    assert!(
        send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn whatsapp_refuses_a_second_message_within_six_seconds_when_asked_to() {
    let stage = open_stage!();
    let provider = find("whatsapp_cloud").unwrap();
    let mut account = Stage::account("whatsapp_cloud");
    account.enforce_pair_rate = true;
    stage.hub.put_account("whatsapp_cloud", account);
    let connection = stage.connection("whatsapp_cloud");
    assert!(
        send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
            .await
            .is_ok()
    );
    let error = send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "131056");
    assert!(
        send(&stage, provider, &connection, &text("573009998877"), DEADLINE)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn templates_are_listed_over_all_pages_and_checked_when_sent() {
    let stage = open_stage!();
    for provider in with_capability("templates") {
        let slug = provider.manifest().slug.as_str();
        let mut account = Stage::account(slug);
        account.rate_per_second = Some(0);
        account.templates = (0..250)
            .map(|n| Template {
                name: if n == 0 {
                    "order_confirmation".to_owned()
                } else {
                    format!("t{n}")
                },
                language: "es".to_owned(),
                status: if n == 1 { "REJECTED" } else { "APPROVED" }.to_owned(),
                category: "UTILITY".to_owned(),
                body: "Hola {{1}}, orden {{2}}".to_owned(),
            })
            .collect();
        stage.hub.put_account(slug, account);
        let connection = stage.connection(slug);
        let ctx = CallCtx {
            connection: &connection,
            http: &stage.http,
            idempotency_key: "k",
            deadline: DEADLINE,
            traceparent: None,
        };
        let found = provider.message().unwrap().templates(ctx).await.expect(slug);
        assert_eq!(found.len(), 250, "{slug}");
        assert!(found.iter().all(|template| template.parameters == 2), "{slug}");
        assert_eq!(
            found.iter().filter(|template| !template.approved).count(),
            1,
            "{slug}"
        );
        assert!(
            send(&stage, provider, &connection, &template(&["Ana", "42"]), DEADLINE)
                .await
                .is_ok(),
            "{slug}"
        );
        let too_few = send(&stage, provider, &connection, &template(&["Ana"]), DEADLINE)
            .await
            .expect_err(slug);
        assert_eq!(*too_few.kind(), ProviderErrorKind::Rejected, "{slug}: {too_few}");
        let mut missing = template(&["Ana", "42"]);
        if let Content::Template { name, .. } = &mut missing.content {
            name.push('x');
        }
        let missing = send(&stage, provider, &connection, &missing, DEADLINE)
            .await
            .expect_err(slug);
        assert_eq!(
            *missing.kind(),
            ProviderErrorKind::Configuration,
            "{slug}: {missing}"
        );
        assert_eq!(stage.hub.journal(slug).len(), 1, "{slug}");
    }
}

#[tokio::test]
async fn everything_can_be_steered_over_the_control_paths() {
    let stage = open_stage!();
    for (provider, slug) in each() {
        let setup = crate::support::Setup::of(slug);
        let account = json!({"account": setup.account, "secrets": setup.secrets, "settings": setup.settings});
        assert_eq!(
            stage.control(Method::PUT, slug, "accounts", account).await.0,
            200,
            "{slug}"
        );
        let fault = json!({"kind": "status", "status": 503, "count": 1, "probability": 1.0});
        assert_eq!(
            stage.control(Method::POST, slug, "faults", fault.clone()).await.0,
            200,
            "{slug}"
        );
        let connection = stage.connection(slug);
        assert!(
            send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
                .await
                .is_err(),
            "{slug}"
        );
        stage.control(Method::POST, slug, "faults", fault).await;
        stage.control(Method::DELETE, slug, "faults", json!({})).await;
        assert!(
            send(&stage, provider, &connection, &text("573001234567"), DEADLINE)
                .await
                .is_ok(),
            "{slug}"
        );
        let (_, journal) = stage.control(Method::GET, slug, "journal", json!({})).await;
        assert_eq!(
            journal["entries"].as_array().unwrap().len(),
            1,
            "{slug}: {journal}"
        );
        let lonely = json!({"account": setup.account, "from": "573001234567", "text": "hola"});
        assert_eq!(
            stage.control(Method::POST, slug, "inbound", lonely).await.0,
            422,
            "{slug}: no webhook URL"
        );
        let nobody = json!({"account": "nobody", "from": "573001234567", "text": "hola"});
        assert_eq!(
            stage.control(Method::POST, slug, "inbound", nobody).await.0,
            404,
            "{slug}"
        );
        stage.control(Method::POST, slug, "reset", json!({})).await;
        assert!(stage.hub.journal(slug).is_empty(), "{slug}");
    }
}
