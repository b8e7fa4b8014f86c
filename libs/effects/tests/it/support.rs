//! A runner with a scripted executor.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use puente_effects::{Effect, EffectExecutor, Effects, NewEffect, Outcome, Priority, Settings, enqueue};
use puente_http::retry::Schedule;
use puente_http::{Http, HttpConfig};
use puente_outbox::{ApplyError, NewEvent, Outbox, Tx};
use puente_ports::{CallCtx, Connection, Manifest, Provider, ProviderError, Recovery};
use puente_proto::notifications::MessageStateChanged;
use puente_testkit::{Schema, TestDb};
use puente_types::Secrets;
use puente_vault::Connections;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
pub(crate) const SERVICE: &str = "mechanism";
static OWN: Migrator = Migrator::DEFAULT;

pub(crate) async fn database() -> TestDb {
    TestDb::new(&[Schema {
        service: SERVICE,
        common: &puente_outbox::MIGRATIONS,
        own: &OWN,
    }])
    .await
}

/// What a call answers.
pub(crate) type Answer = Result<Value, ProviderError>;

/// The provider as the test scripts it, and its journal.
pub(crate) struct Script {
    pub(crate) recovery: Recovery,
    pub(crate) answers: Mutex<VecDeque<Answer>>,
    pub(crate) found: Mutex<Option<Value>>,
    /// Keys of the calls that reached the provider, with the time.
    pub(crate) journal: Mutex<Vec<(String, Instant)>>,
    /// Calls wait for a permit after they reached the provider; plenty by default.
    pub(crate) gate: Semaphore,
    /// Outcomes that were taken into the service's state.
    pub(crate) settled: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new(recovery: Recovery, answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            recovery,
            answers: Mutex::new(answers.into_iter().collect()),
            found: Mutex::new(None),
            journal: Mutex::default(),
            gate: Semaphore::new(100_000),
            settled: Mutex::default(),
        })
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.journal
            .lock()
            .unwrap()
            .iter()
            .map(|(key, _)| key.clone())
            .collect()
    }

    pub(crate) fn outcomes(&self) -> Vec<String> {
        self.settled.lock().unwrap().clone()
    }
}

#[async_trait]
impl EffectExecutor for Script {
    fn recovery(&self, _: &Effect) -> Recovery {
        self.recovery
    }

    async fn call(&self, effect: &Effect, ctx: CallCtx<'_>) -> Answer {
        assert_eq!(ctx.idempotency_key, effect.key);
        self.journal
            .lock()
            .unwrap()
            .push((effect.key.clone(), Instant::now()));
        self.gate.acquire().await.unwrap().forget();
        self.answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| Ok(json!({"ok": true})))
    }

    async fn find(&self, _: &Effect, _: CallCtx<'_>) -> Result<Option<Value>, ProviderError> {
        Ok(self.found.lock().unwrap().clone())
    }

    async fn settled(&self, tx: &mut Tx, effect: &Effect, outcome: &Outcome) -> Result<(), ApplyError> {
        tx.append(NewEvent::new(
            &effect.tenant,
            &effect.subject_id,
            &MessageStateChanged::default(),
        ));
        let word = match outcome {
            Outcome::Done(_) => "done".to_owned(),
            Outcome::Failed(error) => format!("failed {}", error.code()),
            Outcome::Unknown { .. } => "unknown".to_owned(),
        };
        self.settled.lock().unwrap().push(word);
        Ok(())
    }
}

pub(crate) fn connection(quota: Option<&str>) -> Connection {
    let mut settings = serde_json::Map::new();
    if let Some(quota) = quota {
        settings.insert("quota_per_second".into(), quota.into());
    }
    Connection {
        id: "acme".parse().unwrap(),
        tenant: "algesta".parse().unwrap(),
        provider: "sample".into(),
        account: None,
        settings,
        secrets: Secrets::default(),
    }
}

/// A provider that is called by the script, and not by its adapter.
struct Sample;

