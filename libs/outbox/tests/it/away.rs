//! The database goes away in the middle: nothing of that counts against an event.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use puente_bus::topology::ConsumerSpec;
use puente_bus::{BatchHandler as _, Disposition, Envelope, Received};
use puente_outbox::{ApplyError, EventHandler, Inbox, Outbox, Tx};
use puente_proto::Event as _;
use puente_proto::orders::ClientRegistered;
use puente_testkit::TestDb;
use sqlx::PgPool;

use crate::support::{SERVICE, database, event, hasty};

/// Few tries, so that each that is counted wrongly shows.
const SPEC: ConsumerSpec = ConsumerSpec {
    durable: "moody",
    events: &[ClientRegistered::TYPE],
    ack_wait: Duration::from_secs(30),
    max_deliver: 2,
    max_ack_pending: 256,
    batch: 64,
    workers: 1,
};

/// Does what the name of a client says, one letter at a time: `x` is cut off from the database, `f` fails,
/// `v` fails for ever, `l` takes too long, all others work. Each time it is tried it takes the next letter; the last one stays.
struct Moody {
    admin: PgPool,
    tried: Mutex<Vec<String>>,
}

impl Moody {
    fn tried(&self, name: &str) -> usize {
        let tried = self.tried.lock().unwrap();
        tried.iter().filter(|one| *one == name).count()
    }
}

#[async_trait]
impl EventHandler for Moody {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        let name = event.aggregate_id.as_str();
        let at = self.tried(name).min(name.len() - 1);
        self.tried.lock().unwrap().push(name.to_owned());
        match name.as_bytes()[at] {
            b'x' => {
                let here: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
                    .fetch_one(&mut **tx)
                    .await?;
                sqlx::query("SELECT pg_terminate_backend($1)")
                    .bind(here)
                    .execute(&self.admin)
                    .await
                    .unwrap();
                sqlx::query("SELECT pg_sleep(60)").execute(&mut **tx).await?;
            }
            b'l' => {
                sqlx::query("SET LOCAL statement_timeout = 20")
                    .execute(&mut **tx)
                    .await?;
                sqlx::query("SELECT pg_sleep(60)").execute(&mut **tx).await?;
            }
            b'f' => return Err(ApplyError::Retry("not yet".into())),
            b'v' => return Err(ApplyError::Dead("never".into())),
            _ => {}
        }
        tx.append(crate::support::event(name));
        Ok(())
    }
}

struct Room {
    db: TestDb,
    outbox: Outbox,
    handler: Arc<Moody>,
    inbox: Inbox<Moody>,
}

async fn room() -> Room {
    let db = database().await;
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, hasty()).await.unwrap();
    let handler = Arc::new(Moody {
        admin: db.admin(),
        tried: Mutex::default(),
    });
    let inbox = Inbox::new(outbox.clone(), SPEC, handler.clone());
    Room {
        db,
        outbox,
        handler,
        inbox,
    }
}

impl Room {
    async fn dead_letters(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT aggregate_id FROM mechanism.dead_letters ORDER BY 1")
            .fetch_all(&self.db.admin())
            .await
            .unwrap()
    }
}

/// Delivered far more often than an event may fail, as after a long outage.
fn received(names: &[&str]) -> Vec<Received> {
    let one = |name: &&str| {
        let event = event(name);
        Received {
            subject: "puente.v1.algesta.orders.client.registered".into(),
            delivered: 50,
            stream_sequence: 1,
            event: Ok(Envelope {
                id: event.id,
                tenant: event.tenant,
                event: event.event,
                source: "orders".into(),
                aggregate_id: event.aggregate_id,
                aggregate_version: None,
                cause: None,
                traceparent: None,
                occurred_at: time::OffsetDateTime::UNIX_EPOCH,
                replay: false,
                payload: event.payload,
            }),
        }
    };
    names.iter().map(one).collect()
}

fn retried(disposition: Disposition) -> bool {
    matches!(disposition, Disposition::Retry(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_met_no_database_do_not_count_as_failures_of_the_event() {
    let room = room().await;
    let batch = received(&["xxxfo"]);
    for _ in 0..4 {
        assert!(retried(room.inbox.handle(&batch).await[0]));
    }
    assert_eq!(room.inbox.handle(&batch).await, [Disposition::Ack]);
    assert_eq!(room.dead_letters().await, [""; 0]);
    assert_eq!(room.handler.tried("xxxfo"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_slot_was_taken_over_handles_its_events_all_the_same() {
    let room = room().await;
    sqlx::query("DELETE FROM mechanism.relay_slots")
        .execute(&room.db.admin())
        .await
        .unwrap();
    let lost = room.outbox.slot();
    let done = room.inbox.handle(&received(&["o", "oo"])).await;
    assert_eq!(done, [Disposition::Ack, Disposition::Ack]);
    assert_eq!(room.dead_letters().await, [""; 0]);
    assert!(room.outbox.slot() > lost, "a slot of its own again");
    let slots: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT slot FROM mechanism.outbox")
        .fetch_all(&room.db.admin())
        .await
        .unwrap();
    assert_eq!(slots, [room.outbox.slot()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_meets_no_database_is_given_back_and_not_tried_event_by_event() {
    let room = room().await;
    let done = room.inbox.handle(&received(&["a", "x", "z"])).await;
    assert!(done.iter().all(|one| retried(*one)), "{done:?}");
    assert_eq!((room.handler.tried("a"), room.handler.tried("z")), (1, 0));

    // A bad event makes each go alone; from the one that is cut off on, nothing is tried.
    let done = room.inbox.handle(&received(&["f", "v", "xx", "zz"])).await;
    assert_eq!(done[1], Disposition::Ack, "a dead letter");
    assert!(
        retried(done[0]) && retried(done[2]) && retried(done[3]),
        "{done:?}"
    );
    assert_eq!((room.handler.tried("xx"), room.handler.tried("zz")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_statement_never_ends_in_time_becomes_a_dead_letter() {
    let room = room().await;
    let batch = received(&["l"]);
    assert!(retried(room.inbox.handle(&batch).await[0]));
    assert_eq!(room.inbox.handle(&batch).await, [Disposition::Ack]);
    assert_eq!(room.dead_letters().await, ["l"]);
}
