//! All services in this process, each as often as wanted.

use std::net::SocketAddr;
use std::time::Duration;

use puente_gateway::Gateway;
use puente_ingress::Ingress;
use puente_notifications::Notifications;
use puente_ocr::Ocr;
use puente_orders::Orders;
use puente_service::{Overrides, Runtime, Service, Sources, config};
use puente_signature::Signature;
use puente_sync::Sync;
use puente_telemetry::TelemetryConfig;

use crate::Stage;

/// Running services.
pub struct InProcess {
    /// Where each replica of ingress listens.
    pub ingress: Vec<SocketAddr>,
    /// Where each service of every replica is asked: service and address.
    pub grpc: Vec<(&'static str, SocketAddr)>,
    runtimes: Vec<Runtime>,
}

impl InProcess {
    /// Starts every service with `replicas` replicas, and points the simulators at the first ingress.
    pub async fn start(stage: &Stage, replicas: usize) -> Self {
        // Without it there are no traces, and those that are compared would all be the same: none.
        let telemetry = TelemetryConfig {
            log_filter: "error".to_owned(),
            ..TelemetryConfig::default()
        };
        // Nothing is sent anywhere, so that there is nothing to flush at the end.
        let _ = puente_telemetry::init(&telemetry).unwrap();
        let mut fleet = Self {
            ingress: Vec::new(),
            grpc: Vec::new(),
            runtimes: Vec::new(),
        };
        for _ in 0..replicas {
            let (ingress, rt) = build::<Ingress>(stage).await;
            fleet.ingress.push(ingress.address().unwrap());
            fleet.asked_at(Ingress::NAME, ingress.grpc_address());
            fleet.run(ingress, rt);
            let (orders, rt) = build::<Orders>(stage).await;
            fleet.asked_at(Orders::NAME, orders.grpc_address());
            fleet.run(orders, rt);
            let (notifications, rt) = build::<Notifications>(stage).await;
            fleet.asked_at(Notifications::NAME, notifications.grpc_address());
            fleet.run(notifications, rt);
            let asked = fleet.grpc_url(Notifications::NAME);
            let overrides = stage.overrides(Ocr::NAME).set("notifications_url", asked);
            let (ocr, rt) = build_with::<Ocr>(overrides).await;
            fleet.asked_at(Ocr::NAME, ocr.grpc_address());
            fleet.run(ocr, rt);
            let overrides = stage
                .overrides(Signature::NAME)
                .set("callback_url", fleet.url(0))
                .set("doubt_ms", 500);
            let (signature, rt) = build_with::<Signature>(overrides).await;
            fleet.asked_at(Signature::NAME, signature.grpc_address());
            fleet.run(signature, rt);
            let asked = fleet.grpc_url(Orders::NAME);
            let (sync, rt) = build_with::<Sync>(stage.overrides(Sync::NAME).set("orders_url", asked)).await;
            fleet.asked_at(Sync::NAME, sync.grpc_address());
            fleet.run(sync, rt);
        }
        stage.open_accounts(&fleet.url(0));
        for replica in 0..replicas {
            stage.wait_until_connected(&fleet.url(replica)).await;
        }
        fleet
    }

    fn asked_at(&mut self, service: &'static str, address: std::io::Result<Option<SocketAddr>>) {
        self.grpc
            .extend(address.unwrap().map(|address| (service, address)));
    }

    /// Where the first replica of a service is asked, as gRPC.
    #[must_use]
    pub fn grpc_url(&self, service: &str) -> String {
        let (_, address) = self
            .grpc
            .iter()
            .find(|(name, _)| *name == service)
            .expect("a service of ours");
        format!("http://{address}")
    }

    /// Starts a gateway before these services, and returns its base URL.
    pub async fn open_gateway(&mut self, stage: &Stage) -> String {
        let overrides = ["ingress", "notifications", "ocr", "orders", "signature", "sync"]
            .into_iter()
            .fold(stage.overrides(Gateway::NAME), |overrides, service| {
                overrides.set(&format!("{service}_url"), self.grpc_url(service))
            });
        let (gateway, rt) = build_with::<Gateway>(overrides).await;
        let url = format!("http://{}", gateway.address().unwrap());
        self.run(gateway, rt);
        url
    }

    fn run<S: Service + 'static>(&mut self, service: S, rt: Runtime) {
        rt.spawn("service", service.run());
        self.runtimes.push(rt);
    }

    /// The base URL of a replica of ingress.
    #[must_use]
    pub fn url(&self, replica: usize) -> String {
        format!(
            "http://{}",
            self.ingress.get(replica % self.ingress.len()).expect("a replica")
        )
    }

    /// Stops everything in order; a service that failed meanwhile fails the test.
    pub async fn stop(self) {
        for rt in &self.runtimes {
            rt.shutdown.cancel();
        }
        for rt in &self.runtimes {
            assert!(rt.failure().is_none(), "{:?}", rt.failure());
            rt.drain(Duration::from_secs(30)).await.unwrap();
        }
    }
}

async fn build<S: Service>(stage: &Stage) -> (S, Runtime) {
    build_with(stage.overrides(S::NAME)).await
}

async fn build_with<S: Service>(overrides: Overrides) -> (S, Runtime) {
    let sources = Sources::default().with_overrides(overrides);
    let config = config::load(S::NAME, S::DEFAULTS, &sources)
        .unwrap_or_else(|error| panic!("{error}"))
        .service;
    let rt = Runtime::new(S::NAME);
    let service = S::build(config, rt.clone())
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    (service, rt)
}
