//! An order is a task in its tenant's task manager: created, assigned, moved and completed with it, each once.

use puente_e2e::{AGENT, ASANA, ASANA_PROJECT, ASANA_SECTIONS, InProcess, Office, PATIENCE, Person, Stage};
use puente_proto::orders::{OrderOpened, OrderStateChanged};
use puente_proto::sync::TaskChanged;
use puente_providers::sim::FaultKind;
use puente_telemetry::{TelemetryConfig, trace_id};
use puente_testkit::{OtlpSink, wait_for};
use serde_json::Value;
use uuid::Uuid;

/// The only task at the simulator, once it is as wanted.
async fn task(stage: &Stage, fits: impl Fn(&Value) -> bool) -> Value {
    let url = format!("{}/sim/asana/_control/tasks", stage.sims);
    wait_for("the task", PATIENCE, || async {
        let answer = stage
            .http
            .get(&url)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let board: Value = answer.json().await.map_err(|error| error.to_string())?;
        let tasks = board["tasks"].as_array().unwrap();
        assert!(tasks.len() <= 1, "one order is one task: {board}");
        match tasks.first() {
            Some(task) if fits(task) => Ok(task.clone()),
            _ => Err(board.to_string()),
        }
    })
    .await
}

/// What the simulator carried out, in its order: operation and text.
fn carried_out(stage: &Stage) -> Vec<(&'static str, String)> {
    let journal = stage.hub.journal("asana");
    journal
        .into_iter()
        .inspect(|entry| assert_eq!(entry.account, ASANA))
        .map(|entry| (entry.operation, entry.text))
        .collect()
}

/// Events of one type in an outbox: id, trace and event.
async fn told<E: puente_proto::Event>(stage: &Stage, schema: &str) -> Vec<(Uuid, String, E)> {
    let sql = format!("SELECT id, traceparent, payload FROM {schema}.outbox WHERE type = $1 ORDER BY seq");
    let rows: Vec<(Uuid, Option<String>, Vec<u8>)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(E::TYPE.name)
        .fetch_all(&stage.db.admin())
        .await
        .unwrap();
    rows.into_iter()
        .map(|(id, traceparent, payload)| {
            let trace = traceparent.as_deref().and_then(trace_id).unwrap_or_default();
            (id, trace.to_owned(), E::decode(payload.as_slice()).unwrap())
        })
        .collect()
}

