//! Repeated, early and late: each change once, and in its order.

use puente_proto::orders::OrderClientChecked;

use crate::support::{Fake, Reply, Stage, moved, opened};

#[tokio::test(flavor = "multi_thread")]
async fn redelivered_events_call_nothing_twice() {
    let stage = Stage::set().await;
    let first = opened();
    let order = first.order_id.clone();
    let sent = [
        stage.publish("acme", &order, 1, &first).await,
        stage.assigns("acme", &order, 2, "luis").await,
        stage.moves("acme", &order, 3, "Nueva", "Asignada").await,
        stage.moves("acme", &order, 4, "Ejecutada", "Cerrada").await,
    ];
    stage.becomes(&order, |seen| seen.state == "completed").await;
    for envelope in &sent {
        // As the broker delivers it again, and as a replay of the order's history brings it under a new id.
        stage.send(envelope).await;
        let mut replayed = envelope.clone();
        replayed.id = puente_types::EventId::new();
        replayed.replay = true;
        stage.send(&replayed).await;
    }
    stage.nothing_is_left().await;
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
    assert_eq!(Fake::tried().len(), 4);
    assert_eq!(stage.told(&order).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_shuffled_are_called_in_their_order() {
    let stage = Stage::set().await;
    let first = opened();
    let order = first.order_id.clone();
    stage.moves("acme", &order, 4, "Asignada", "EnCotizacion").await;
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    stage.publish("acme", &order, 1, &first).await;
    stage.assigns("acme", &order, 2, "luis").await;
    stage.becomes(&order, |seen| seen.version == 4).await;
    assert_eq!(
        Fake::tried(),
        [
            "create",
            "assign luis@example.test",
            "stage Asignada",
            "stage EnCotizacion"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_changes_no_task_has_its_place_all_the_same() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    let checked = OrderClientChecked {
        order_id: order.clone(),
        outcome: "known".to_owned(),
        ..OrderClientChecked::default()
    };
    stage.publish("acme", &order, 2, &checked).await;
    stage.becomes(&order, |seen| seen.stage == "Asignada").await;
    assert_eq!(Fake::tried(), ["create", "stage Asignada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_in_their_order_while_the_creation_fails_for_a_while() {
    let stage = Stage::set().await;
    // Longer than one call's budget: it begins anew.
    Fake::will(&[Reply::Away; 6]);
    let order = stage.opens("acme").await;
    stage.assigns("acme", &order, 2, "luis").await;
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    stage.moves("acme", &order, 4, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(
        Fake::done(),
        ["create", "assign luis@example.test", "stage Asignada", "complete"]
    );
    let tried = Fake::tried();
    assert_eq!(tried.len(), 10);
    assert!(tried[..7].iter().all(|what| what == "create"), "{tried:?}");
    assert_eq!(Fake::tasks().len(), 1);
    let seen = stage.seen(&order).await.unwrap();
    assert_eq!((seen.problem_code, seen.version), (None, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_of_a_task_is_under_way_at_a_time() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    Fake::changes(&[Reply::Away, Reply::Away]);
    let held = Fake::hold().await;
    for (version, state) in [(2, "Asignada"), (3, "EnCotizacion"), (4, "CotizacionEnviada")] {
        stage
            .publish("acme", &order, version, &moved(&order, "", state))
            .await;
    }
    stage.applied(&order, 4).await;
    assert_eq!(
        stage.count("SELECT count(*) FROM effects").await,
        1,
        "the others wait for it"
    );
    assert_eq!(stage.count("SELECT count(*) FROM task_changes").await, 3);
    drop(held);
    stage.becomes(&order, |seen| seen.version == 4).await;
    assert_eq!(
        Fake::done(),
        [
            "create",
            "stage Asignada",
            "stage EnCotizacion",
            "stage CotizacionEnviada"
        ]
    );
    assert_eq!(stage.seen(&order).await.unwrap().stage, "CotizacionEnviada");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_changes_than_are_kept_the_last_of_a_kind_counts() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    let held = Fake::hold().await;
    for version in 2..=70 {
        let agent = format!("agent-{version}");
        stage.assigns("acme", &order, version, &agent).await;
    }
    stage.applied(&order, 70).await;
    let waiting = stage.count("SELECT count(*) FROM task_changes").await;
    assert!(waiting <= 51, "{waiting} changes are kept");
    drop(held);
    stage.moves("acme", &order, 71, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    let done = Fake::done();
    let last = ["assign agent-70@example.test".to_owned(), "complete".to_owned()];
    assert!(done.ends_with(&last), "{done:?}");
}
