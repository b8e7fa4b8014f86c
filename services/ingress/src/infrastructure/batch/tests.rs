//! What both statements write, and when which of them is taken.

use axum::http::{HeaderMap, Method};
use puente_outbox::Settings;
use puente_testkit::{Schema, TestDb};
use puente_types::DeliveryId;
use puente_webhook_auth::RawRequest;
use sqlx::PgPool;

use super::queue::Part;
use super::*;
use crate::application::{StoredRequest, take_headers};

async fn database() -> TestDb {
    let schema = Schema {
        service: "ingress",
        common: &puente_outbox::MIGRATIONS,
        own: &crate::MIGRATIONS,
    };
    TestDb::new(&[schema]).await
}

/// A replica's outbox.
async fn replica(db: &TestDb) -> Outbox {
    Outbox::open(db.pool("ingress"), "ingress", Settings::default())
        .await
        .unwrap()
}

fn id_of(text: &str) -> Uuid {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(text.bytes().rev()) {
        *to = from;
    }
    Uuid::from_bytes(bytes)
}

/// A delivery of messages, each of a conversation and with what it is known by.
fn delivery(messages: &[(&str, &str)]) -> Received {
    let id = DeliveryId::new();
    let mut headers = HeaderMap::new();
    headers.insert("user-agent", "test".parse().unwrap());
    headers.insert("authorization", "Bearer secret".parse().unwrap());
    let mut request = RawRequest {
        method: Method::POST,
        path: "/webhooks/whatsapp_cloud".into(),
        query: String::new(),
        headers,
        body: "{}".into(),
    };
    let stored = StoredRequest {
        id,
        receipt_sequence: 7,
        provider: "whatsapp_cloud",
        connection: Some("algesta-wa".into()),
        tenant: Some("algesta".into()),
        headers: take_headers(&mut request),
        request,
        verified: true,
        outcome: if messages.is_empty() {
            Outcome::Ignored
        } else {
            Outcome::Accepted
        },
        reason: messages.is_empty().then(|| "nothing of use".into()),
        traceparent: None,
    };
    let events = messages.iter().map(|(conversation, key)| {
        let event = NewEvent::new(
            &"algesta".parse().unwrap(),
            id_of(conversation),
            &MessageReceived {
                provider_message_id: (*key).into(),
                ..MessageReceived::default()
            },
        );
        (id_of(key), event.caused_by(id))
    });
    Received {
        events: events.collect(),
        stored,
    }
}

fn batch(deliveries: &[&[(&str, &str)]]) -> Vec<Received> {
    deliveries.iter().map(|messages| delivery(messages)).collect()
}

/// Places of the messages in their conversation, in the order of the outbox.
async fn counted(pool: &PgPool, conversation: &str) -> Vec<i64> {
    sqlx::query_scalar("SELECT aggregate_version FROM ingress.outbox WHERE aggregate_id = $1 ORDER BY seq")
        .bind(id_of(conversation).to_string())
        .fetch_all(pool)
        .await
        .unwrap()
}

async fn outcomes(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT outcome, count(*) FROM ingress.deliveries GROUP BY outcome ORDER BY outcome")
        .fetch_all(pool)
        .await
        .unwrap()
}

const MIXED: &[&[(&str, &str)]] = &[
    &[("ana", "1"), ("luis", "2"), ("ana", "3")],
    &[],
    &[("eva", "4")],
    &[("ana", "0")],
];

