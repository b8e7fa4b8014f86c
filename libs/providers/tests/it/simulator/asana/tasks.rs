//! Tasks are made once, found again, and changed as often as one likes.

use std::time::Duration;

use http::Method;
use puente_ports::{ProviderErrorKind, Recovery};
use puente_providers::sim::FaultKind;
use serde_json::json;

use super::*;
use crate::conformance::task::{assign, stage as other_stage};
use crate::simulator::stage::open_stage;

#[tokio::test]
async fn a_task_is_made_in_the_section_of_its_state_and_found_by_our_reference() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    assert_eq!(manager().creation(&connection), Recovery::Findable);
    assert_eq!(found(&stage, &connection).await, None);
    let made_one = create(&stage, &connection).await.unwrap();
    assert_eq!(found(&stage, &connection).await.as_ref(), Some(&made_one));
    let task = only(&stage);
    assert_eq!((&task.gid, task.project.as_str()), (&made_one.task_id, "1200"));
    assert_eq!(made_one.url, format!("https://app.asana.com/0/1200/{}", task.gid));
    assert_eq!(task.section.as_deref(), Some("1202"));
    assert_eq!(task.assignee.as_deref(), Some("tecnico@example.test"));
    assert_eq!(task.notes, "Calle 10 # 5-51\nNevera");
    let journal = made(&stage);
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].reference.as_deref(), Some(EXTERNAL));
    assert_eq!(journal[0].idempotency_key.as_deref(), Some(EXTERNAL));
    assert_eq!(journal[0].tenant.as_deref(), Some("acme"));
    let (status, shown) = stage.control(Method::GET, SLUG, "tasks", json!({})).await;
    assert_eq!((status, &shown["tasks"][0]["external"]), (200, &json!(EXTERNAL)));
}

