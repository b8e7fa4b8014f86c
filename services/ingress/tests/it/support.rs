//! A running ingress with connections of two tenants, and a sender that signs as the vendors do.

use std::net::SocketAddr;
use std::time::Duration;

use puente_ingress::Ingress;
use puente_ports::Connection;
use puente_service::{Overrides, Runtime, Service as _, config};
use puente_testkit::{Schema, TestDb, TestNats, patient_sources, wait_for};
use puente_types::Secret;
use puente_vault::{MasterKey, MasterKeys, publish};
use puente_webhook_auth::{Encoding, sign};
use reqwest::{Client, Response, StatusCode};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const CLOUD_SECRET: &str = "cloud-app-secret";
pub(crate) const JELOU_SECRET: &str = "jelou-signing-secret";
/// Accounts of two tenants behind one app.
pub(crate) const ALGESTA_NUMBER: &str = "106540352242922";
pub(crate) const NORTE_NUMBER: &str = "209988776655443";
/// A tenant's with an app of its own, whose secret is `app-of-sur`.
pub(crate) const SUR_NUMBER: &str = "300000000000001";

pub(crate) fn schema() -> Schema<'static> {
    Schema {
        service: "ingress",
        common: &puente_outbox::MIGRATIONS,
        own: &puente_ingress::MIGRATIONS,
    }
}

/// A running ingress.
pub(crate) struct Running {
    pub(crate) db: TestDb,
    pub(crate) nats: TestNats,
    pub(crate) address: SocketAddr,
    /// Where other services ask; `None` without a key.
    pub(crate) grpc: Option<SocketAddr>,
    pub(crate) http: Client,
    masters: MasterKeys,
    rt: Runtime,
}

fn connection(id: &str, tenant: &str, provider: &str, account: &str, secrets: &[(&str, &str)]) -> Connection {
    Connection {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        provider: provider.into(),
        account: Some(account.into()),
        settings: serde_json::Map::new(),
        secrets: secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
    }
}

pub(crate) fn connections() -> Vec<Connection> {
    let cloud = |tenant: &str| {
        [
            ("app_secret", CLOUD_SECRET.to_owned()),
            ("verify_token", "verify-me".to_owned()),
            ("access_token", format!("token-{tenant}")),
        ]
    };
    let shared = |id: &str, tenant: &str, number: &str| {
        let secrets = cloud(tenant);
        let secrets: Vec<(&str, &str)> = secrets.iter().map(|(n, v)| (*n, v.as_str())).collect();
        connection(id, tenant, "whatsapp_cloud", number, &secrets)
    };
    vec![
        shared("algesta-wa", "algesta", ALGESTA_NUMBER),
        shared("norte-wa", "norte", NORTE_NUMBER),
        connection(
            "sur-wa",
            "sur",
            "whatsapp_cloud",
            SUR_NUMBER,
            &[
                ("app_secret", "app-of-sur"),
                ("verify_token", "sur-token"),
                ("access_token", "t"),
            ],
        ),
        connection(
            "algesta-jelou",
            "algesta",
            "jelou",
            "bot-1",
            &[
                ("signing_secret", JELOU_SECRET),
                ("client_id", "c"),
                ("client_secret", "s"),
            ],
        ),
    ]
}

/// Starts ingress with its own database and broker. `change` adjusts the configuration.
pub(crate) async fn start(change: impl FnOnce(Overrides) -> Overrides) -> Running {
    let schemas = [schema()];
    let (db, nats) = tokio::join!(TestDb::new(&schemas), TestNats::start());
    start_on(db, nats, change).await
}

pub(crate) async fn start_on(
    db: TestDb,
    nats: TestNats,
    change: impl FnOnce(Overrides) -> Overrides,
) -> Running {
    puente_service::start_crypto();
    let master = MasterKey::generate().unwrap();
    let overrides = Overrides::default()
        .set("listen", "127.0.0.1:0")
        .set("database.url", db.url())
        .set("nats.url", nats.url())
        .set("master_key", master.to_base64().expose());
    let sources = patient_sources().with_overrides(change(overrides));
    let config = config::load(Ingress::NAME, Ingress::DEFAULTS, &sources)
        .unwrap()
        .service;
    let rt = Runtime::new(Ingress::NAME);
    let ingress = Ingress::build(config, rt.clone()).await.unwrap();
    let address = ingress.address().unwrap();
    let grpc = ingress.grpc_address().unwrap();
    rt.spawn("ingress", ingress.run());
    let masters = MasterKeys::from(master);
    publish::apply(&nats.client().await, &masters, connections())
        .await
        .unwrap();
    let http = Client::builder().no_proxy().build().unwrap();
    let running = Running {
        db,
        nats,
        address,
        grpc,
        http,
        masters,
        rt,
    };
    running.knows_connections(4).await;
    running
}