impl Provider for Sample {
    fn manifest(&self) -> &'static Manifest {
        static SAMPLE: LazyLock<Manifest> = LazyLock::new(|| {
            let text = r#"
                slug = "sample"
                name = "Sample"
                code = "INT-000"
                state = "implemented"
                capabilities = ["message"]
                owner = "mechanism"
                fallback = "none"
                urls = {}
                timeout_ms = 1000
                redelivery_hours = 1
                max_body_bytes = 1000
                quotas = [{ name = "per_second", limit = 1000, window_ms = 1000 }]
            "#;
            Manifest::parse("sample", text).unwrap()
        });
        &SAMPLE
    }
}

fn registry(slug: &str) -> Option<&'static dyn Provider> {
    (slug == "sample").then_some(&Sample as &dyn Provider)
}

/// A runner that can be killed.
pub(crate) struct Runner {
    pub(crate) effects: Effects<Script>,
    pub(crate) outbox: Outbox,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

pub(crate) async fn runner(db: &TestDb, script: &Arc<Script>, quota: Option<&str>) -> Runner {
    runner_with(db, script, vec![connection(quota)]).await
}

/// A runner that knows these connections.
pub(crate) async fn runner_with(db: &TestDb, script: &Arc<Script>, connections: Vec<Connection>) -> Runner {
    let outbox = Outbox::open(db.pool(SERVICE), SERVICE, puente_outbox::Settings::default())
        .await
        .unwrap();
    let settings = Settings {
        // A slow machine is no dead caller: who wants a lease to be over says so.
        lease_margin: Duration::from_secs(30),
        idle: Duration::from_millis(50),
        schedule: Schedule {
            base: Duration::from_millis(20),
            cap: Duration::from_millis(100),
            rate_limited_cap: Duration::from_millis(100),
        },
        ..Settings::default()
    };
    let effects = Effects::new(
        outbox.clone(),
        Connections::fixed(connections),
        Http::new(HttpConfig::default()).unwrap(),
        registry,
        script.clone(),
        settings,
    );
    let stop = CancellationToken::new();
    let task = tokio::spawn(effects.clone().run(stop.clone()));
    Runner {
        effects,
        outbox,
        stop,
        task,
    }
}

/// The leases of all calls under way are over, as if time had passed.
pub(crate) async fn leases_end(db: &TestDb) {
    sqlx::query(
        "UPDATE mechanism.effects SET lease_until = now() - interval '1 second' WHERE state = 'calling'",
    )
    .execute(&db.admin())
    .await
    .unwrap();
}

impl Runner {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(crate) fn effect(key: &str) -> NewEffect {
    NewEffect {
        key: key.into(),
        tenant: "algesta".parse().unwrap(),
        provider: "sample".into(),
        connection: "acme".parse().unwrap(),
        operation: "messages.send",
        subject_id: key.into(),
        payload: json!({}),
        priority: Priority::Normal,
        not_before: None,
    }
}

pub(crate) async fn add(outbox: &Outbox, effects: impl IntoIterator<Item = NewEffect>) {
    let mut tx = outbox.begin().await.unwrap();
    for effect in effects {
        enqueue(&mut tx, &effect).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// State of every effect under way, and outcome of every one that ended.
pub(crate) async fn states(db: &TestDb) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT key, state FROM mechanism.effects UNION ALL SELECT key, outcome FROM mechanism.effects_history ORDER BY 1",
    )
    .fetch_all(&db.admin())
    .await
    .unwrap()
}

pub(crate) async fn wait_for_states(db: &TestDb, wanted: &[(&str, &str)]) {
    puente_testkit::wait_for("effects to end as expected", PATIENCE, || async {
        let found = states(db).await;
        let same = found
            .iter()
            .map(|(k, s)| (k.as_str(), s.as_str()))
            .eq(wanted.iter().copied());
        if same { Ok(()) } else { Err(found) }
    })
    .await;
}
