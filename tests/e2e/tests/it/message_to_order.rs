//! The main job: a message becomes an order, and the client hears of it.

use puente_e2e::{InProcess, PATIENCE, Person, Processes, Stage};
use puente_providers::sim::Callbacks;
use puente_testkit::wait_for;

async fn receipts_arrive(stage: &Stage, person: &Person) {
    wait_for("every message to be read", PATIENCE, || async {
        let states: Vec<String> = sqlx::query_scalar(
            "SELECT state FROM notifications.messages WHERE recipient ->> 'contact_id' = $1 ORDER BY 1",
        )
        .bind(&person.phone)
        .fetch_all(&stage.db.admin())
        .await
        .map_err(|e| e.to_string())?;
        if !states.is_empty() && states.iter().all(|s| s == "read") {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_opens_exactly_one_order_although_every_message_comes_three_times() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    for person in [Person::on_cloud(1), Person::on_jelou(1)] {
        let answers = person.order(&stage, &fleet.url(0), 2).await;
        receipts_arrive(&stage, &person).await;
        let journal = stage.journal_of(person.provider, &person.phone);
        assert_eq!(
            journal.len(),
            answers,
            "one answer to each message, none doubled: {journal:#?}"
        );
        assert!(
            journal.last().unwrap().text.contains("OT-"),
            "the confirmation names the order"
        );
    }
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 2);
    assert_eq!(stage.count("SELECT count(*) FROM orders.clients").await, 2);
    let dead = "SELECT (SELECT count(*) FROM orders.dead_letters) + (SELECT count(*) FROM notifications.dead_letters)";
    assert_eq!(stage.count(dead).await, 0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_come_doubled_and_in_reverse_never_move_a_message_backwards() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let mut account = (*stage
        .hub
        .account("whatsapp_cloud", puente_e2e::ALGESTA_NUMBER)
        .unwrap())
    .clone();
    account.callbacks = Callbacks {
        duplicate: 2,
        out_of_order: true,
        ..Callbacks::default()
    };
    stage.hub.put_account("whatsapp_cloud", account);
    let person = Person::on_cloud(2);
    person.order(&stage, &fleet.url(0), 0).await;
    receipts_arrive(&stage, &person).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_story_with_a_process_per_service() {
    let stage = Stage::raise(false).await;
    let fleet = Processes::start(&stage, None).await;
    let person = Person::on_cloud(3);
    let answers = person.order(&stage, &fleet.url(), 1).await;
    receipts_arrive(&stage, &person).await;
    assert_eq!(stage.journal_of(person.provider, &person.phone).len(), answers);
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 1);
    let logs = fleet.logs();
    for private in [
        person.phone.as_str(),
        "ana.gomez@example.com",
        "nevera",
        "e2e-token-algesta",
        "e2e-app-secret",
    ] {
        assert!(!logs.contains(private), "the logs hold `{private}`");
    }
    fleet.stop().await;
}
