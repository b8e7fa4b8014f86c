//! A service that serves its operations, and people of two tenants who ask.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_bus::topology::ConsumerSpec;
use puente_effects::Resolution;
use puente_operations::{Breaker, Operations, ResolveEffect};
use puente_outbox::{ApplyError, EventHandler, Inbox, NewEvent, Outbox, OutboxError, Tx};
use puente_proto::Event as _;
use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::orders::ClientRegistered;
use puente_rpc::{Caller, Calls, Door, Guard, RpcKeys, Scope};
use puente_service::Readers;
use puente_testkit::{Schema, TestDb};
use puente_types::{EffectId, Secret, SystemClock, TenantId};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::types::Uuid;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

pub(crate) const SERVICE: &str = "mechanism";
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static OWN: Migrator = sqlx::migrate!("tests/it/tables");

pub(crate) const SPEC: ConsumerSpec = ConsumerSpec {
    durable: SERVICE,
    events: &[ClientRegistered::TYPE],
    ack_wait: Duration::from_secs(2),
    max_deliver: 3,
    max_ack_pending: 256,
    batch: 64,
    workers: 2,
};

/// Notes each client's name, unless the test lets that name fail.
#[derive(Default)]
pub(crate) struct Noting {
    failing: Mutex<HashSet<String>>,
}

impl Noting {
    pub(crate) fn fail(&self, name: &str) {
        self.failing.lock().unwrap().insert(name.to_owned());
    }

    pub(crate) fn mend(&self) {
        self.failing.lock().unwrap().clear();
    }
}

#[async_trait]
impl EventHandler for Noting {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        let client: ClientRegistered = event.decode()?;
        sqlx::query("INSERT INTO seen (name) VALUES ($1)")
            .bind(&client.client_id)
            .execute(&mut **tx)
            .await?;
        if self.failing.lock().unwrap().contains(&client.client_id) {
            return Err(ApplyError::Retry("the shelf is full".into()));
        }
        tx.append(NewEvent::new(&event.tenant, &event.aggregate_id, &client).caused_by(event.id));
        Ok(())
    }
}

/// Decides about effects as a service without further state does.
struct Resolver(Outbox);

#[async_trait]
impl ResolveEffect for Resolver {
    async fn resolve(
        &self,
        effect: EffectId,
        tenant: Option<&TenantId>,
        resolution: &Resolution,
        by: &str,
    ) -> Result<bool, OutboxError> {
        let mut tx = self.0.begin().await?;
        let ours: Option<Uuid> =
            sqlx::query_scalar("SELECT id FROM effects WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)")
                .bind(effect.uuid())
                .bind(tenant.map(TenantId::as_str))
                .fetch_optional(&mut *tx)
                .await?;
        let done = ours.is_some() && puente_effects::resolve(&mut tx, effect, resolution, by).await?;
        tx.commit().await?;
        Ok(done)
    }
}

/// The service, being asked.
pub(crate) struct Stage {
    pub(crate) db: TestDb,
    pub(crate) pool: PgPool,
    pub(crate) handler: Arc<Noting>,
    pub(crate) channel: Channel,
    url: String,
    _serving: DropGuard,
}

impl Stage {
    /// With consumer, effects and indexes.
    pub(crate) async fn set() -> Self {
        Self::with(|operations| operations).await
    }

    /// The same, changed.
    pub(crate) async fn with(change: impl FnOnce(Operations) -> Operations) -> Self {
        let db = database().await;
        let pool = db.pool(SERVICE);
        let outbox = Outbox::open(pool.clone(), SERVICE, puente_outbox::Settings::default())
            .await
            .unwrap();
        let handler = Arc::new(Noting::default());
        let operations = Operations::new(SERVICE, readers(&db))
            .indexed()
            .redelivers(Arc::new(Inbox::new(outbox.clone(), SPEC, handler.clone())))
            .resolves(Arc::new(Resolver(outbox)));
        let (url, serving) = serve(change(operations)).await;
        let channel = connect(&url).await;
        Self {
            db,
            pool,
            handler,
            channel,
            url,
            _serving: serving,
        }
    }

    /// A person of a tenant.
    pub(crate) fn of(&self, tenant: &str) -> Asking {
        self.asking(Scope::Tenant(tenant.parse().unwrap()))
    }

    /// The same person on a connection of its own.
    pub(crate) async fn another(&self) -> Asking {
        Asking {
            client: OperationsClient::new(connect(&self.url).await),
            ..self.of("acme")
        }
    }

    /// An operator of the installation.
    pub(crate) fn operator(&self) -> Asking {
        self.asking(Scope::Installation)
    }

    fn asking(&self, scope: Scope) -> Asking {
        Asking {
            client: OperationsClient::new(self.channel.clone()),
            calls: calls(KEY, SERVICE),
            caller: caller(scope),
        }
    }

    /// The names that were noted.
    pub(crate) async fn seen(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM seen ORDER BY name")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }
}

pub(crate) async fn database() -> TestDb {
    TestDb::new(&[Schema {
        service: SERVICE,
        common: &puente_outbox::MIGRATIONS,
        own: &OWN,
    }])
    .await
}

pub(crate) fn readers(db: &TestDb) -> Readers {
    Readers::new(db.api_pool(SERVICE), db.pool(SERVICE))
}

/// Serves; returns where.
pub(crate) async fn serve(operations: Operations) -> (String, DropGuard) {
    let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
    let guard = Guard::new(keys, SERVICE, Arc::new(SystemClock));
    let door = Door::bind("127.0.0.1:0".parse().unwrap(), guard).await.unwrap();
    let url = format!("http://{}", door.address().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(door.serve(Routes::new(operations.server()), stop.clone()));
    (url, stop.drop_guard())
}

pub(crate) async fn connect(url: &str) -> Channel {
    let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
    endpoint.connect().await.unwrap()
}

pub(crate) fn calls(key: &str, audience: &'static str) -> Calls {
    let keys = RpcKeys::parse(&Secret::new(key)).unwrap();
    Calls::new(keys, audience, Arc::new(SystemClock), PATIENCE)
}

pub(crate) fn caller(scope: Scope) -> Caller {
    Caller {
        scope,
        subject: "user-7".to_owned(),
        role: "operator".to_owned(),
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) client: OperationsClient<Channel>,
    calls: Calls,
    caller: Caller,
}

impl Asking {
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        self.calls.request(&self.caller, message).unwrap()
    }
}

/// Asks in the name of somebody: `ask!(acme, list_effects, ListEffectsRequest { … })`.
macro_rules! ask {
    ($asking:expr, $method:ident, $question:expr) => {{
        let asking = &$asking;
        let request = asking.request($question);
        asking
            .client
            .clone()
            .$method(request)
            .await
            .map(tonic::Response::into_inner)
    }};
}
pub(crate) use ask;

pub(crate) fn breaker(connection: &str, state: &'static str) -> Breaker {
    Breaker {
        provider: "sample".into(),
        connection: connection.into(),
        state,
        since: None,
    }
}

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> tonic::Code {
    answer.unwrap_err().code()
}
