//! All services in this process, each as often as wanted.

use std::net::SocketAddr;
use std::time::Duration;

use puente_ingress::Ingress;
use puente_notifications::Notifications;
use puente_orders::Orders;
use puente_service::{Runtime, Service, Sources, config};

use crate::Stage;

/// Running services.
pub struct InProcess {
    /// Where each replica of ingress listens.
    pub ingress: Vec<SocketAddr>,
    runtimes: Vec<Runtime>,
}

impl InProcess {
    /// Starts every service with `replicas` replicas, and points the simulators at the first ingress.
    pub async fn start(stage: &Stage, replicas: usize) -> Self {
        let mut fleet = Self {
            ingress: Vec::new(),
            runtimes: Vec::new(),
        };
        for _ in 0..replicas {
            let (ingress, rt) = build::<Ingress>(stage).await;
            fleet.ingress.push(ingress.address().unwrap());
            fleet.run(ingress, rt);
            let (orders, rt) = build::<Orders>(stage).await;
            fleet.run(orders, rt);
            let (notifications, rt) = build::<Notifications>(stage).await;
            fleet.run(notifications, rt);
        }
        stage.open_accounts(&fleet.url(0));
        for replica in 0..replicas {
            stage.wait_until_connected(&fleet.url(replica)).await;
        }
        fleet
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
    let sources = Sources::default().with_overrides(stage.overrides(S::NAME));
    let config = config::load(S::NAME, S::DEFAULTS, &sources)
        .unwrap_or_else(|error| panic!("{error}"))
        .service;
    let rt = Runtime::new(S::NAME);
    let service = S::build(config, rt.clone())
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    (service, rt)
}
