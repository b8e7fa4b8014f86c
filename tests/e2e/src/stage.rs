//! What every shape of the fleet stands on: database, broker, simulators, connections.

use std::path::PathBuf;

use puente_ports::Connection;
use puente_providers::sim::{self, Entry, Hub};
use puente_service::Overrides;
use puente_testkit::{Schema, TestDb, TestNats, wait_for};
use puente_types::Secret;
use puente_vault::{MasterKey, MasterKeys, publish};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{PATIENCE, connections};

/// 32 bytes that sign calls between the services of a test.
pub const RPC_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// 32 bytes that sign the links to documents of a test.
pub const LINK_KEY: &str = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";

/// How long the gateway waits for a service, in milliseconds: on a busy machine all that are alive answer within it.
pub(crate) const CALL_MS: u32 = 60_000;

/// Servers and simulators of one test.
pub struct Stage {
    /// The database.
    pub db: TestDb,
    /// The broker.
    pub nats: TestNats,
    /// The simulators' state: journal, faults.
    pub hub: Hub,
    /// Where the simulators answer.
    pub sims: String,
    /// An HTTP client that keeps no proxy in mind.
    pub http: reqwest::Client,
    /// The key that opens the connections.
    pub master: Secret,
    /// Where documents are kept.
    pub files: TempDir,
    connections: Vec<Connection>,
    _simulators: DropGuard,
}

impl Stage {
    /// Raises everything. `private_database`: a PostgreSQL of the test's own, which it may stop.
    pub async fn raise(private_database: bool) -> Self {
        let schemas = schemas();
        let database = async {
            if private_database {
                TestDb::private(&schemas).await
            } else {
                TestDb::new(&schemas).await
            }
        };
        let (db, nats) = tokio::join!(database, TestNats::start());
        Self::on(db, nats).await
    }

    /// Raises the rest on a database with the [`schemas`] and on a broker.
    pub async fn on(db: TestDb, nats: TestNats) -> Self {
        puente_service::start_crypto();
        let hub = Hub::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sims = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(sim::serve(listener, hub.clone(), stop.clone().cancelled_owned()));
        let master = MasterKey::generate().unwrap();
        let connections = connections::all(&sims);
        let masters = MasterKeys::from(MasterKey::from_base64(master.to_base64().expose()).unwrap());
        publish::apply(&nats.client().await, &masters, connections.clone())
            .await
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            db,
            nats,
            hub,
            sims,
            http,
            master: master.to_base64(),
            files: tempfile::tempdir().unwrap(),
            connections,
            _simulators: stop.drop_guard(),
        }
    }

    /// Points the simulators' webhooks at an ingress.
    pub fn open_accounts(&self, ingress: &str) {
        connections::open_accounts(&self.hub, &self.connections, ingress);
    }

    /// Waits until an ingress answers and knows every connection.
    pub async fn wait_until_connected(&self, ingress: &str) {
        wait_for("ingress to know its connections", PATIENCE, || async {
            let answer = self.http.get(ingress).send().await.map_err(|e| e.to_string())?;
            let about: serde_json::Value = answer.json().await.map_err(|e| e.to_string())?;
            let counts = about["integrations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["connections"].as_u64().unwrap());
            let known = usize::try_from(counts.sum::<u64>()).unwrap();
            let wanted = self.connections.iter().filter(|one| has_webhooks(&one.provider));
            if known == wanted.count() {
                Ok(())
            } else {
                Err(format!("{known} connections"))
            }
        })
        .await;
    }

    /// Configuration of a service on this stage, with short leases so that deaths are noticed within a test.
    pub(crate) fn overrides(&self, service: &str) -> Overrides {
        let overrides = Overrides::default()
            .set("database.url", self.db.url())
            .set("database.max_connections", 8)
            .set("nats.url", self.nats.url())
            .set("rpc_key", RPC_KEY);
        let overrides = if matches!(service, "ingress" | "sync") {
            overrides
        } else {
            overrides
                .set("storage.folder", self.files.path().display().to_string())
                .set("storage.link_key", LINK_KEY)
        };
        if service == "gateway" {
            return overrides.set("listen", "127.0.0.1:0").set("call_ms", CALL_MS);
        }
        let overrides = overrides.set("relay_lease_ms", 2000);
        match service {
            "ingress" => overrides
                .set("listen", "127.0.0.1:0")
                .set("master_key", self.master.expose()),
            "notifications" | "signature" | "sync" => overrides
                .set("allow_simulators", true)
                .set("master_key", self.master.expose()),
            "ocr" => overrides
                .set("allow_simulators", true)
                .set("master_key", self.master.expose())
                .set("models", models().display().to_string())
                .set("work_tick_ms", 100)
                .set(
                    "tenants.algesta.engines",
                    vec!["azure_vision", "google_vision", "embedded"],
                ),
            _ => overrides,
        }
    }

    /// What the simulator of a provider has carried out for one recipient.
    #[must_use]
    pub fn journal_of(&self, provider: &str, recipient: &str) -> Vec<Entry> {
        self.hub
            .journal(provider)
            .into_iter()
            .filter(|entry| entry.recipient == recipient)
            .collect()
    }

    /// Waits until the fate of every message that was to be sent is known.
    pub async fn wait_until_settled(&self) {
        wait_for("all messages to be settled", PATIENCE, || async {
            match self.count("SELECT count(*) FROM notifications.effects").await {
                0 => Ok(()),
                open => Err(format!("{open} open")),
            }
        })
        .await;
    }

    /// A count by the administrator.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.admin()).await.unwrap()
    }
}

fn has_webhooks(provider: &str) -> bool {
    puente_providers::find(provider).is_some_and(|provider| provider.webhook().is_some())
}

/// Where the models of the embedded engine are.
pub(crate) fn models() -> PathBuf {
    puente_testkit::tools()
        .plate_models()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The schemas of all services.
#[must_use]
pub fn schemas() -> Vec<Schema<'static>> {
    let common = &puente_outbox::MIGRATIONS;
    vec![
        Schema {
            service: "gateway",
            common,
            own: &puente_gateway::MIGRATIONS,
        },
        Schema {
            service: "ingress",
            common,
            own: &puente_ingress::MIGRATIONS,
        },
        Schema {
            service: "notifications",
            common,
            own: &puente_notifications::MIGRATIONS,
        },
        Schema {
            service: "ocr",
            common,
            own: &puente_ocr::MIGRATIONS,
        },
        Schema {
            service: "orders",
            common,
            own: &puente_orders::MIGRATIONS,
        },
        Schema {
            service: "signature",
            common,
            own: &puente_signature::MIGRATIONS,
        },
        Schema {
            service: "sync",
            common,
            own: &puente_sync::MIGRATIONS,
        },
    ]
}