impl Running {
    pub(crate) async fn knows_connections(&self, wanted: u64) {
        wait_for("the connections", PATIENCE, || async {
            let about: serde_json::Value = self.get("/").await.json().await.map_err(|e| e.to_string())?;
            let known: u64 = about["integrations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["connections"].as_u64().unwrap())
                .sum();
            if known == wanted {
                Ok(())
            } else {
                Err(format!("{known} of {wanted}"))
            }
        })
        .await;
    }

    /// Gives sur's connection another secret, as after a leak.
    pub(crate) async fn change_secret_of_sur(&self, secret: &str) {
        let secrets = [
            ("app_secret", secret),
            ("verify_token", "sur-token"),
            ("access_token", "t"),
        ];
        let changed = connection("sur-wa", "sur", "whatsapp_cloud", SUR_NUMBER, &secrets);
        publish::apply(&self.nats.client().await, &self.masters, vec![changed])
            .await
            .unwrap();
        wait_for("the new secret", PATIENCE, || async {
            let answer = self
                .cloud(
                    "/webhooks/whatsapp_cloud",
                    secret,
                    &message(SUR_NUMBER, "wamid.proof", "?"),
                )
                .await;
            answer.status() == StatusCode::OK
        })
        .await;
    }

    /// Adds a connection of any provider.
    pub(crate) async fn connect(
        &self,
        id: &str,
        tenant: &str,
        provider: &str,
        account: &str,
        secrets: &[(&str, &str)],
    ) {
        let added = connection(id, tenant, provider, account, secrets);
        publish::apply(&self.nats.client().await, &self.masters, vec![added])
            .await
            .unwrap();
    }

    /// Adds a number of a tenant to the app that algesta's and norte's numbers are of.
    pub(crate) async fn connect_number(&self, id: &str, tenant: &str, number: &str) {
        let secrets = [
            ("app_secret", CLOUD_SECRET),
            ("verify_token", "verify-me"),
            ("access_token", "t"),
        ];
        let added = connection(id, tenant, "whatsapp_cloud", number, &secrets);
        publish::apply(&self.nats.client().await, &self.masters, vec![added])
            .await
            .unwrap();
        self.knows_connections(5).await;
    }

    /// Database and broker, for an ingress that takes the place of this one.
    pub(crate) fn into_servers(self) -> (TestDb, TestNats) {
        (self.db, self.nats)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Response {
        let request = self
            .http
            .post(self.url(path))
            .header("content-type", "application/json");
        headers
            .iter()
            .fold(request, |r, (name, value)| r.header(*name, *value))
            .body(body.into())
            .send()
            .await
            .unwrap()
    }

    /// Posts as Meta does.
    pub(crate) async fn cloud(&self, path: &str, secret: &str, body: &str) -> Response {
        let signature = sign(&Secret::new(secret), "sha256=", Encoding::Hex, &[body.as_bytes()]);
        self.post(path, &[("x-hub-signature-256", &signature)], body)
            .await
    }

    /// How many rows of the outbox there are, by tenant.
    pub(crate) async fn events(&self) -> Vec<(String, i64)> {
        sqlx::query_as("SELECT tenant, count(*) FROM ingress.outbox GROUP BY tenant ORDER BY tenant")
            .fetch_all(&self.db.admin())
            .await
            .unwrap()
    }

    /// Deliveries by outcome.
    pub(crate) async fn outcomes(&self) -> Vec<(String, i64)> {
        sqlx::query_as("SELECT outcome, count(*) FROM ingress.deliveries GROUP BY outcome ORDER BY outcome")
            .fetch_all(&self.db.admin())
            .await
            .unwrap()
    }

    pub(crate) async fn stop(self) {
        self.rt.drain(PATIENCE).await.unwrap();
    }
}

/// A text message to a number of ours.
pub(crate) fn message(number: &str, id: &str, text: &str) -> String {
    serde_json::json!({"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
        "messaging_product":"whatsapp","metadata":{"display_phone_number":"573000000000","phone_number_id":number},
        "contacts":[{"profile":{"name":"Ana"},"wa_id":"573001234567"}],
        "messages":[{"from":"573001234567","id":id,"timestamp":"1749416383","type":"text","text":{"body":text}}]}}]}]})
    .to_string()
}

pub(crate) async fn refusal(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body: serde_json::Value = response.json().await.unwrap();
    assert!(!body["message"].as_str().unwrap().is_empty());
    (status, body["error"].as_str().unwrap().to_owned())
}

pub(crate) fn outcome(response: &Response) -> &str {
    response
        .headers()
        .get("puente-outcome")
        .map_or("none", |value| value.to_str().unwrap())
}
