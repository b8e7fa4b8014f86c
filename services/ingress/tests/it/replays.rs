//! Doing deliveries again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::StreamExt as _;
use puente_bus::{BatchHandler as _, Disposition, Envelope, Received, topology};
use puente_outbox::{ApplyError, EventHandler, Inbox, Outbox, Tx};
use puente_proto::Event as _;
use puente_proto::ingress::{DeliveryFilter, ReplayCounts};
use puente_proto::messaging::MessageReceived;
use puente_testkit::wait_for;
use tonic::Code;

use crate::asking::{Asking, asked, lately};
use crate::support::{
    ALGESTA_NUMBER, CLOUD_SECRET, NORTE_NUMBER, PATIENCE, Running, SUR_NUMBER, message, start,
};

pub(crate) const PATH: &str = "/webhooks/whatsapp_cloud";

/// Sends messages of these ids to algesta's number.
pub(crate) async fn send(ingress: &Running, ids: impl IntoIterator<Item = usize>) {
    for n in ids {
        let body = message(ALGESTA_NUMBER, &format!("wamid.{n}"), "hola");
        ingress.cloud(PATH, CLOUD_SECRET, &body).await;
    }
}

/// Undoes what intake made of a delivery, as if its adapter had not understood it.
pub(crate) async fn not_understood(ingress: &Running, delivery: &str) {
    let db = ingress.db.admin();
    for undo in [
        "DELETE FROM ingress.delivery_keys WHERE delivery_id = $1::uuid",
        "DELETE FROM ingress.outbox WHERE cause = $1::uuid::text",
        "UPDATE ingress.deliveries SET outcome = 'ignored', events = 0 WHERE id = $1::uuid",
    ] {
        sqlx::query(undo).bind(delivery).execute(&db).await.unwrap();
    }
}

/// The messages of the stream: how often each event, and how often as a repetition.
pub(crate) async fn stream(ingress: &Running) -> Result<BTreeMap<String, (usize, usize)>, String> {
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for message in messages(ingress).await? {
        let headers = message.headers.as_ref().ok_or("no headers")?;
        let id = headers.get("ce-id").ok_or("no id")?.to_string();
        let one = found.entry(id).or_default();
        match headers.get("puente-replay") {
            Some(_) => one.1 += 1,
            None => one.0 += 1,
        }
    }
    Ok(found)
}

async fn messages(ingress: &Running) -> Result<Vec<async_nats::Message>, String> {
    let js = async_nats::jetstream::new(ingress.nats.client().await);
    let mut stream = js.get_stream(topology::EVENTS).await.map_err(|e| e.to_string())?;
    let count = stream.info().await.map_err(|e| e.to_string())?.state.messages;
    if count == 0 {
        return Ok(Vec::new());
    }
    let consumer = stream
        .create_consumer(async_nats::jetstream::consumer::pull::OrderedConfig::default())
        .await
        .map_err(|e| e.to_string())?;
    let count = usize::try_from(count).unwrap();
    let mut messages = consumer.messages().await.map_err(|e| e.to_string())?.take(count);
    let mut all = Vec::new();
    while let Some(message) = messages.next().await {
        all.push(message.map_err(|e| e.to_string())?.message.clone());
    }
    Ok(all)
}

