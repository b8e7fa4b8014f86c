//! A task by hand, and who is shown it.

use serde_json::json;
use tonic::Code;

use crate::support::{Asking, Fake, Stage, connection, summary};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_connection_comes_later() {
    let stage = Stage::set_with(Vec::new()).await;
    let order = stage.opens("poor").await;
    stage.assigns("poor", &order, 2, "luis").await;
    stage.moves("poor", &order, 3, "Nueva", "Asignada").await;
    stage.applied(&order, 3).await;
    stage.orders.has("poor", summary(&order, 3, "Asignada", "luis"));
    let person = Asking::of(&stage, "poor").await;
    let refused = person.create(&order, "key-1").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("no_connection"), "{refused}");
    stage.stop().await;

    // The connection comes.
    let rt = puente_service::Runtime::new("sync");
    let mut stage = stage;
    stage.grpc = stage
        .start(&rt, vec![connection("poor-tasks", "poor", json!({}))])
        .await;
    let person = Asking::of(&stage, "poor").await;
    let task = person.create(&order, "key-2").await.unwrap();
    assert_eq!(
        (task.order_id.as_str(), task.provider_name.as_str()),
        (order.as_str(), "Stand-in")
    );
    stage.becomes(&order, |seen| seen.state == "open").await;
    stage.moves("poor", &order, 4, "Asignada", "EnCotizacion").await;
    stage.becomes(&order, |seen| seen.stage == "EnCotizacion").await;
    let made = Fake::tasks().remove(0);
    assert_eq!(
        (made.stage.as_str(), made.assignee.as_deref()),
        ("Asignada", Some("luis@example.test"))
    );
    assert_eq!(Fake::tried(), ["create", "stage EnCotizacion"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_gives_the_task_that_is_there() {
    let stage = Stage::set().await;
    let order = puente_types::OrderId::new().to_string();
    stage
        .orders
        .has("acme", summary(&order, 5, "EnCotizacion", "ana"));
    let person = Asking::of(&stage, "acme").await;
    let asked = (0..6).map(|n| {
        let key = format!("key-{}", n % 2);
        let (person, order) = (&person, &order);
        async move { person.create(order, &key).await.unwrap().reference }
    });
    let given = futures::future::join_all(asked).await;
    assert!(given.iter().all(|one| *one == given[0]), "{given:?}");
    stage.becomes(&order, |seen| seen.state == "open").await;
    let again = person.create(&order, "key-9").await.unwrap();
    assert_eq!(
        (again.reference.as_str(), again.state.as_str()),
        (given[0].as_str(), "open")
    );
    assert_eq!(Fake::tried(), ["create"]);
    assert_eq!(Fake::tasks()[0].assignee.as_deref(), Some("1207"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_task_was_made_after_are_not_applied_again() {
    let stage = Stage::set().await;
    let order = puente_types::OrderId::new().to_string();
    stage.orders.has("acme", summary(&order, 3, "Asignada", ""));
    let person = Asking::of(&stage, "acme").await;
    person.create(&order, "key-1").await.unwrap();
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    stage.moves("acme", &order, 4, "Asignada", "EnCotizacion").await;
    stage.becomes(&order, |seen| seen.stage == "EnCotizacion").await;
    assert_eq!(Fake::tried(), ["create", "stage EnCotizacion"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_older_than_what_was_applied_is_asked_for_again() {
    let stage = Stage::set().await;
    let order = stage.opens("rich").await;
    stage.moves("rich", &order, 2, "Nueva", "Asignada").await;
    stage.applied(&order, 2).await;
    // Orders answers from a replica of its database that is behind, all the time.
    let rt = puente_service::Runtime::new("sync");
    let mut stage = stage;
    stage.grpc = stage
        .start(&rt, vec![connection("rich-one", "rich", json!({}))])
        .await;
    stage.orders.has("rich", summary(&order, 1, "Nueva", ""));
    let person = Asking::of(&stage, "rich").await;
    let refused = person.create(&order, "key-1").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(stage.orders.asked(), 3);
    assert_eq!(stage.seen(&order).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_have_a_task_gets_none() {
    let stage = Stage::set().await;
    let order = puente_types::OrderId::new().to_string();
    let person = Asking::of(&stage, "acme").await;
    let unknown = person.create(&order, "key-1").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    stage.orders.has("acme", summary(&order, 9, "Cerrada", ""));
    let ended = person.create(&order, "key-1").await.unwrap_err();
    assert_eq!(ended.code(), Code::FailedPrecondition);
    assert_eq!(
        person.create("7", "key-1").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(
        person.create(&order, " ").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let mut nobody = Asking::of(&stage, "acme").await;
    nobody.asker.caller.role = " ".to_owned();
    let refused = nobody.create(&order, "key-1").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let two = Asking::of(&stage, "rich").await;
    stage.orders.has("rich", summary(&order, 1, "Nueva", ""));
    let undecided = two.create(&order, "key-1").await.unwrap_err();
    assert!(undecided.message().contains("several"), "{undecided}");
    assert_eq!(Fake::tried(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_of_another_tenants_order_is_not_shown_or_made() {
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.becomes(&order, |seen| seen.state == "open").await;
    stage.orders.has("acme", summary(&order, 1, "Nueva", ""));
    let other = Asking::of(&stage, "other").await;
    assert_eq!(other.get(&order).await.unwrap_err().code(), Code::NotFound);
    let refused = other.create(&order, "key-1").await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let own = Asking::of(&stage, "acme").await.get(&order).await.unwrap();
    assert_eq!(
        (own.state.as_str(), own.stage.as_str(), own.waiting),
        ("open", "Nueva", 0)
    );
    assert_eq!(Fake::tried(), ["create"]);
}
