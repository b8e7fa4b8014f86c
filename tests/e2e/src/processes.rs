//! A process per service, to be killed.

use std::path::PathBuf;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use puente_testkit::{programs, reserve_port};
use tokio::process::{Child, Command};

use crate::stage::{CALL_MS, models};
use crate::{LINK_KEY, PATIENCE, RPC_KEY, Stage};

/// The services; people and programs come in by the gateway, which asks all others.
pub const SERVICES: &[&str] = &[
    "ingress",
    "notifications",
    "ocr",
    "orders",
    "signature",
    "sync",
    "gateway",
];
/// Who has no events of its own, and so neither relay nor questions to answer.
const GATEWAY: &str = "gateway";

/// Running processes, by service.
pub struct Processes {
    children: Vec<(&'static str, Child)>,
    port: u16,
    /// Where each service is asked: by gRPC, but the gateway by HTTP.
    doors: Vec<(&'static str, u16)>,
    log: PathBuf,
}

impl Processes {
    /// Starts one of each.
    pub async fn start(stage: &Stage, otlp: Option<&str>) -> Self {
        // A fixed port, so that the address stays the same when ingress is killed and started again.
        let port = reserve_port();
        let log = std::env::temp_dir().join(format!("puente-e2e-{}.log", uuid::Uuid::now_v7().simple()));
        let mut all = Self {
            children: Vec::new(),
            port,
            doors: SERVICES
                .iter()
                .map(|service| (*service, reserve_port()))
                .collect(),
            log,
        };
        for service in SERVICES {
            let child = all.spawn(stage, service, otlp);
            all.children.push((service, child));
        }
        stage.open_accounts(&all.url());
        stage.wait_until_connected(&all.url()).await;
        all
    }

    /// The base URL of ingress.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where a person's browser and a program's calls go.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.grpc_url(GATEWAY)
    }

    /// Where a service is asked, as gRPC.
    #[must_use]
    pub fn grpc_url(&self, service: &str) -> String {
        let (_, port) = self
            .doors
            .iter()
            .find(|(name, _)| *name == service)
            .expect("a service of ours");
        format!("http://127.0.0.1:{port}")
    }

    /// What the processes have logged.
    #[must_use]
    pub fn logs(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn spawn(&self, stage: &Stage, service: &str, otlp: Option<&str>) -> Child {
        let prefix = format!("PUENTE_{}__", service.to_uppercase());
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let mut command = Command::new(programs().join(format!("puente-{service}")));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATABASE_URL", stage.db.url())
            .env("NATS_URL", stage.nats.url())
            .env("RUST_BACKTRACE", "0")
            .env(format!("{prefix}RPC_KEY"), RPC_KEY)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true);
        if let Some(endpoint) = otlp {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        }
        let door = self.grpc_url(service);
        let door = door.trim_start_matches("http://");
        if service == GATEWAY {
            command
                .env(format!("{prefix}LISTEN"), door)
                .env(format!("{prefix}CALL_MS"), CALL_MS.to_string());
            for asked in SERVICES.iter().filter(|name| **name != GATEWAY) {
                command.env(
                    format!("{prefix}{}_URL", asked.to_uppercase()),
                    self.grpc_url(asked),
                );
            }
        } else {
            command
                .env(format!("{prefix}RELAY_LEASE_MS"), "2000")
                .env(format!("{prefix}GRPC_LISTEN"), door);
        }
        if !matches!(service, "orders" | GATEWAY) {
            command.env(format!("{prefix}MASTER_KEY"), stage.master.expose());
        }
        if !matches!(service, "ingress" | "sync") {
            command
                .env(format!("{prefix}STORAGE__FOLDER"), stage.files.path())
                .env(format!("{prefix}STORAGE__LINK_KEY"), LINK_KEY);
        }
        match service {
            "ingress" => command.env(format!("{prefix}LISTEN"), format!("127.0.0.1:{}", self.port)),
            "notifications" => command.env(format!("{prefix}ALLOW_SIMULATORS"), "true"),
            "ocr" => command
                .env(format!("{prefix}ALLOW_SIMULATORS"), "true")
                .env(
                    format!("{prefix}NOTIFICATIONS_URL"),
                    self.grpc_url("notifications"),
                )
                .env(format!("{prefix}MODELS"), models())
                // One reading after another, so that a kill meets a known one.
                .env(format!("{prefix}READINGS"), "1")
                .env(format!("{prefix}ENGINE_MS"), "7000")
                .env(format!("{prefix}FETCH_MS"), "10000")
                // Who dies at a photograph leaves it to others soon.
                .env(format!("{prefix}WORK_LEASE_MS"), "15000"),
            "sync" => command
                .env(format!("{prefix}ALLOW_SIMULATORS"), "true")
                .env(format!("{prefix}ORDERS_URL"), self.grpc_url("orders")),
            "signature" => command
                .env(format!("{prefix}ALLOW_SIMULATORS"), "true")
                .env(format!("{prefix}CALLBACK_URL"), self.url())
                // The simulator does at once what it does.
                .env(format!("{prefix}DOUBT_MS"), "500")
                // Who dies at a contract leaves it to others soon.
                .env(format!("{prefix}WORK_LEASE_MS"), "15000"),
            _ => &mut command,
        };
        command.spawn().unwrap()
    }

    /// Kills one without a word and starts it again.
    pub async fn kill9(&mut self, stage: &Stage, service: &str) {
        let at = self
            .children
            .iter()
            .position(|(name, _)| *name == service)
            .expect("a service of ours");
        let (name, child) = self.children.get_mut(at).expect("found above");
        child.kill().await.unwrap();
        let name = *name;
        let again = self.spawn(stage, name, None);
        if let Some(slot) = self.children.get_mut(at) {
            *slot = (name, again);
        }
    }

    /// Asks all to stop, and waits until they have; each must end well.
    pub async fn stop(mut self) {
        for (_, child) in &self.children {
            let pid = child.id().expect("still running");
            kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGTERM).unwrap();
        }
        let log = self.logs();
        for (name, child) in &mut self.children {
            let status = tokio::time::timeout(PATIENCE, child.wait())
                .await
                .expect("ends in time")
                .unwrap();
            assert!(status.success(), "{name}: {status}\n{log}");
        }
        let _ = std::fs::remove_file(&self.log);
    }
}