async fn desk(fleet: &InProcess) -> Office {
    let office = Office::of("norte", &fleet.grpc_url("orders"), &fleet.grpc_url("signature"));
    office.open().await;
    office
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_becomes_an_order_and_the_order_a_task_in_one_trace() {
    let sink = OtlpSink::start().await;
    let config = TelemetryConfig {
        service_name: "puente".into(),
        otlp_endpoint: Some(sink.endpoint().to_owned()),
        ..TelemetryConfig::default()
    };
    let telemetry = puente_telemetry::init(&config).unwrap();
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    // The first answer of the task manager gets lost on its way.
    stage.hub.fault("asana", FaultKind::CutAfter.times(1));
    let person = Person::of_norte(1);
    // Every message comes three times.
    person.order(&stage, &fleet.url(0), 2).await;
    let number = person.order_number(&stage);
    let task = task(&stage, |_| true).await;
    assert_eq!(task["project"], ASANA_PROJECT);
    assert_eq!(task["section"], ASANA_SECTIONS[0].1);
    assert!(
        task["name"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{number} · ")),
        "{task}"
    );
    // A task manager is a third party: it is not told who the client is.
    let text = task.to_string();
    assert!(
        !text.contains("Ana María") && !text.contains(&person.phone),
        "{text}"
    );
    let created = wait_for("the news of the task", PATIENCE, || async {
        told::<TaskChanged>(&stage, "sync").await.pop().ok_or("none")
    })
    .await;
    let opened = told::<OrderOpened>(&stage, "orders").await;
    assert_eq!(opened.len(), 1);
    assert_eq!(created.2.order_id, opened[0].2.order_id);
    assert_eq!(created.2.task_id, task["gid"]);
    assert_eq!(created.1, opened[0].1, "one trace");
    assert!(!created.1.is_empty());
    assert_eq!(carried_out(&stage).len(), 1, "one creation");
    fleet.stop().await;
    telemetry.shutdown().await;
    let spans = sink.trace(&created.1);
    let webhook = spans.iter().any(|span| span.name.contains("webhook"));
    let call = spans.iter().any(|span| {
        span.name.contains("provider.call") && span.attributes.values().any(|value| value == "asana")
    });
    assert!(webhook && call, "from the webhook to the call: {spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assigned_order_is_its_agents_task() {
    let stage = Stage::raise(false).await;
    let mut fleet = InProcess::start(&stage, 1).await;
    let _gateway = fleet.open_gateway(&stage).await;
    let office = desk(&fleet).await;
    let person = Person::of_norte(1);
    person.order(&stage, &fleet.url(0), 0).await;
    office.assign(&person.order_number(&stage)).await;
    let section = ASANA_SECTIONS[1].1;
    let task = task(&stage, |task| task["section"] == section).await;
    assert_eq!(task["assignee"], format!("{AGENT}@algesta.example"));
    let done = carried_out(&stage);
    let operations: Vec<_> = done.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(operations, ["tasks.create", "tasks.update", "sections.add_task"]);
    assert_eq!(done[1].1, "assignee");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_an_order_is_one_event_one_completed_task_and_one_message() {
    let stage = Stage::raise(false).await;
    // Two replicas of everything.
    let fleet = InProcess::start(&stage, 2).await;
    let office = desk(&fleet).await;
    let person = Person::of_norte(1);
    person.order(&stage, &fleet.url(0), 0).await;
    let number = person.order_number(&stage);
    office.assign(&number).await;
    let steps = [
        "start_quotation",
        "approve_quotation",
        "schedule",
        "start_execution",
        "finish_execution",
    ];
    office.take(&number, &steps).await;
    let ways = steps.len() + 2;
    wait_for("the task to be where its order is", PATIENCE, || async {
        match told::<TaskChanged>(&stage, "sync").await.len() {
            told if told == ways + 1 => Ok(()),
            told => Err(told),
        }
    })
    .await;
    office.take(&number, &["close"]).await;
    let task = task(&stage, |task| task["completed"] == true).await;
    let closed: Vec<_> = told::<OrderStateChanged>(&stage, "orders")
        .await
        .into_iter()
        .filter(|(_, _, event)| event.after == "Cerrada")
        .collect();
    assert_eq!(closed.len(), 1, "one close event");
    let (close, trace, _) = &closed[0];
    let completions = carried_out(&stage);
    let completions = completions.iter().filter(|(_, text)| text == "completed");
    assert_eq!(completions.count(), 1, "one completion");
    let news = wait_for("the news of the completion", PATIENCE, || async {
        let told = told::<TaskChanged>(&stage, "sync").await;
        let completed: Vec<_> = told
            .into_iter()
            .filter(|(_, _, event)| event.change == "completed")
            .collect();
        if completed.is_empty() {
            Err("none")
        } else {
            Ok(completed)
        }
    })
    .await;
    assert_eq!(news.len(), 1);
    assert_eq!(
        (&news[0].1, &news[0].2.task_id),
        (trace, &task["gid"].as_str().unwrap().to_owned())
    );
    let messages = wait_for("the client to be told", PATIENCE, || async {
        let sent: Vec<(String, String)> =
            sqlx::query_as("SELECT contact_id, state FROM notifications.messages WHERE cause = $1")
                .bind(close)
                .fetch_all(&stage.db.admin())
                .await
                .unwrap();
        let done = |(_, state): &(String, String)| state != "queued";
        if !sent.is_empty() && sent.iter().all(done) {
            Ok(sent)
        } else {
            Err(sent)
        }
    })
    .await;
    assert_eq!(messages.len(), 1, "one message");
    assert_eq!(messages[0].0, person.phone);
    fleet.stop().await;
}
