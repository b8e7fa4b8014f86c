//! A task goes along with its order.

use crate::support::{Fake, Stage, assigned};

#[tokio::test(flavor = "multi_thread")]
async fn four_events_are_four_calls_and_four_facts() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.assigns("acme", &order, 2, "luis").await;
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    stage.moves("acme", &order, 4, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(
        Fake::tried(),
        ["create", "assign luis@example.test", "stage Asignada", "complete"]
    );
    let told = stage.told(&order).await;
    let changes: Vec<&str> = told.iter().map(|event| event.change.as_str()).collect();
    assert_eq!(changes, ["created", "assigned", "staged", "completed"]);
    let tasks = Fake::tasks();
    assert_eq!(tasks.len(), 1);
    for event in &told {
        assert_eq!(
            (event.order_id.as_str(), event.number.as_str()),
            (order.as_str(), "OT-000042")
        );
        assert_eq!(event.task_id, format!("gid-{}", tasks[0].reference));
        assert_eq!(event.url, format!("https://tasks.example/{}", tasks[0].reference));
    }
    assert_eq!(stage.count("SELECT count(*) FROM task_changes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_says_what_is_wanted_where_and_not_by_whom() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    let tasks = Fake::tasks();
    let task = tasks.first().unwrap();
    assert_eq!(task.title, "OT-000042 · Mantenimiento");
    assert_eq!((task.stage.as_str(), task.assignee.as_deref()), ("Nueva", None));
    for part in [
        "OT-000042",
        "Nueva",
        "La planta no enciende",
        "Calle 1 # 2-3, Bogotá",
    ] {
        assert!(task.notes.contains(part), "{part}");
    }
    assert!(!task.notes.contains("Ana Ruiz") && !task.notes.contains("300123"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_let_tasks_name_the_client() {
    let stage = Stage::set().await;
    let order = stage.opens("other").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    let notes = Fake::tasks().remove(0).notes;
    assert!(
        notes.contains("Ana Ruiz") && notes.contains("+573001234567"),
        "{notes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_whom_the_connection_says_and_else_the_address_in_the_directory() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.assigns("acme", &order, 2, "ana").await;
    stage
        .publish("acme", &order, 3, &assigned(&order, "luis", "ana"))
        .await;
    // The service provider alone is another one: nothing changes for the task.
    stage
        .publish("acme", &order, 4, &assigned(&order, "luis", "luis"))
        .await;
    stage
        .publish("acme", &order, 5, &assigned(&order, "stranger", "luis"))
        .await;
    stage.becomes(&order, |seen| seen.version == 4).await;
    assert_eq!(
        Fake::tried(),
        [
            "create",
            "assign 1207",
            "assign luis@example.test",
            "assign nobody"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_completes_its_task_too() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.moves("acme", &order, 2, "Nueva", "Cancelada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(Fake::tried(), ["create", "complete"]);
    // What is known of the order is not kept longer than it is needed.
    let kept = "SELECT count(*) FROM tasks WHERE facts::text LIKE '%planta%'";
    assert_eq!(stage.count(kept).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_nothing_is_queued() {
    let stage = Stage::set().await;
    for poor in ["poor", "rich"] {
        let order = stage.opens(poor).await;
        stage.moves(poor, &order, 2, "Nueva", "Asignada").await;
        stage.applied(&order, 2).await;
        assert_eq!(stage.seen(&order).await, None);
    }
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
    assert_eq!(Fake::tried(), Vec::<String>::new());
}