#[tokio::test(flavor = "multi_thread")]
async fn both_statements_write_the_same() {
    let mut seen = Vec::new();
    for careful in [false, true] {
        let db = database().await;
        let outbox = replica(&db).await;
        for round in 0..2 {
            let batch: Vec<Received> = MIXED
                .iter()
                .map(|messages| {
                    let named: Vec<_> = messages
                        .iter()
                        .map(|(who, key)| (*who, format!("{round}.{key}")))
                        .collect();
                    let named: Vec<_> = named.iter().map(|(who, key)| (*who, key.as_str())).collect();
                    delivery(&named)
                })
                .collect();
            let rows = Rows::of(&batch);
            let mut connection = outbox.pool().acquire().await.unwrap();
            let written = if careful {
                statements::with_known(&mut connection, &outbox, &rows).await
            } else {
                statements::all_new(&mut connection, &outbox, &rows, &rows.keys().unwrap()).await
            };
            assert_eq!(written.unwrap().unwrap().in_turn().len(), 5);
        }
        let admin = db.admin();
        let events: Vec<(String, i64, Vec<u8>, bool)> = sqlx::query_as(
            "SELECT o.aggregate_id, o.aggregate_version, o.payload, k.delivery_id::text = o.cause AND k.provider = d.provider
             FROM ingress.outbox AS o JOIN ingress.delivery_keys AS k ON k.event_id = o.id
             JOIN ingress.deliveries AS d ON d.id = k.delivery_id ORDER BY o.seq",
        )
        .fetch_all(&admin)
        .await
        .unwrap();
        let deliveries: Vec<(String, Option<String>, i32, i32, serde_json::Value)> = sqlx::query_as(
            "SELECT outcome, reason, events, body_bytes, kept_headers::jsonb FROM ingress.deliveries ORDER BY id",
        )
        .fetch_all(&admin)
        .await
        .unwrap();
        assert!(events.iter().all(|event| event.3));
        assert_eq!(deliveries[0].4["authorization"], "[removed]");
        seen.push((events, deliveries));
    }
    assert_eq!(seen[0].0.len(), 10);
    assert_eq!(seen[0], seen[1]);
    let of_ana: Vec<i64> = seen[0]
        .0
        .iter()
        .filter(|event| event.0 == id_of("ana").to_string())
        .map(|event| event.1)
        .collect();
    assert_eq!(of_ana, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_happening_in_a_batch_costs_the_others_nothing_and_makes_the_writer_careful() {
    let db = database().await;
    let outbox = replica(&db).await;
    let mut writer = Writer::of(outbox);
    let first = writer.save(batch(&[&[("ana", "1")], &[("ana", "2")]])).await;
    assert_eq!(first.unwrap(), [Outcome::Accepted, Outcome::Accepted]);
    assert!(writer.careful_until.is_none());

    let second = batch(&[
        &[("ana", "3")],
        &[("ana", "1")],
        &[("ana", "2"), ("ana", "4")],
        &[],
    ]);
    let second = writer.save(second).await.unwrap();
    let (accepted, duplicate) = (Outcome::Accepted, Outcome::Duplicate);
    assert_eq!(second, [accepted, duplicate, accepted, Outcome::Ignored]);
    assert!(writer.careful_until.is_some());

    let third = writer.save(batch(&[&[("ana", "5")], &[("ana", "1")]])).await;
    assert_eq!(third.unwrap(), [accepted, duplicate]);
    let admin = db.admin();
    assert_eq!(counted(&admin, "ana").await, [1, 2, 3, 4, 5]);
    let all = [("accepted", 5), ("duplicate", 2), ("ignored", 1)];
    assert_eq!(
        outcomes(&admin).await,
        all.map(|(outcome, count)| (outcome.to_owned(), count))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_happening_told_twice_in_one_batch_is_one_and_fails_no_statement() {
    let db = database().await;
    let outbox = replica(&db).await;
    let mut writer = Writer::of(outbox);
    let twice = batch(&[&[("ana", "1"), ("ana", "1")], &[("luis", "2")], &[("ana", "1")]]);
    let saved = writer.save(twice).await.unwrap();
    assert_eq!(saved, [Outcome::Accepted, Outcome::Accepted, Outcome::Duplicate]);
    assert!(writer.careful_until.is_none());
    assert_eq!(counted(&db.admin(), "ana").await, [1]);
    assert_eq!(counted(&db.admin(), "luis").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_told_the_same_at_once_make_one_event_of_each_without_a_gap() {
    let db = database().await;
    let replicas = [replica(&db).await, replica(&db).await, replica(&db).await];
    let people = ["ana", "luis", "eva"];
    for round in 0..15 {
        let saved = futures::future::join_all(replicas.iter().enumerate().map(|(n, outbox)| async move {
            // The same happenings in another order for each, and some of its own.
            let mut messages: Vec<(&str, String)> = (0..20)
                .map(|m| (people[m % 3], format!("{round}.{m}")))
                .chain((0..5).map(|m| (people[m % 3], format!("{round}.{n}.{m}"))))
                .collect();
            messages.rotate_left(n * 7);
            let received = messages
                .iter()
                .map(|(who, key)| delivery(&[(*who, key.as_str())]));
            // Each trusts anew, so that the statements meet that expect no other.
            Writer::of(outbox.clone()).save(received.collect()).await.unwrap()
        }))
        .await;
        let accepted = saved
            .iter()
            .flatten()
            .filter(|one| **one == Outcome::Accepted)
            .count();
        assert_eq!((accepted, saved.iter().flatten().count()), (20 + 3 * 5, 75));
    }
    let admin = db.admin();
    let mut sum = 0;
    for who in people {
        let mut places = counted(&admin, who).await;
        places.sort_unstable();
        sum += places.len();
        assert_eq!(
            places,
            (1..=i64::try_from(places.len()).unwrap()).collect::<Vec<_>>()
        );
    }
    assert_eq!(sum, 15 * 35);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lost_its_slot_writes_nothing_with_it_and_all_with_another_one() {
    let db = database().await;
    let outbox = replica(&db).await;
    let admin = db.admin();
    let stored = async || -> (i64, i64) {
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM ingress.deliveries) + (SELECT count(*) FROM ingress.delivery_keys)
                  + (SELECT count(*) FROM ingress.conversation_counts) + (SELECT count(*) FROM ingress.outbox),
                    (SELECT count(*) FROM ingress.outbox JOIN ingress.relay_slots USING (slot))",
        )
        .fetch_one(&admin)
        .await
        .unwrap()
    };
    sqlx::query("DELETE FROM ingress.relay_slots")
        .execute(&admin)
        .await
        .unwrap();
    let received = batch(&[&[("ana", "1")]]);
    let rows = Rows::of(&received);
    let keys = rows.keys().unwrap();
    let mut connection = outbox.pool().acquire().await.unwrap();
    let by_trust = statements::all_new(&mut connection, &outbox, &rows, &keys).await;
    assert!(by_trust.unwrap().is_none());
    let by_care = statements::with_known(&mut connection, &outbox, &rows).await;
    assert!(by_care.unwrap().is_none());
    assert_eq!(stored().await, (0, 0));
    drop((rows, keys));
    let saved = Writer::of(outbox).save(received).await.unwrap();
    assert_eq!(saved, [Outcome::Accepted]);
    assert_eq!(stored().await, (4, 1), "in a slot that somebody drains");
}

fn waiting(received: Received) -> Waiting {
    Waiting {
        received,
        answer: tokio::sync::oneshot::channel().0,
        memory: None,
    }
}

/// How many wait in each part, by conversation.
fn drained(parts: &mut [Part]) -> Vec<Vec<String>> {
    let all = parts.iter_mut().map(|part| {
        std::iter::from_fn(|| part.try_recv().ok())
            .filter_map(|one| Some(one.received.events.first()?.1.aggregate_id.clone()))
            .collect()
    });
    all.collect()
}

#[test]
fn messages_of_a_conversation_wait_for_one_writer_and_all_writers_have_work() {
    let (queue, mut parts) = Queue::new(400.try_into().unwrap(), 2.try_into().unwrap());
    for n in 0..100 {
        // A conversation's id is a hash.
        let who = Uuid::from_u128(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128.wrapping_mul(n % 25 + 1));
        let mut received = delivery(&[("ana", &n.to_string())]);
        received.events[0].1.aggregate_id = who.to_string();
        queue.offer(waiting(received)).unwrap();
    }
    let drained = drained(&mut parts);
    assert!(drained.iter().all(|part| !part.is_empty()), "{drained:?}");
    assert!(
        drained[0].iter().all(|who| !drained[1].contains(who)),
        "{drained:?}"
    );
}

#[test]
fn where_one_part_is_full_another_takes_the_request_and_beyond_all_of_them_none() {
    let (queue, mut parts) = Queue::new(6.try_into().unwrap(), 3.try_into().unwrap());
    assert!(queue.is_roomy());
    for n in 0..6 {
        queue
            .offer(waiting(delivery(&[("ana", &n.to_string())])))
            .unwrap();
    }
    assert!(!queue.is_roomy());
    assert!(queue.offer(waiting(delivery(&[("ana", "6")]))).is_err());
    assert!(drained(&mut parts).iter().all(|part| part.len() == 2));
}
