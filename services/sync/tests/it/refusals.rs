//! What the provider refuses is shown, and does not keep the rest away.

use crate::support::{Asking, Fake, Reply, Stage, summary};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_assignee_does_not_keep_the_completion_away() {
    let stage = Stage::set().await;
    Fake::changes(&[Reply::Reject]);
    let order = stage.opens("acme").await;
    stage.assigns("acme", &order, 2, "luis").await;
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    let seen = stage.becomes(&order, |seen| seen.stage == "Asignada").await;
    assert_eq!(
        (seen.problem_code.as_deref(), seen.problem_change.as_deref()),
        (Some("refused"), Some("assigned")),
        "it stays visible"
    );
    stage.moves("acme", &order, 4, "Ejecutada", "Cerrada").await;
    let seen = stage.becomes(&order, |seen| seen.state == "completed").await;
    assert_eq!(seen.problem_code, None, "nobody has to mend a task that is done");
    assert_eq!(Fake::done(), ["create", "stage Asignada", "complete"]);
    let failed = "SELECT count(*) FROM effects_history WHERE outcome = 'failed' AND error_code = 'refused'";
    assert_eq!(stage.count(failed).await, 1);
    let told = stage.told(&order).await;
    assert_eq!(told.len(), 3, "what was not done is not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_refused_is_made_by_command_from_the_order_as_it_stands() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Reject]);
    let order = stage.opens("acme").await;
    stage.assigns("acme", &order, 2, "luis").await;
    stage.moves("acme", &order, 3, "Nueva", "Asignada").await;
    stage.becomes(&order, |seen| seen.state == "failed").await;
    stage.applied(&order, 3).await;
    assert_eq!(stage.count("SELECT count(*) FROM task_changes").await, 0);
    stage.orders.has("acme", summary(&order, 3, "Asignada", "luis"));
    let person = Asking::of(&stage, "acme").await;
    assert_eq!(person.get(&order).await.unwrap().problem_code, "refused");
    let task = person.create(&order, "key-1").await.unwrap();
    assert_eq!(
        (task.problem_code.as_str(), task.number.as_str()),
        ("", "OT-000042")
    );
    stage.becomes(&order, |seen| seen.state == "open").await;
    let made = Fake::tasks().remove(0);
    assert_eq!(
        (made.stage.as_str(), made.assignee.as_deref()),
        ("Asignada", Some("luis@example.test"))
    );
    assert_eq!(Fake::tried(), ["create", "create"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_assignee_is_a_stranger_is_made_for_nobody_and_says_so() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Stranger]);
    let order = puente_types::OrderId::new().to_string();
    stage.orders.has("acme", summary(&order, 3, "Asignada", "luis"));
    let person = Asking::of(&stage, "acme").await;
    person.create(&order, "key-1").await.unwrap();
    let seen = stage.becomes(&order, |seen| seen.state == "open").await;
    assert_eq!(
        (seen.problem_code.as_deref(), seen.problem_change.as_deref()),
        (Some("assignee_refused"), Some("assigned"))
    );
    assert_eq!(Fake::tasks().remove(0).assignee, None);
    assert_eq!(Fake::tried(), ["create", "create"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_mends_goes_on_by_itself() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Unset, Reply::Unset]);
    Fake::changes(&[Reply::Unset]);
    let order = stage.opens("acme").await;
    stage.moves("acme", &order, 2, "Nueva", "Asignada").await;
    let seen = stage.becomes(&order, |seen| seen.stage == "Asignada").await;
    assert_eq!(seen.problem_code, None);
    assert_eq!(
        Fake::tried(),
        ["create", "create", "create", "stage Asignada", "stage Asignada"]
    );
}
