//! What these tests share: a service's view of the connections, and waiting for it to change.

use std::sync::Arc;
use std::time::Duration;

use puente_ports::Connection;
use puente_testkit::{Schema, TestDb, TestNats};
use puente_types::{ConnectionId, Secret};
use puente_vault::{Connections, MasterKey, MasterKeys};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The service whose schema holds the copies; its own tables are not needed.
const SERVICE: &str = "orders";
static NO_TABLES: Migrator = Migrator::DEFAULT;

/// Longer than any pause the watcher makes; reaching it fails the test.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const SECRET: &str = "hunter2-very-secret";

pub(crate) fn masters() -> MasterKeys {
    MasterKey::generate().unwrap().into()
}

pub(crate) fn id(text: &str) -> ConnectionId {
    text.parse().unwrap()
}

pub(crate) fn connection(name: &str, account: &str, secret: &str) -> Connection {
    Connection {
        id: id(name),
        tenant: "acme".parse().unwrap(),
        provider: "chat".to_owned(),
        account: Some(account.to_owned()),
        settings: [
            ("base_url".to_owned(), "https://chat.example".into()),
            ("accounts".to_owned(), vec![format!("{account}-b")].into()),
        ]
        .into_iter()
        .collect(),
        secrets: [("token".to_owned(), Secret::new(secret))].into_iter().collect(),
    }
}

/// A service's database, with the roles of production.
pub(crate) async fn database() -> TestDb {
    TestDb::new(&[Schema {
        service: SERVICE,
        common: &puente_outbox::MIGRATIONS,
        own: &NO_TABLES,
    }])
    .await
}

/// As the service's worker connects.
pub(crate) fn pool(db: &TestDb) -> PgPool {
    db.pool(SERVICE)
}

/// As what answers the service's callers connects: row policies apply.
pub(crate) fn api_pool(db: &TestDb) -> PgPool {
    db.api_pool(SERVICE)
}

/// A client that does not mind that the broker is away.
pub(crate) async fn client_that_waits(broker: &TestNats) -> async_nats::Client {
    async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .connect(broker.url())
        .await
        .unwrap()
}

/// A service that follows the bucket, until it is dropped or stopped.
pub(crate) struct Follower {
    pub(crate) connections: Connections,
    task: JoinHandle<()>,
    shutdown: DropGuard,
}

impl Follower {
    pub(crate) async fn start(pool: &PgPool, masters: &MasterKeys, client: &async_nats::Client) -> Self {
        Self::of(
            Connections::open(pool.clone(), masters.clone()).await.unwrap(),
            client,
        )
    }

    #[expect(clippy::disallowed_methods, reason = "a test has no runtime to spawn on")]
    pub(crate) fn of(connections: Connections, client: &async_nats::Client) -> Self {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(connections.clone().run(client.clone(), shutdown.clone()));
        Self {
            connections,
            task,
            shutdown: shutdown.drop_guard(),
        }
    }

    pub(crate) async fn stop(self) {
        drop(self.shutdown);
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("stops when told to")
            .unwrap();
    }

    /// Waits until the connections are as wished.
    pub(crate) async fn until(&self, what: &str, wished: impl Fn(&Connections) -> bool) {
        let mut versions = self.connections.versions();
        let waiting = async {
            while !wished(&self.connections) {
                versions.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("never: {what}; problems: {:?}", self.connections.problems());
        }
    }

    pub(crate) async fn until_token(&self, name: &str, secret: &str) {
        let what = format!("`{name}` with the secret wished for");
        self.until(&what, |c| token(c, name).as_deref() == Some(secret))
            .await;
    }
}

/// The opened secret of a connection.
pub(crate) fn token(connections: &Connections, name: &str) -> Option<String> {
    let connection: Arc<Connection> = connections.get(&id(name))?;
    connection
        .secrets
        .get("token")
        .map(|secret| secret.expose().to_owned())
}

/// The table of copies as a database dump would show it.
pub(crate) async fn dump(db: &TestDb) -> String {
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT c::text FROM orders.connection_copies AS c ORDER BY id")
            .fetch_all(&db.admin())
            .await
            .unwrap();
    rows.join("\n")
}
