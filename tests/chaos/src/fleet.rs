//! The services as real processes, to be killed and started again.
//!
//! The programs are put aside at the start: a build in the meantime must not change what is being tested. A process
//! that ends without having been killed is started again, as any supervisor would, and counted.

use std::fmt;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use puente_e2e::{LINK_KEY, RPC_KEY, Stage};
use puente_testkit::reserve_port;
use serde::Serialize;
use tokio::process::{Child, Command};

use crate::schedule::Target;

/// So that the contract that a dead replica was at is taken over within the run's patience.
const WORK_LEASE_MS: &str = "15000";
/// The same for the tail of its outbox.
const RELAY_LEASE_MS: &str = "2000";
/// What a service without its database ends with (sysexits: EX_UNAVAILABLE).
pub(crate) const EXIT_UNAVAILABLE: i32 = 69;
/// What is run.
const PROGRAMS: [&str; 8] = [
    "puente",
    "puente-gateway",
    "puente-ingress",
    "puente-notifications",
    "puente-ocr",
    "puente-orders",
    "puente-signature",
    "puente-sync",
];
/// The replicas that people at a desk ask.
const ASKED: [Target; 2] = [Target::Orders(0), Target::Signature(0)];

/// All processes that are ours.
pub struct Fleet {
    programs: PathBuf,
    logs: PathBuf,
    port: u16,
    /// Ports of those that are asked, in their order.
    asked: [u16; 2],
    /// The port of the gateway.
    gateway: u16,
    environment: Vec<(String, String)>,
    members: Vec<Member>,
    /// Processes that ended by themselves, and how.
    pub died: Vec<Died>,
}

/// The end that a process came to by itself.
#[derive(Debug, Clone, Serialize)]
pub struct Died {
    /// Which one.
    pub target: String,
    /// What it told its supervisor; nothing when a signal ended it.
    pub status: Option<i32>,
}

impl Died {
    /// Whether it may: who finds no database at the start ends, and its supervisor starts it again.
    #[must_use]
    pub fn may(&self) -> bool {
        self.status == Some(EXIT_UNAVAILABLE)
    }
}

impl fmt::Display for Died {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{}: exit status {status}", self.target),
            None => write!(f, "{}: a signal", self.target),
        }
    }
}

struct Member {
    target: Target,
    child: Option<Child>,
}

