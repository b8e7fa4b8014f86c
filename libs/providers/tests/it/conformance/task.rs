//! Task managers: their requests and results are those of `fixtures/task`, and every kind of answer is classified.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;
use puente_ports::{
    NewTask, Outbound, Provider, ProviderError, ProviderErrorKind, Recovery, TaskChange, TaskRef,
};
use puente_providers::with_capability;
use puente_types::{Secret, Secrets};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::robustness::collect;
use crate::support::{
    Exchange, ExpectedError, Script, Setup, answer, ctx, files, folder, prepared, read_toml, sent_as_expected,
};

const REFERENCE: &str = "order:812";
const TASK: &str = "2222";

/// A case of `fixtures/task`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    about: String,
    /// `create`, `find`, `assign`, `unassign`, `stage`, `complete`, `exchange`, `refresh`, `account`.
    operation: String,
    /// Settings of this case alone.
    #[serde(default)]
    settings: serde_json::Map<String, Value>,
    #[serde(default)]
    pub(crate) exchange: Vec<Exchange>,
    /// What comes of it, in the form of [`outcome`], as JSON.
    expect: String,
}

impl Case {
    /// Whether an error comes of it.
    pub(crate) fn fails(&self) -> bool {
        self.expect.starts_with("{\"error\"")
    }
}

/// The task of all cases.
pub(crate) fn task() -> NewTask {
    NewTask {
        reference: REFERENCE.to_owned(),
        title: "Orden 812 - Mantenimiento".to_owned(),
        notes: "Calle 10 # 5-51\nNevera".to_owned(),
        stage: "ASSIGNED".to_owned(),
        assignee: Some("tecnico@example.test".to_owned()),
    }
}

/// Another state for the task.
pub(crate) fn stage() -> TaskChange {
    TaskChange::Stage {
        stage: "IN_PROGRESS".to_owned(),
        notes: "Estado: En curso".to_owned(),
    }
}

/// Somebody, or nobody, for the task.
pub(crate) fn assign(assignee: Option<&str>) -> TaskChange {
    TaskChange::Assign {
        assignee: assignee.map(str::to_owned),
    }
}

fn shown(task: &TaskRef) -> Value {
    json!({"task_id": task.task_id, "url": task.url})
}

/// Carries a case out; what comes of it as JSON.
pub(crate) async fn outcome(
    provider: &dyn Provider,
    setup: &Setup,
    case: &Case,
    http: &dyn Outbound,
) -> Result<Value, ProviderError> {
    let connection = setup.connection(&provider.manifest().slug);
    let (call, tasks) = (ctx(&connection, http, None), provider.task().unwrap());
    let change = |change| async move { tasks.change(call, TASK, &change).await.map(|()| Value::Null) };
    match case.operation.as_str() {
        "create" => tasks.create(call, &task()).await.map(|task| shown(&task)),
        "find" => {
            let found = tasks.find(call, REFERENCE).await?;
            Ok(found.as_ref().map_or(Value::Null, shown))
        }
        "assign" => change(assign(Some("otro@example.test"))).await,
        "unassign" => change(assign(None)).await,
        "stage" => change(stage()).await,
        "complete" => change(TaskChange::Complete).await,
        other => granted(provider, setup, call, other).await,
    }
}

/// What is about grants in a case.
async fn granted(
    provider: &dyn Provider,
    setup: &Setup,
    call: puente_ports::CallCtx<'_>,
    operation: &str,
) -> Result<Value, ProviderError> {
    let oauth = provider.oauth().unwrap();
    let grant = match operation {
        "exchange" => {
            let back = "https://puente.example.test/oauth/callback";
            let (code, verifier) = (Secret::new("the code"), Secret::new("the-verifier"));
            oauth.exchange(call, &code, &verifier, back).await?
        }
        "refresh" => {
            let refresh = Secret::new("the refresh");
            oauth.renew(call, Some(&refresh), setup.now()).await?
        }
        "account" => {
            let access = call.connection.secrets.get("access_token").unwrap();
            let account = oauth.account(call, access).await?;
            return Ok(json!({"account_id": account.account_id, "base_uri": account.base_uri}));
        }
        other => panic!("unknown operation {other}"),
    };
    Ok(
        json!({"access": grant.access.expose(), "refresh": grant.refresh.as_ref().map(Secret::expose),
        "life_s": grant.life.as_secs(), "scope": grant.scope}),
    )
}

/// Every case, with its provider.
pub(crate) fn each() -> Vec<(&'static dyn Provider, Setup, String, Case)> {
    let mut all = Vec::new();
    for provider in with_capability("task") {
        let slug = provider.manifest().slug.as_str();
        for path in files(&folder(slug).join("task"), "toml") {
            let case: Case = read_toml(&path);
            let mut setup = Setup::of(slug);
            setup.settings.extend(case.settings.clone());
            all.push((provider, setup, path.display().to_string(), case));
        }
    }
    assert!(!all.is_empty());
    all
}

