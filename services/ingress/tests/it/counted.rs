//! The count of a conversation's messages: without a gap, whatever comes at the same time and how often.

use futures::future::join_all;
use reqwest::StatusCode;

use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, NORTE_NUMBER, PATIENCE, message, start};

const PATH: &str = "/webhooks/whatsapp_cloud";

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_conversation_are_counted_without_a_gap_and_repeated_ones_are_not() {
    let ingress = start(|o| o).await;
    // Two conversations of one contact, every message twice, all at once.
    let bodies: Vec<String> = (0..30)
        .flat_map(|n| [(ALGESTA_NUMBER, n), (NORTE_NUMBER, n), (ALGESTA_NUMBER, n)])
        .map(|(number, n)| message(number, &format!("wamid.{number}.{n}"), "hola"))
        .collect();
    let answers = join_all(bodies.iter().map(|body| ingress.cloud(PATH, CLOUD_SECRET, body))).await;
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    let counted: Vec<(String, Vec<i64>)> = sqlx::query_as(
        "SELECT tenant, array_agg(aggregate_version ORDER BY aggregate_version) FROM ingress.outbox
         GROUP BY tenant, aggregate_id ORDER BY tenant",
    )
    .fetch_all(&ingress.db.admin())
    .await
    .unwrap();
    let all: Vec<i64> = (1..=30).collect();
    assert_eq!(
        counted,
        [("algesta".to_owned(), all.clone()), ("norte".to_owned(), all)]
    );

    // What is published says the same: the relay takes it from memory, not from the table.
    let js = async_nats::jetstream::new(ingress.nats.client().await);
    let numbers = puente_testkit::wait_for("all events at the broker", PATIENCE, async || {
        let stream = js.get_stream("EVENTS").await.map_err(|error| error.to_string())?;
        let mut numbers = Vec::new();
        for sequence in 1..=60 {
            let event = stream
                .get_raw_message(sequence)
                .await
                .map_err(|error| error.to_string())?;
            let header = event.headers.get("puente-aggregate-version").ok_or("no count")?;
            numbers.push(
                header
                    .as_str()
                    .parse::<i64>()
                    .map_err(|error| error.to_string())?,
            );
        }
        Ok::<_, String>(numbers)
    })
    .await;
    assert_eq!(numbers.iter().sum::<i64>(), 2 * (1..=30).sum::<i64>());
    ingress.stop().await;
}