impl Fleet {
    /// Starts every service of the targets in `folder`, with the programs of `built`.
    pub fn start(stage: &Stage, built: &Path, folder: &Path) -> Self {
        let programs = folder.join("programs");
        std::fs::create_dir_all(&programs).unwrap();
        for program in PROGRAMS {
            let (from, to) = (built.join(program), programs.join(program));
            if std::fs::hard_link(&from, &to).is_err() {
                std::fs::copy(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            }
        }
        // Addresses stay the same when their owners are killed.
        let [port, orders, signature, gateway] = [(); 4].map(|()| reserve_port());
        let asked = [orders, signature];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fleet = Self {
            programs,
            logs: folder.to_owned(),
            port,
            asked,
            gateway,
            environment: vec![
                pair("DATABASE_URL", stage.db.url()),
                pair("NATS_URL", &stage.nats.url()),
                pair("RUST_BACKTRACE", "0"),
                pair("PUENTE_INGRESS__MASTER_KEY", stage.master.expose()),
                pair("PUENTE_NOTIFICATIONS__MASTER_KEY", stage.master.expose()),
                pair("PUENTE_NOTIFICATIONS__ALLOW_SIMULATORS", "true"),
                pair("PUENTE_INGRESS__LISTEN", &format!("127.0.0.1:{port}")),
                pair("PUENTE_INGRESS__RELAY_LEASE_MS", RELAY_LEASE_MS),
                pair("PUENTE_NOTIFICATIONS__RELAY_LEASE_MS", RELAY_LEASE_MS),
                pair("PUENTE_ORDERS__RELAY_LEASE_MS", RELAY_LEASE_MS),
                pair("PUENTE_ORDERS__RPC_KEY", RPC_KEY),
                pair("PUENTE_SIGNATURE__RELAY_LEASE_MS", RELAY_LEASE_MS),
                pair("PUENTE_SIGNATURE__RPC_KEY", RPC_KEY),
                // Who dies at a contract leaves it to others soon.
                pair("PUENTE_SIGNATURE__WORK_LEASE_MS", WORK_LEASE_MS),
                // The simulator does at once what it does.
                pair("PUENTE_SIGNATURE__DOUBT_MS", "500"),
                pair("PUENTE_SIGNATURE__MASTER_KEY", stage.master.expose()),
                pair("PUENTE_SIGNATURE__ALLOW_SIMULATORS", "true"),
                pair(
                    "PUENTE_SIGNATURE__CALLBACK_URL",
                    &format!("http://127.0.0.1:{port}"),
                ),
                pair(
                    "PUENTE_SIGNATURE__STORAGE__FOLDER",
                    &stage.files.path().display().to_string(),
                ),
                pair("PUENTE_SIGNATURE__STORAGE__LINK_KEY", LINK_KEY),
                pair("PUENTE_OCR__RELAY_LEASE_MS", RELAY_LEASE_MS),
                pair("PUENTE_OCR__MASTER_KEY", stage.master.expose()),
                pair("PUENTE_OCR__STORAGE__LINK_KEY", LINK_KEY),
                pair("PUENTE_SYNC__RELAY_LEASE_MS", RELAY_LEASE_MS),
                pair("PUENTE_SYNC__MASTER_KEY", stage.master.expose()),
                pair("PUENTE_SYNC__ALLOW_SIMULATORS", "true"),
                pair("PUENTE_GATEWAY__RPC_KEY", RPC_KEY),
                pair("PUENTE_GATEWAY__LISTEN", &format!("127.0.0.1:{gateway}")),
                pair(
                    "PUENTE_GATEWAY__ORDERS_URL",
                    &format!("http://127.0.0.1:{orders}"),
                ),
                pair(
                    "PUENTE_GATEWAY__SIGNATURE_URL",
                    &format!("http://127.0.0.1:{signature}"),
                ),
                pair(
                    "PUENTE_GATEWAY__STORAGE__FOLDER",
                    &stage.files.path().display().to_string(),
                ),
                pair("PUENTE_GATEWAY__STORAGE__LINK_KEY", LINK_KEY),
            ],
            members: Vec::new(),
            died: Vec::new(),
        };
        for target in Target::all() {
            if target.service().is_some() {
                let child = fleet.spawn(target);
                fleet.members.push(Member {
                    target,
                    child: Some(child),
                });
            }
        }
        fleet
    }

    /// The base URL of ingress.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the first replicas of orders and of signature are asked.
    pub fn desk_urls(&self) -> [String; 2] {
        self.asked.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// The base URL of the gateway.
    pub fn gateway_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway)
    }

    fn command(&self, program: &str, log: &str) -> Command {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.logs.join(log))
            .unwrap();
        let mut command = Command::new(self.programs.join(program));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().cloned())
            .current_dir(&self.logs)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true);
        command
    }

    fn spawn(&self, target: Target) -> Child {
        let service = target.service().unwrap();
        let log = format!("{target}.log").replace('/', "-");
        let mut command = self.command(&format!("puente-{service}"), &log);
        if let Some(at) = ASKED.iter().position(|asked| *asked == target) {
            let name = format!("PUENTE_{}__GRPC_LISTEN", service.to_uppercase());
            command.env(name, format!("127.0.0.1:{}", self.asked[at]));
        }
        command.spawn().unwrap()
    }

    /// Kills one without a word.
    pub async fn kill9(&mut self, target: Target) {
        self.tend(&[]);
        if let Some(member) = self.members.iter_mut().find(|member| member.target == target)
            && let Some(mut child) = member.child.take()
        {
            child.kill().await.unwrap();
        }
    }

    /// Starts one that was killed.
    pub fn start_again(&mut self, target: Target) {
        let child = self.spawn(target);
        if let Some(member) = self.members.iter_mut().find(|member| member.target == target) {
            member.child = Some(child);
        }
    }

    /// Starts again whoever ended by itself, but not those of `away`.
    pub fn tend(&mut self, away: &[Target]) {
        let mut ended = Vec::new();
        for member in &mut self.members {
            let Some(child) = &mut member.child else { continue };
            if let Some(status) = child.try_wait().unwrap() {
                self.died.push(Died {
                    target: member.target.to_string(),
                    status: status.code(),
                });
                if !away.contains(&member.target) {
                    ended.push(member.target);
                }
            }
        }
        for target in ended {
            self.start_again(target);
        }
    }

    /// Runs `puente` with these arguments and returns what it printed.
    pub async fn puente(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = self.command("puente", "puente.log");
        let output = command.args(arguments).stdout(Stdio::piped()).output();
        let output = output.await.unwrap();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("puente {}: {}", arguments.join(" "), output.status))
        }
    }
}
