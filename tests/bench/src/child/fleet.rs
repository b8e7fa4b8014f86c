//! Any services in one process, as `puente run` has them: default configuration, logs and metrics on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use puente_bus::StreamSettings;
use puente_ingress::Ingress;
use puente_notifications::Notifications;
use puente_orders::Orders;
use puente_outbox::{Inbox, Outbox};
use puente_service::config::load;
use puente_service::{NatsConfig, Overrides, Runtime, Service, Sources, Workers, db, nats};
use puente_telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::measure::minimal::{Minimal, SPEC};

/// As long as a service takes at most to finish what it began.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// What runs, and how it is configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The services; `bench` is the smallest consumer that there can be.
    pub(crate) services: Vec<String>,
    /// Where the data is.
    pub(crate) database: String,
    /// Where the broker is.
    pub(crate) nats: String,
    /// Keys by service, beside those of servers and secrets.
    pub(crate) keys: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Where services listen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Webhooks.
    pub(crate) ingress: Option<SocketAddr>,
    /// Questions to ingress.
    pub(crate) ingress_grpc: Option<SocketAddr>,
}

pub(crate) async fn run() -> Result<()> {
    let order: Order = super::first_line()?;
    // Nothing is sent anywhere, so there is nothing to flush at the end.
    let _telemetry = puente_telemetry::init(&TelemetryConfig {
        service_name: "puente".to_owned(),
        ..TelemetryConfig::default()
    })?;
    let root = Runtime::new("bench");
    let mut running = Running::default();
    for service in &order.services {
        let rt = root.child(service);
        match service.as_str() {
            "ingress" => {
                let ingress = build::<Ingress>(&order, &rt).await?;
                running.ingress = Some(ingress.address()?);
                running.ingress_grpc = ingress.grpc_address()?;
                rt.spawn("service", ingress.run());
            }
            "orders" => start::<Orders>(&order, rt).await?,
            "notifications" => start::<Notifications>(&order, rt).await?,
            "bench" => start_minimal(&order, rt).await?,
            other => bail!("there is no service {other}"),
        }
    }
    super::say(&running)?;
    tokio::select! {
        () = root.shutdown.cancelled() => {}
        () = super::until_closed() => {}
    }
    root.drain(STOP_PATIENCE).await?;
    match root.failure() {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}

async fn start<S: Service + 'static>(order: &Order, rt: Runtime) -> Result<()> {
    let service = build::<S>(order, &rt).await?;
    rt.spawn("service", service.run());
    Ok(())
}

async fn build<S: Service>(order: &Order, rt: &Runtime) -> Result<S> {
    let mut overrides = Overrides::default()
        .set("database.url", order.database.as_str())
        .set("nats.url", order.nats.as_str());
    for (key, value) in order.keys.get(S::NAME).into_iter().flatten() {
        overrides = match value {
            Value::Bool(value) => overrides.set(key, *value),
            Value::Number(value) => overrides.set(key, value.as_i64().context("no whole number")?),
            Value::String(value) => overrides.set(key, value.as_str()),
            other => return Err(anyhow!("{key} cannot be {other}")),
        };
    }
    let sources = Sources::default().with_overrides(overrides);
    let config = load(S::NAME, S::DEFAULTS, &sources)?.service;
    Ok(S::build(config, rt.clone()).await?)
}

/// A consumer that writes inbox, state and outbox, and nothing else.
async fn start_minimal(order: &Order, rt: Runtime) -> Result<()> {
    let config = puente_service::DatabaseConfig::at(&order.database);
    let pool = db::pool(&config, "bench", rt.replica)?;
    let client = nats::connect(&NatsConfig::at(&order.nats), "bench").await?;
    let outbox = Outbox::open(pool, "bench", puente_outbox::Settings::default()).await?;
    let workers = Workers::new(&rt);
    workers.relay(|stop| outbox.clone().run(client.clone(), stop));
    let inbox = Arc::new(Inbox::new(outbox, SPEC, Arc::new(Minimal)));
    let consumed = puente_bus::consume(
        client,
        SPEC,
        StreamSettings::default(),
        inbox,
        rt.shutdown.clone(),
    );
    workers.spawn("consumer", consumed);
    rt.spawn("service", async move {
        workers.finish().await;
        Ok::<_, std::convert::Infallible>(())
    });
    Ok(())
}