#[tokio::test]
async fn task_requests_and_results_are_those_of_the_fixtures() {
    for (provider, setup, name, case) in each() {
        assert!(!case.about.is_empty(), "{name}");
        let script = Script::answering(case.exchange.iter().map(|exchange| Ok(prepared(exchange))));
        let found = match outcome(provider, &setup, &case, &script).await {
            Ok(found) => json!({ "ok": found }),
            Err(error) => {
                let error = ExpectedError::from(&error);
                json!({"error": {"kind": error.kind, "code": error.code, "retry_after_s": error.retry_after_s}})
            }
        };
        let expected: Value = serde_json::from_str(&case.expect).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found, expected, "{name}");
        sent_as_expected(&name, &script, &case.exchange);
    }
}

async fn create(provider: &dyn Provider, http: &dyn Outbound) -> Result<TaskRef, ProviderError> {
    let slug = &provider.manifest().slug;
    let connection = Setup::of(slug).connection(slug);
    let tasks = provider.task().unwrap();
    tasks.create(ctx(&connection, http, None), &task()).await
}

async fn change(
    provider: &dyn Provider,
    http: &dyn Outbound,
    change: &TaskChange,
) -> Result<(), ProviderError> {
    let slug = &provider.manifest().slug;
    let connection = Setup::of(slug).connection(slug);
    let tasks = provider.task().unwrap();
    tasks.change(ctx(&connection, http, None), TASK, change).await
}

/// What one kind of error may be taken for.
fn allowed(status: u16) -> &'static [&'static str] {
    match status {
        401 => &["auth"],
        402 => &["configuration"],
        403 => &["auth", "configuration"],
        404 => &["rejected", "configuration"],
        429 => &["rate_limited"],
        408 | 500.. => &["outcome_unknown"],
        _ => &["rejected"],
    }
}

const STATUSES: [u16; 16] = [
    400, 401, 402, 403, 404, 408, 409, 413, 422, 424, 429, 451, 500, 502, 503, 504,
];

