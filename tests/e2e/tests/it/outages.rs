//! Broker and database stop in the middle of conversations.

use puente_e2e::{InProcess, Person, Stage};
use reqwest::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn with_the_broker_away_and_then_without_its_disk_the_conversation_goes_on() {
    let mut stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let (before, during) = (Person::on_cloud(1), Person::on_cloud(2));
    before.order(&stage, &fleet.url(0), 0).await;
    stage.nats.kill9().await;
    during.say(&stage, &fleet.url(0), "Hola", 1).await;
    stage.nats.start_again_empty().await;
    during.wait_for_answers(&stage, 1).await;
    during.order(&stage, &fleet.url(0), 0).await;
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 2);
    let answers = stage.journal_of("whatsapp_cloud", &before.phone);
    assert_eq!(
        answers.len(),
        6,
        "what was done before the disk was lost is not done again: {answers:#?}"
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_nothing_is_acknowledged_and_the_redelivery_is_enough() {
    let mut stage = Stage::raise(true).await;
    let fleet = InProcess::start(&stage, 1).await;
    let person = Person::on_jelou(1);
    person.say(&stage, &fleet.url(0), "Hola", 0).await;
    person.wait_for_answers(&stage, 1).await;
    // Or the answer's fate would be in doubt, which counts as one more below.
    stage.wait_until_settled().await;
    stage.db.kill9().await;
    let webhook = stage
        .hub
        .webhook(
            "jelou",
            &puente_providers::sim::Inbound::text(person.account, &person.phone, "Hola"),
        )
        .unwrap();
    let request = webhook
        .headers
        .iter()
        .fold(stage.http.post(&webhook.url), |r, (n, v)| r.header(n, v));
    let answer = request.body(webhook.body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    stage.db.start_again().await;
    person.order(&stage, &fleet.url(0), 0).await;
    assert_eq!(stage.count("SELECT count(*) FROM orders.orders").await, 1);
    fleet.stop().await;
}
