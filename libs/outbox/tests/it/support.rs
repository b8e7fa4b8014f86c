//! A schema with the mechanism's tables, and looks at what the broker holds.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use puente_outbox::{NewEvent, Outbox, Settings};
use puente_proto::orders::ClientRegistered;
use puente_testkit::{Schema, TestDb, TestNats};
use puente_types::TenantId;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest wait for anything here; on a loaded machine things take their time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const SERVICE: &str = "mechanism";

static OWN: Migrator = Migrator::DEFAULT;

pub(crate) fn schema() -> Schema<'static> {
    Schema {
        service: SERVICE,
        common: &puente_outbox::MIGRATIONS,
        own: &OWN,
    }
}

pub(crate) async fn database() -> TestDb {
    TestDb::new(&[schema()]).await
}

pub(crate) async fn servers() -> (TestDb, TestNats) {
    let schemas = [schema()];
    tokio::join!(TestDb::new(&schemas), TestNats::start())
}

/// Short leases, so that a dead replica is found within a test.
pub(crate) fn hasty() -> Settings {
    Settings {
        lease: Duration::from_secs(1),
        housekeeping: Duration::from_millis(100),
        ..Settings::default()
    }
}

pub(crate) fn tenant() -> TenantId {
    "algesta".parse().unwrap()
}

pub(crate) fn event(name: &str) -> NewEvent {
    NewEvent::new(
        &tenant(),
        name,
        &ClientRegistered {
            client_id: name.into(),
            ..Default::default()
        },
    )
}

/// Commits one event and returns its id.
pub(crate) async fn commit(outbox: &Outbox, name: &str) -> Result<String, puente_outbox::OutboxError> {
    let event = event(name);
    let id = event.id.to_string();
    let mut tx = outbox.begin().await?;
    tx.append(event);
    tx.commit().await?;
    Ok(id)
}

/// A running relay.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

pub(crate) async fn run(outbox: &Outbox, nats_url: &str) -> Running {
    let client = async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(|_| Duration::from_millis(50))
        .connect(nats_url)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(outbox.clone().run(client, stop.clone()));
    Running { stop, task }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As kill -9 would leave it: nothing is said to anyone.
    pub(crate) fn abort(self) {
        self.task.abort();
    }
}

/// How often each event id stands in the stream.
pub(crate) async fn in_stream(client: &async_nats::Client) -> Result<BTreeMap<String, usize>, String> {
    let js = async_nats::jetstream::new(client.clone());
    let mut stream = js
        .get_stream(puente_bus::topology::EVENTS)
        .await
        .map_err(|e| e.to_string())?;
    let count = stream.info().await.map_err(|e| e.to_string())?.state.messages;
    let mut found = BTreeMap::new();
    if count == 0 {
        return Ok(found);
    }
    let consumer = stream
        .create_consumer(async_nats::jetstream::consumer::pull::OrderedConfig::default())
        .await
        .map_err(|e| e.to_string())?;
    let mut messages = consumer.messages().await.map_err(|e| e.to_string())?;
    for _ in 0..count {
        let message = tokio::time::timeout(Duration::from_secs(5), messages.next())
            .await
            .map_err(|e| e.to_string())?
            .ok_or("ended")?
            .map_err(|e| e.to_string())?;
        let id = message
            .headers
            .as_ref()
            .and_then(|h| h.get("ce-id"))
            .map(ToString::to_string)
            .ok_or("no id")?;
        *found.entry(id).or_default() += 1;
    }
    Ok(found)
}

/// Waits until the stream holds exactly these ids, each once.
pub(crate) async fn stream_holds(client: &async_nats::Client, ids: &[String]) {
    let mut wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    puente_testkit::wait_for("every committed event in the stream, once", PATIENCE, || async {
        let found = in_stream(client).await?;
        let same =
            found.values().all(|n| *n == 1) && found.keys().map(String::as_str).eq(wanted.iter().copied());
        if same {
            Ok(())
        } else {
            Err(format!("{} of {}", found.len(), wanted.len()))
        }
    })
    .await;
}

pub(crate) async fn slots(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM relay_slots")
        .fetch_one(pool)
        .await
        .unwrap()
}