#[tokio::test]
async fn a_second_creation_with_the_same_reference_gives_the_first_task() {
    let stage = open_stage!();
    for refusal in ["400", "403"] {
        stage.hub.reset(SLUG);
        put(&stage, |account| account.with_setting("external_repeat", refusal));
        let connection = stage.connection(SLUG);
        let first = create(&stage, &connection).await.unwrap();
        assert_eq!(create(&stage, &connection).await.unwrap(), first, "{refusal}");
        assert_eq!(made(&stage).len(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn who_does_not_look_first_makes_a_second_task_where_the_vendor_lets_him() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("external_repeat", "allow"));
    let connection = stage.connection(SLUG);
    let first = create(&stage, &connection).await.unwrap();
    assert_ne!(create(&stage, &connection).await.unwrap(), first);
    let references: Vec<_> = made(&stage).into_iter().map(|entry| entry.reference).collect();
    assert_eq!(references, [Some(EXTERNAL.to_owned()), Some(EXTERNAL.to_owned())]);
    assert_eq!(found(&stage, &connection).await, Some(first));
}

#[tokio::test]
async fn after_a_cut_the_look_up_tells_whether_the_task_was_made() {
    let stage = open_stage!();
    // So late that it is not made within the test; of the others the caller hears in time.
    let late = FaultKind::Latency { ms: 100_000 };
    let short = Duration::from_millis(500);
    for (fault, was_made, deadline) in [
        (FaultKind::CutBefore, 0, DEADLINE),
        (FaultKind::CutAfter, 1, DEADLINE),
        (late, 0, short),
    ] {
        stage.hub.reset(SLUG);
        put(&stage, |account| account);
        let connection = stage.connection(SLUG);
        stage.hub.fault(SLUG, fault.clone().times(1));
        let ctx = CallCtx {
            deadline,
            ..call(&stage, &connection)
        };
        let error = manager().create(ctx, &task()).await.unwrap_err();
        assert_eq!(
            *error.kind(),
            ProviderErrorKind::OutcomeUnknown,
            "{fault:?}: {error}"
        );
        assert_eq!(made(&stage).len(), was_made, "{fault:?}");
        let before = found(&stage, &connection).await;
        assert_eq!(before.is_some(), was_made == 1, "{fault:?}");
        let again = create(&stage, &connection).await.unwrap();
        assert!(before.is_none_or(|before| before == again), "{fault:?}");
        assert_eq!(made(&stage).len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn changes_are_made_once_however_often_they_are_asked_for() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let connection = stage.connection(SLUG);
    let one = create(&stage, &connection).await.unwrap();
    let all = [
        assign(Some("otro@example.test")),
        other_stage(),
        TaskChange::Complete,
    ];
    for asked in &all {
        stage.hub.fault(SLUG, FaultKind::CutAfter.times(1));
        let error = change(&stage, &connection, &one, asked).await.unwrap_err();
        assert!(
            matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
            "{error}"
        );
        for _ in 0..2 {
            change(&stage, &connection, &one, asked).await.unwrap();
        }
    }
    let task = only(&stage);
    assert_eq!(task.assignee.as_deref(), Some("otro@example.test"));
    assert_eq!((task.section.as_deref(), task.completed), (Some("1203"), true));
    change(&stage, &connection, &one, &assign(None)).await.unwrap();
    assert_eq!(only(&stage).assignee, None);
    let expected = [
        ("tasks.create", "Orden 812 - Mantenimiento"),
        ("tasks.update", "assignee"),
        ("sections.add_task", "1203"),
        ("tasks.update", "completed"),
        ("tasks.update", "assignee"),
    ];
    assert_eq!(
        carried_out(&stage),
        expected.map(|(what, about)| (what, about.to_owned()))
    );
}

#[tokio::test]
async fn a_state_without_a_section_is_told_in_the_notes_and_the_task_stays_where_it_is() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let mut connection = stage.connection(SLUG);
    connection
        .settings
        .insert("sections".to_owned(), json!(["ASSIGNED=1202"]));
    let one = create(&stage, &connection).await.unwrap();
    change(&stage, &connection, &one, &other_stage()).await.unwrap();
    let task = only(&stage);
    assert_eq!(
        (task.section.as_deref(), task.notes.as_str()),
        (Some("1202"), "Estado: En curso")
    );
}

#[tokio::test]
async fn over_a_personal_token_a_creation_is_unsure_and_a_doubled_task_is_seen() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("token_kind", "personal"));
    let connection = connected(&stage, &[("token_kind", "personal")]);
    assert_eq!(manager().creation(&connection), Recovery::Unsure);
    let first = create(&stage, &connection).await.unwrap();
    let second = create(&stage, &connection).await.unwrap();
    assert_ne!(first, second);
    let titles: Vec<_> = made(&stage)
        .into_iter()
        .map(|entry| (entry.text, entry.reference))
        .collect();
    assert_eq!(titles, vec![("Orden 812 - Mantenimiento".to_owned(), None); 2]);
    change(&stage, &connection, &second, &TaskChange::Complete)
        .await
        .unwrap();
    let error = manager()
        .find(call(&stage, &connection), "order:812")
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ProviderErrorKind::Configuration, "{error}");
}

#[tokio::test]
async fn a_personal_token_that_passes_for_one_of_oauth_makes_nothing() {
    let stage = open_stage!();
    put(&stage, |account| account.with_setting("token_kind", "personal"));
    let connection = stage.connection(SLUG);
    let error = create(&stage, &connection).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (&ProviderErrorKind::Configuration, "external_refused")
    );
    assert_eq!(carried_out(&stage), []);
}

#[tokio::test]
async fn tenants_that_share_an_app_never_meet_each_others_tasks() {
    let stage = open_stage!();
    put(&stage, |account| account);
    let mut other = Stage::account(SLUG).with_secret("access_token", "another-token");
    other.account = "1332".to_owned();
    other.tenant = Some("norte".to_owned());
    stage.hub.put_account(SLUG, other);
    let connection = stage.connection(SLUG);
    let mut norte = with(&connection, &Secret::new("another-token"));
    norte.tenant = "norte".parse().unwrap();
    let first = create(&stage, &connection).await.unwrap();
    assert_eq!(found(&stage, &norte).await, None);
    let second = create(&stage, &norte).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(found(&stage, &norte).await.as_ref(), Some(&second));
    assert_eq!(found(&stage, &connection).await, Some(first));
    let error = change(&stage, &connection, &second, &TaskChange::Complete)
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ProviderErrorKind::Rejected, "{error}");
}