/// Waits until the stream holds so many events that were published once and repeated so often.
pub(crate) async fn stream_holds(ingress: &Running, events: usize, repeated: usize) {
    wait_for("the events in the stream", PATIENCE, || async {
        let found = stream(ingress).await?;
        let right = found.len() == events && found.values().all(|one| *one == (1, repeated));
        if right { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

pub(crate) async fn outbox_rows(ingress: &Running) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM ingress.outbox")
        .fetch_one(&ingress.db.admin())
        .await
        .unwrap()
}

#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl EventHandler for Counting {
    async fn apply(&self, _: &mut Tx, _: &Envelope) -> Result<(), ApplyError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_publishes_the_same_events_again_and_an_inbox_handles_none_of_them_twice() {
    let ingress = start(asked).await;
    send(&ingress, 0..20).await;
    stream_holds(&ingress, 20, 0).await;
    let asking = Asking::tenant(&ingress, "algesta").await;
    let replay = asking.replayed(lately(), "first").await;
    assert_eq!((replay.state.as_str(), replay.total), ("done", 20));
    assert_eq!(
        replay.done,
        Some(ReplayCounts {
            deliveries: 20,
            same: 20,
            ..ReplayCounts::default()
        })
    );
    assert_eq!(
        (replay.requested_by.as_str(), replay.reason.as_str()),
        ("user-7", "por la prueba")
    );
    assert!(replay.ended_at.is_some());
    stream_holds(&ingress, 20, 1).await;
    assert_eq!(outbox_rows(&ingress).await, 20, "nothing new");

    // The whole stream through an inbox, as a consumer would get it.
    let pool = ingress.db.pool("ingress");
    let outbox = Outbox::open(pool, "ingress", puente_outbox::Settings::default())
        .await
        .unwrap();
    let handler = Arc::new(Counting::default());
    let inbox = Inbox::new(outbox, topology::ORDERS, handler.clone());
    let mut payloads: HashMap<String, Vec<u8>> = HashMap::new();
    for (n, message) in messages(&ingress).await.unwrap().into_iter().enumerate() {
        let event = Envelope::read(&message).unwrap();
        let headers = message.headers.as_ref().unwrap();
        if event.replay {
            assert_eq!(headers.get("puente-replay").unwrap().as_str(), replay.id);
            assert_eq!(
                headers.get("Nats-Msg-Id").unwrap().as_str(),
                format!("{}/{}", event.id, replay.id)
            );
            assert_eq!(payloads[&event.id.to_string()], event.payload, "as it was then");
        }
        payloads.insert(event.id.to_string(), event.payload.to_vec());
        let received = Received {
            event: Ok(event),
            subject: message.subject.to_string(),
            stream_sequence: n as u64 + 1,
            delivered: 1,
        };
        assert_eq!(inbox.handle(&[received]).await, [Disposition::Ack]);
    }
    assert_eq!(handler.0.load(Ordering::SeqCst), 20);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_does_what_its_plan_said() {
    let ingress = start(asked).await;
    send(&ingress, 0..6).await;
    stream_holds(&ingress, 6, 0).await;
    send(&ingress, [0]).await; // a duplicate
    ingress.cloud(PATH, CLOUD_SECRET, "{\"object\":17").await; // cannot be translated
    ingress
        .cloud(PATH, "wrong", &message(ALGESTA_NUMBER, "wamid.f", "no"))
        .await; // not verified
    let asking = Asking::installation(&ingress).await;
    wait_for("the refused one", PATIENCE, || async {
        asking.all(&DeliveryFilter::default()).await.len() == 9
    })
    .await;
    let listed = asking.all(&DeliveryFilter::default()).await;
    let (fresh, changed) = (&listed[4].id, &listed[5].id);
    not_understood(&ingress, fresh).await;
    // As if the adapter of then had read another text.
    let shown = asking.get(changed).await.unwrap();
    let event = shown.event_ids[0].clone();
    let payload: Vec<u8> = sqlx::query_scalar("SELECT payload FROM ingress.outbox WHERE id = $1::uuid")
        .bind(&event)
        .fetch_one(&ingress.db.admin())
        .await
        .unwrap();
    let mut then: MessageReceived = decode(&payload);
    then.text = "otro".into();
    sqlx::query("UPDATE ingress.outbox SET payload = $2 WHERE id = $1::uuid")
        .bind(&event)
        .bind(encode(&then))
        .execute(&ingress.db.admin())
        .await
        .unwrap();

    let plan = asking.plan(lately()).await.unwrap();
    let counts = ReplayCounts {
        deliveries: 9,
        same: 5,
        different: 1,
        fresh: 1,
        skipped: 2,
    };
    assert_eq!(plan.counts, Some(counts));
    assert!(!plan.sampled);
    assert_eq!(plan.differences.len(), 2);
    for difference in &plan.differences {
        assert_eq!(difference.r#type, MessageReceived::TYPE.name);
        if difference.event_id.is_empty() {
            assert_eq!((&difference.delivery_id, difference.fields.len()), (fresh, 0));
        } else {
            assert_eq!((&difference.delivery_id, &difference.event_id), (changed, &event));
            assert_eq!(difference.fields, ["text"]);
        }
    }
    assert_eq!(outbox_rows(&ingress).await, 5, "a plan makes nothing");
    assert_eq!(
        stream(&ingress)
            .await
            .unwrap()
            .values()
            .map(|one| one.1)
            .sum::<usize>(),
        0
    );

    let replay = asking.replayed(lately(), "as planned").await;
    assert_eq!((replay.done, replay.total), (Some(counts), 9));
    assert_eq!(outbox_rows(&ingress).await, 6);
    ingress.stop().await;
}

fn encode<E: puente_proto::Event>(event: &E) -> Vec<u8> {
    event.encode_to_vec()
}

fn decode<E: puente_proto::Event>(bytes: &[u8]) -> E {
    E::decode(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_happening_is_made_once_however_often_it_is_replayed() {
    let ingress = start(asked).await;
    send(&ingress, 0..3).await;
    stream_holds(&ingress, 3, 0).await;
    let asking = Asking::tenant(&ingress, "algesta").await;
    let delivery = asking.all(&DeliveryFilter::default()).await[1].clone();
    not_understood(&ingress, &delivery.id).await;
    let first = asking.replayed(lately(), "1").await.done.unwrap();
    assert_eq!((first.same, first.fresh), (2, 1));
    let (cause, trace, place): (String, Option<String>, Option<i64>) = sqlx::query_as(
        "SELECT cause, traceparent, aggregate_version FROM ingress.outbox ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(&ingress.db.admin())
    .await
    .unwrap();
    assert_eq!(cause, delivery.id);
    assert_eq!(place, Some(4), "counted on after the three of then");
    assert_eq!(
        trace
            .as_deref()
            .and_then(|one| one.split('-').nth(1))
            .unwrap_or_default(),
        delivery.trace_id
    );
    let second = asking.replayed(lately(), "2").await.done.unwrap();
    assert_eq!((second.same, second.fresh), (3, 0));
    // Also when its key is forgotten and only its content tells.
    sqlx::query("DELETE FROM ingress.delivery_keys")
        .execute(&ingress.db.admin())
        .await
        .unwrap();
    let third = asking.replayed(lately(), "3").await.done.unwrap();
    assert_eq!((third.same, third.different, third.fresh), (3, 0, 0));
    assert_eq!(outbox_rows(&ingress).await, 3);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_keys_make_nothing_new_neither_of_deliveries_nor_of_their_duplicates() {
    let ingress = start(asked).await;
    send(&ingress, 0..5).await;
    send(&ingress, 0..5).await;
    // Two messages of one conversation in one delivery, one of them known.
    let mut both: serde_json::Value =
        serde_json::from_str(&message(ALGESTA_NUMBER, "wamid.4", "hola")).unwrap();
    let more: serde_json::Value = serde_json::from_str(&message(ALGESTA_NUMBER, "wamid.5", "hola")).unwrap();
    both["entry"]
        .as_array_mut()
        .unwrap()
        .push(more["entry"][0].clone());
    ingress.cloud(PATH, CLOUD_SECRET, &both.to_string()).await;
    assert_eq!(outbox_rows(&ingress).await, 6);
    sqlx::query("DELETE FROM ingress.delivery_keys")
        .execute(&ingress.db.admin())
        .await
        .unwrap();
    let asking = Asking::tenant(&ingress, "algesta").await;
    let done = asking.replayed(lately(), "late").await.done.unwrap();
    assert_eq!(
        (done.deliveries, done.same, done.different, done.fresh),
        (11, 12, 0, 0)
    );
    assert_eq!(outbox_rows(&ingress).await, 6);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_made_long_after_its_delivery_is_found_by_its_cause() {
    let ingress = start(asked).await;
    send(&ingress, [0]).await;
    // As if the replica had stood still in between, its key was forgotten, and its text is read differently today.
    let at = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).unwrap() + 300;
    let later = uuid::Uuid::new_v7(uuid::Timestamp::from_unix_time(at, 0, 0, 0));
    let payload: Vec<u8> = sqlx::query_scalar("SELECT payload FROM ingress.outbox")
        .fetch_one(&ingress.db.admin())
        .await
        .unwrap();
    let mut then: MessageReceived = decode(&payload);
    then.text = "otro".into();
    sqlx::query("WITH forgotten AS (DELETE FROM ingress.delivery_keys) UPDATE ingress.outbox SET id = $1, payload = $2")
        .bind(later)
        .bind(encode(&then))
        .execute(&ingress.db.admin())
        .await
        .unwrap();
    let plan = Asking::tenant(&ingress, "algesta")
        .await
        .plan(lately())
        .await
        .unwrap();
    let counts = plan.counts.unwrap();
    assert_eq!((counts.different, counts.fresh), (1, 0));
    assert_eq!(plan.differences[0].event_id, later.to_string());
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_routed_is_made_when_its_connection_is_there() {
    let ingress = start(asked).await;
    ingress
        .cloud(PATH, CLOUD_SECRET, &message("777", "wamid.u", "hola"))
        .await;
    let asking = Asking::installation(&ingress).await;
    let plan = asking.plan(lately()).await.unwrap().counts.unwrap();
    assert_eq!((plan.deliveries, plan.fresh), (1, 0));
    ingress.connect_number("nueva-wa", "norte", "777").await;
    let unroutable = DeliveryFilter {
        outcomes: vec!["unroutable".into()],
        ..lately()
    };
    let done = asking.replayed(unroutable, "now").await.done.unwrap();
    assert_eq!((done.deliveries, done.fresh), (1, 1));
    assert_eq!(ingress.events().await, [("norte".into(), 1)]);
    stream_holds(&ingress, 1, 0).await;
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_verified_is_replayed_although_its_secret_was_changed_since() {
    let ingress = start(asked).await;
    ingress
        .cloud(PATH, "app-of-sur", &message(SUR_NUMBER, "wamid.1", "hola"))
        .await;
    // Of nobody: only its secret said which app it was for.
    ingress
        .cloud(PATH, "app-of-sur", &message("999", "wamid.2", "hola"))
        .await;
    ingress.change_secret_of_sur("another").await;
    let refused = ingress
        .cloud(PATH, "app-of-sur", &message(SUR_NUMBER, "wamid.3", "hola"))
        .await;
    assert_eq!(refused.status(), reqwest::StatusCode::UNAUTHORIZED);
    // Refused ones are written behind their answers.
    wait_for("the refused one", PATIENCE, || async {
        let kept = "SELECT count(*) > 0 FROM ingress.deliveries WHERE verification = 'refused'";
        sqlx::query_scalar::<_, bool>(kept)
            .fetch_one(&ingress.db.admin())
            .await
            .unwrap()
    })
    .await;
    let all = Asking::installation(&ingress).await;
    let counts = all.plan(lately()).await.unwrap().counts.unwrap();
    // The two of old, the proof of the new secret, the refused one.
    assert_eq!((counts.same, counts.fresh), (2, 0), "{counts:?}");
    assert!(counts.skipped >= 2, "{counts:?}");
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_repeated_safely_and_checked_and_a_cancelled_replay_stays_cancelled() {
    let ingress = start(asked).await;
    send(&ingress, 0..2).await;
    ingress
        .cloud(PATH, CLOUD_SECRET, &message(NORTE_NUMBER, "wamid.n", "hola"))
        .await;
    let asking = Asking::tenant(&ingress, "algesta").await;
    let first = asking.start(lately(), "k").await.unwrap();
    let again = asking
        .start(
            DeliveryFilter {
                provider: "jelou".into(),
                ..lately()
            },
            "k",
        )
        .await
        .unwrap();
    assert_eq!(first.id, again.id);
    assert_eq!(asking.ended(&first.id).await.total, 2);

    // Inboxes remember for so long; what is older is never done again.
    let ages = DeliveryFilter {
        since: Some(prost_types::Timestamp::default()),
        ..lately()
    };
    let ages = asking.replayed(ages, "ages").await;
    let clamped = ages.filter.unwrap().since.unwrap();
    let days = (time::OffsetDateTime::now_utc().unix_timestamp() - clamped.seconds) / 86_400;
    assert_eq!((days, ages.total), (29, 2));

    assert_eq!(
        asking
            .start(DeliveryFilter::default(), "x")
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
    assert_eq!(
        asking.start(lately(), "").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(
        asking.plan(DeliveryFilter::default()).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let unknown = asking
        .replay(&uuid::Uuid::now_v7().to_string())
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    stream_holds_only_algestas_again(&ingress).await;
    ingress.stop().await;
}

/// Two replays repeated each of algesta's two events, and norte's not.
async fn stream_holds_only_algestas_again(ingress: &Running) {
    wait_for("the events in the stream", PATIENCE, || async {
        let mut found: Vec<_> = stream(ingress).await?.into_values().collect();
        found.sort_unstable();
        if found == [(1, 0), (1, 2), (1, 2)] {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_ten_of_a_tenant_run_another_one_is_refused_as_things_are_and_not_as_if_ingress_were_busy() {
    let ingress = start(asked).await;
    // Another replica works on them, and has just given a sign of life.
    sqlx::query(
        "INSERT INTO ingress.replays (id, tenant, idempotency_key, requested_by, reason, outcomes, since, until, cursor,
                                      owner, lease_until)
         SELECT gen_random_uuid(), 'algesta', n::text, 'user:1', 'why', '{}', now(), now(), gen_random_uuid(),
                gen_random_uuid(), now() + interval '1 hour'
         FROM generate_series(1, 10) AS n",
    )
    .execute(&ingress.db.admin())
    .await
    .unwrap();
    let asking = Asking::tenant(&ingress, "algesta").await;
    let refused = asking.start(lately(), "eleventh").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    let norte = Asking::tenant(&ingress, "norte").await;
    norte.start(lately(), "first").await.unwrap();
    sqlx::query("UPDATE ingress.replays SET state = 'done' WHERE idempotency_key = '7'")
        .execute(&ingress.db.admin())
        .await
        .unwrap();
    asking.start(lately(), "eleventh").await.unwrap();
    ingress.stop().await;
}
