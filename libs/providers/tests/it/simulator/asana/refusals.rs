//! What is refused does nothing, and says what somebody has to do about it.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use puente_ports::{Outbound as _, OutboundRequest, ProviderErrorKind};
use puente_providers::sim::FaultKind;

use super::*;
use crate::conformance::task::{assign, stage as other_stage};
use crate::simulator::stage::open_stage;

/// Creates with the account changed so, and is refused without an effect.
async fn refused(stage: &Stage, change: impl FnOnce(Account) -> Account) -> ProviderError {
    stage.hub.reset(SLUG);
    put(stage, change);
    let error = create(stage, &stage.connection(SLUG)).await.unwrap_err();
    assert_eq!(carried_out(stage), []);
    error
}

#[tokio::test]
async fn what_is_not_set_up_is_refused_without_an_effect_and_told_apart() {
    let stage = open_stage!();
    let other = Stage::account(SLUG)
        .with_secret("access_token", "x")
        .with_secret("client_id", "x");
    stage.hub.put_account(
        SLUG,
        Account {
            account: "1332".to_owned(),
            ..other
        },
    );
    let project = |account: Account| account.with_setting("project", "1201");
    let sections = |account: Account| account.with_setting("sections", "1209");
    let people = |account: Account| account.with_setting("people", "1111 otro@example.test");
    let plan = |account: Account| account.with_setting("plan_ended", "true");
    let rejected = |error: &ProviderError| *error.kind() == ProviderErrorKind::Rejected;
    let configuration = |error: &ProviderError| *error.kind() == ProviderErrorKind::Configuration;
    let error = refused(&stage, project).await;
    assert!(
        configuration(&error) && error.code() == "project_refused",
        "{error}"
    );
    let error = refused(&stage, sections).await;
    assert!(
        configuration(&error) && error.code() == "section_refused",
        "{error}"
    );
    let error = refused(&stage, people).await;
    assert!(rejected(&error) && error.code() == "assignee_refused", "{error}");
    let error = refused(&stage, plan).await;
    assert!(configuration(&error) && error.code() == "http_402", "{error}");
}

#[tokio::test]
async fn changes_of_a_deleted_task_or_to_what_is_not_there_are_told() {
    let stage = open_stage!();
    put(&stage, |account| {
        account.with_setting("people", "tecnico@example.test")
    });
    let connection = stage.connection(SLUG);
    let one = create(&stage, &connection).await.unwrap();
    let stranger = assign(Some("otro@example.test"));
    let error = change(&stage, &connection, &one, &stranger).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Rejected, "assignee_refused")
    );
    put(&stage, |account| account.with_setting("sections", "1202"));
    let error = change(&stage, &connection, &one, &other_stage())
        .await
        .unwrap_err();
    let expected = (&ProviderErrorKind::Configuration, "section_refused");
    assert_eq!((error.kind(), error.code()), expected);

    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, "Bearer fixture-asana-token".parse().unwrap());
    let deletion = OutboundRequest {
        operation: "tasks.delete",
        method: Method::DELETE,
        url: stage.url(SLUG, &format!("/api/1.0/tasks/{}", one.task_id)),
        headers,
        body: bytes::Bytes::new(),
    };
    let answer = stage.http.send(&connection, deletion, DEADLINE).await.unwrap();
    assert_eq!(answer.status, 200);
    let error = change(&stage, &connection, &one, &TaskChange::Complete)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Rejected, "http_404")
    );
    assert_eq!(found(&stage, &connection).await, None);
}

#[tokio::test]
async fn the_limit_of_a_minute_is_answered_with_the_wait_and_refused_calls_count() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("minute_limit", "2"));
    let connection = stage.connection(SLUG);
    let one = create(&stage, &connection).await.unwrap();
    change(&stage, &connection, &one, &TaskChange::Complete)
        .await
        .unwrap();
    for _ in 0..2 {
        let error = change(&stage, &connection, &one, &other_stage())
            .await
            .unwrap_err();
        let ProviderErrorKind::RateLimited {
            retry_after: Some(wait),
        } = error.kind()
        else {
            panic!("{error}")
        };
        assert!((1..=61).contains(&wait.as_secs()), "{wait:?}");
    }
    assert_eq!(carried_out(&stage).len(), 2);
}

#[tokio::test]
async fn faults_on_request_strike_with_asanas_answers() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    stage.hub.fault(
        SLUG,
        FaultKind::RateLimit {
            retry_after_s: Some(26),
        }
        .times(1),
    );
    let error = create(&stage, &connection).await.unwrap_err();
    let wait = ProviderErrorKind::RateLimited {
        retry_after: Some(Duration::from_secs(26)),
    };
    assert_eq!(*error.kind(), wait);
    stage.hub.fault(
        SLUG,
        FaultKind::Status {
            status: 503,
            body: None,
        }
        .times(1),
    );
    let error = create(&stage, &connection).await.unwrap_err();
    assert_eq!(*error.kind(), ProviderErrorKind::OutcomeUnknown);
    assert_eq!(carried_out(&stage), []);
    let gone = connected(&stage, &[("base_url", "http://127.0.0.1:1")]);
    let error = create(&stage, &gone).await.unwrap_err();
    assert!(
        matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
        "{error}"
    );
}
