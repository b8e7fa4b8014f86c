//! The task of an order: made once, shown with its place and its stage.

use puente_gateway::domain::Role;
use puente_proto::sync::Task;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::office::{ORDER, OTHER};
use crate::support::{PASSWORD, Stage};

const CREATE: &str = "/api/orders/OT-000042/create-asana-task";

#[tokio::test]
async fn a_task_is_being_created_and_a_repeated_call_gives_the_one_that_is_there() {
    let (stage, office) = Stage::with_office().await;
    office.orders("Asignada");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let create = |once: &'static str| {
        let request = stage.ask(Method::POST, CREATE);
        request.bearer_auth(&key).header("idempotency-key", once).send()
    };
    let first = create("k1").await.unwrap();
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first: Value = first.json().await.unwrap();
    assert_eq!(
        (&first["order_id"], &first["state"]),
        (&json!(ORDER), &json!("creating"))
    );
    let repeated = create("k1").await.unwrap();
    assert_eq!(repeated.status(), StatusCode::ACCEPTED);
    assert_eq!(repeated.headers()["idempotency-replayed"], "true");
    assert_eq!(office.done(), ["create_task"]);
    // The provider has it by now, and somebody asks once more.
    let mut made = office.tables().tasks[0].clone();
    made.1.state = "open".to_owned();
    office.tables().tasks = vec![made];
    let again = create("k2").await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["reference"], first["reference"]);
    let trail = stage.trail().await;
    let rows: Vec<_> = trail
        .iter()
        .map(|(action, _, object, _)| (action.as_str(), object.as_str()))
        .collect();
    assert_eq!(
        rows,
        [("order.task_created", ORDER), ("order.task_created", ORDER)]
    );
}

#[tokio::test]
async fn the_task_of_an_order_is_shown_to_its_tenant_alone() {
    let (stage, office) = Stage::with_office().await;
    office.orders("Asignada");
    let task = |order: &str| Task {
        order_id: order.to_owned(),
        state: "open".to_owned(),
        stage: "Asignada".to_owned(),
        url: "https://app.asana.com/0/1/2".to_owned(),
        ..Task::default()
    };
    office.tables().tasks = vec![
        ("algesta".to_owned(), task(ORDER)),
        ("norte".to_owned(), task(OTHER)),
    ];
    let viewer = stage.key(Some("algesta"), Role::Viewer).await;
    let told: Value = stage
        .get("/api/orders/OT-000042/task", &viewer)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&told["url"], &told["stage"]),
        (&json!("https://app.asana.com/0/1/2"), &json!("Asignada"))
    );
    let theirs = stage.get(&format!("/api/orders/{OTHER}/task"), &viewer).await;
    assert_eq!(theirs.status(), StatusCode::NOT_FOUND);
    office.tables().tasks.clear();
    let none = stage.get("/api/orders/OT-000042/task", &viewer).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let refused = stage.post(CREATE, &viewer, &json!({})).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_page_of_an_order_has_a_line_about_its_task_with_the_way_to_it() {
    let (stage, office) = Stage::with_office().await;
    office.orders("Asignada");
    let task = Task {
        order_id: ORDER.to_owned(),
        state: "open".to_owned(),
        stage: "Asignada".to_owned(),
        provider_name: "Asana".to_owned(),
        url: "https://app.asana.com/0/1/2".to_owned(),
        problem_code: "assignee_refused".to_owned(),
        ..Task::default()
    };
    office.tables().tasks = vec![("algesta".to_owned(), task.clone())];
    stage
        .person(Some("algesta"), Role::Agent, "agente@algesta.co")
        .await;
    let (cookie, _) = stage.log_in("agente@algesta.co", PASSWORD).await.unwrap();
    let see = async || {
        let answer = stage
            .ask(Method::GET, "/pedidos/OT-000042")
            .header("cookie", &cookie);
        answer.send().await.unwrap().text().await.unwrap()
    };
    let page = see().await;
    assert!(page.contains("<a href=\"https://app.asana.com/0/1/2\""), "{page}");
    assert!(page.contains("Tarea en Asana") && page.contains("assignee_refused"));
    let odd = Task {
        url: "javascript:alert(1)".to_owned(),
        ..task
    };
    office.tables().tasks = vec![("algesta".to_owned(), odd)];
    assert!(!see().await.contains("javascript:"), "only a page is a way");
    office.tables().tasks.clear();
    assert!(
        !see().await.contains("Tarea en"),
        "an order without a task has no line"
    );
}