#[tokio::test]
async fn bare_statuses_of_a_new_task_are_classified_and_those_of_a_change_are_never_in_doubt() {
    for provider in with_capability("task") {
        let slug = &provider.manifest().slug;
        for status in STATUSES {
            let headers: &[(&str, &str)] = match status {
                429 => &[("retry-after", "7")],
                _ => &[],
            };
            let script = Script::answering([Ok(answer(status, headers, ""))]);
            let found = ExpectedError::from(&create(provider, &script).await.expect_err(slug));
            let kinds = allowed(status);
            assert!(
                kinds.contains(&found.kind.as_str()),
                "{slug}: {status} → {found:?}"
            );
            for one in [assign(None), stage(), TaskChange::Complete] {
                let script = Script::answering([Ok(answer(status, headers, ""))]);
                let found = change(provider, &script, &one).await.expect_err(slug);
                let found = ExpectedError::from(&found);
                let kinds = if kinds == ["outcome_unknown"] {
                    &["unavailable"]
                } else {
                    kinds
                };
                assert!(
                    kinds.contains(&found.kind.as_str()),
                    "{slug}: {status} → {found:?}"
                );
                let wait = (status == 429).then_some(7);
                assert_eq!(found.retry_after_s, wait, "{slug}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_new_task_that_broke_off_is_in_doubt_and_a_change_that_did_may_be_made_again() {
    for provider in with_capability("task") {
        let slug = &provider.manifest().slug;
        for code in ["timeout", "connection_cut"] {
            let cut = ProviderError::new(ProviderErrorKind::OutcomeUnknown, code, "it broke off");
            let script = Script::answering([Err(cut.clone())]);
            assert_eq!(create(provider, &script).await, Err(cut.clone()), "{slug}");
            for one in [assign(None), stage(), TaskChange::Complete] {
                let script = Script::answering([Err(cut.clone())]);
                let error = change(provider, &script, &one).await.expect_err(slug);
                assert!(
                    matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
                    "{slug}: {error}"
                );
            }
        }
        let down = ProviderErrorKind::Unavailable { retry_after: None };
        let down = ProviderError::new(down, "breaker_open", "not sent");
        let script = Script::answering([Err(down.clone())]);
        assert_eq!(create(provider, &script).await, Err(down), "{slug}");
    }
}

#[tokio::test]
async fn a_new_task_whose_answer_cannot_be_read_is_in_doubt() {
    for provider in with_capability("task") {
        for body in [
            "",
            "<html>",
            "{}",
            "[]",
            "null",
            "{\"data\":{\"gid\":\"\"}}",
            "{\"data\":{\"gid\":\"a/b\"}}",
        ] {
            let script = Script::answering([Ok(answer(201, &[], body))]);
            let error = create(provider, &script).await.expect_err(body);
            assert_eq!(*error.kind(), ProviderErrorKind::OutcomeUnknown, "{body}");
        }
    }
}

#[tokio::test]
async fn who_says_that_creations_can_be_found_finds_them() {
    for provider in with_capability("task") {
        let slug = &provider.manifest().slug;
        let (connection, tasks) = (Setup::of(slug).connection(slug), provider.task().unwrap());
        let script = Script::answering([Ok(answer(503, &[], ""))]);
        let error = tasks
            .find(ctx(&connection, &script, None), REFERENCE)
            .await
            .expect_err(slug);
        match tasks.creation(&connection) {
            Recovery::Unsure => assert_eq!(*error.kind(), ProviderErrorKind::Configuration, "{slug}"),
            _ => assert!(
                matches!(error.kind(), ProviderErrorKind::Unavailable { .. }),
                "{slug}: {error}"
            ),
        }
    }
}

#[tokio::test]
async fn without_a_token_or_with_a_task_that_is_none_nothing_leaves() {
    for provider in with_capability("task") {
        let slug = &provider.manifest().slug;
        let (tasks, script) = (provider.task().unwrap(), Script::default());
        let mut bare = Setup::of(slug).connection(slug);
        bare.secrets = Secrets::default();
        let error = tasks
            .create(ctx(&bare, &script, None), &task())
            .await
            .expect_err(slug);
        assert_eq!(*error.kind(), ProviderErrorKind::Configuration, "{slug}");
        let whole = Setup::of(slug).connection(slug);
        let mut wrong = [task(), task(), task(), task(), task()];
        wrong[0].title = " \n ".to_owned();
        wrong[1].reference = String::new();
        wrong[2].reference = "x".repeat(1025);
        wrong[3].reference = "order\n812".to_owned();
        wrong[4].assignee = Some("x".repeat(300));
        for task in wrong {
            let error = tasks
                .create(ctx(&whole, &script, None), &task)
                .await
                .expect_err(slug);
            assert_eq!(*error.kind(), ProviderErrorKind::Malformed, "{slug}");
        }
        for id in ["", "..", "a/b", "x?y", "external:order"] {
            let error = tasks
                .change(ctx(&whole, &script, None), id, &stage())
                .await
                .expect_err(id);
            assert_eq!(*error.kind(), ProviderErrorKind::Malformed, "{slug}: {id}");
        }
        assert!(script.sent.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn requests_errors_and_debug_texts_of_tasks_keep_people_and_secrets_to_themselves() {
    for provider in with_capability("task") {
        let slug = &provider.manifest().slug;
        let told = "assignee: Not a recognized ID: ana@example.test 573001234567 Calle 10";
        let parrot = json!({"errors": [{"message": told}], "error_description": told});
        let script = Script::answering([Ok(answer(400, &[], &parrot.to_string()))]);
        let error = create(provider, &script).await.expect_err(slug);
        let texts = format!(
            "{error} {error:?} {:?} {:?} {:?}",
            task(),
            assign(Some("ana@example.test")),
            stage()
        );
        for personal in [
            "ana@example.test",
            "573001234567",
            "Calle 10",
            "Mantenimiento",
            "tecnico@",
            "En curso",
        ] {
            assert!(!texts.contains(personal), "{slug}: {texts}");
        }
        let sent = script.sent.lock().unwrap();
        let shown = format!("{:?} {}", sent[0].headers, sent[0].url);
        for (name, value) in &Setup::of(slug).secrets {
            assert!(!shown.contains(value.as_str()), "{slug} shows {name}: {shown}");
        }
    }
}

proptest! {
    #[test]
    fn answers_about_tasks_never_panic_and_stay_within_bounds_whatever_they_hold(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        status in prop::sample::select(vec![200u16, 201, 400, 401, 403, 404, 429, 500]),
        value in prop::sample::select(vec![
            "null", "true", "0", "-1", "1e308", "\"\"", "\"\\u0000 x\"", "\"https://x.test/\\u0000\"", "[]", "{}", "[[]]", "\"a: b: c\"",
        ]),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let all = each();
        let (provider, setup, _, case) = which.get(&all);
        let mut bodies = vec![Bytes::from(noise)];
        if let Some(mut json) = case.exchange.first().and_then(|one| serde_json::from_str(&one.reply).ok()) {
            let mut pointers = Vec::new();
            collect(&json, String::new(), &mut pointers);
            let pointer = place.get(&pointers);
            *json.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
            bodies.push(Bytes::from(json.to_string()));
        }
        for body in bodies {
            // The second question of a creation is answered as the first.
            let mut one = answer(status, &[], "");
            one.body = body;
            let script = Script::answering([Ok(one.clone()), Ok(one)]);
            let work = std::pin::pin!(outcome(*provider, setup, case, &script));
            let Poll::Ready(found) = work.poll(&mut Context::from_waker(Waker::noop())) else {
                panic!("it waits for something")
            };
            match found {
                Ok(found) if case.operation == "create" => {
                    let (id, url) = (found["task_id"].as_str().unwrap(), found["url"].as_str().unwrap());
                    prop_assert!((1..=128).contains(&id.len()) && url.len() <= 256 && !url.contains('\0'));
                }
                Ok(_) => {}
                Err(error) => prop_assert!(error.code().chars().count() <= 64 && !error.detail().contains('\0')),
            }
        }
    }
}
