//! Everything that `puente up` runs: servers, schemas, simulators, connections, services; raised in that order
//! and lowered in the opposite one.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use puente_gateway::domain::Role;
use puente_gateway::keys;
use puente_service::admin::Admin;
use puente_service::{DatabaseConfig, NatsConfig, Overrides, Runtime};
use puente_telemetry::{LogFormat, Telemetry, TelemetryConfig};
use puente_types::{Clock as _, Secret, SystemClock};
use puente_vault::MasterKeys;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::consent;
use crate::database;
use crate::exit::{Done, Failed};
use crate::fleet::{self, Endpoints, Fleet, Member};
use crate::home::{Home, Running, State};
use crate::logs::LogFile;
use crate::servers::Servers;
use crate::simulators::Simulators;
use crate::target::Process;
use crate::tools::Tools;
use crate::ui::Ui;

/// Where ingress listens when nobody said anything and the port is free.
const USUAL: &str = "127.0.0.1:8080";
/// The same for the console.
const USUAL_CONSOLE: &str = "127.0.0.1:8090";

/// The tenant of the demo's agent.
const DEMO_TENANT: &str = "algesta";
/// Longer than any demo.
const AGENT_KEY: std::time::Duration = std::time::Duration::from_hours(1);

/// Any free port of this machine.
pub(crate) fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// What to raise.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where data and state live.
    pub(crate) home: Home,
    /// The folder that programs are kept in.
    pub(crate) tools: Tools,
    /// Simulated providers, and demo connections to them.
    pub(crate) simulate: bool,
    /// Where webhooks are received, if somebody said so.
    pub(crate) listen: Option<SocketAddr>,
    /// Whether log lines stay on the terminal.
    pub(crate) log_on_terminal: bool,
}

/// What runs.
pub(crate) struct Stage {
    home: Home,
    running: Running,
    servers: Servers,
    fleet: Fleet,
    admin: (CancellationToken, JoinHandle<()>),
    telemetry: Telemetry,
    log: Option<LogFile>,
    /// Where everything is.
    pub(crate) state: State,
    /// The simulated providers, if they run.
    pub(crate) simulators: Option<Simulators>,
    /// What the demo's people log in to the console with, if there are any.
    pub(crate) console_password: Option<Secret>,
}

impl Stage {
    /// Starts everything, or nothing.
    pub(crate) async fn raise(plan: Plan, process: &Process, ui: &Ui) -> Done<Self> {
        let Plan {
            home,
            tools,
            simulate,
            listen,
            log_on_terminal,
        } = plan;
        let running = home.lock()?;
        let log = if log_on_terminal {
            None
        } else {
            Some(LogFile::open(&home.path("puente.log"))?)
        };
        let telemetry = puente_telemetry::init(&look(process, log_on_terminal)).map_err(Failed::usage)?;
        let models = models(&tools, process, ui).await?;
        let servers = Servers::start(&home, &tools, process, ui).await?;
        let mut state = State {
            pid: std::process::id(),
            ..State::default()
        };
        servers.describe(&mut state);

        let members: Vec<&'static Member> = fleet::members().iter().collect();
        if servers.own_database() {
            state.logins = database::migrate_with_logins(&servers.database, &members).await?;
        } else {
            database::migrate_all(&servers.database, &members).await?;
        }
        let master_key = home.master_key()?;
        let rpc_key = home.rpc_key()?;
        let link_key = home.link_key()?;
        let storage = home.path("storage");
        let simulators = if simulate {
            Some(Simulators::start(any()).await?)
        } else {
            None
        };
        if let Some(simulators) = &simulators {
            let nats = process
                .nats
                .clone()
                .unwrap_or_else(|| NatsConfig::at(servers.nats_url.clone()));
            let masters = MasterKeys::parse(master_key.expose()).map_err(Failed::usage)?;
            simulators.apply_connections(&nats, &masters).await?;
            state.endpoints.insert("simulators".to_owned(), simulators.url());
        }

        let root = Runtime::new("puente");
        let admin = Admin::bind(&process.admin).await?;
        state
            .endpoints
            .insert("health".to_owned(), format!("http://{}", admin.address()));
        let admin = serve_admin(admin, root.clone());
        let embedded = Embedded {
            servers: &servers,
            state: &state,
            master_key: &master_key,
            rpc_key: &rpc_key,
            link_key: &link_key,
            storage: &storage,
            models: models.as_deref(),
            simulate,
            listen,
        };
        let overrides = |member: &Member, known: &Endpoints| embedded.overrides(process, member, known);
        let fleet = Box::pin(Fleet::start(root, &members, &process.sources, overrides)).await?;
        for (what, address) in &fleet.endpoints {
            state
                .endpoints
                .insert((*what).to_owned(), format!("http://{address}"));
        }
        let console_password = if simulate {
            Some(let_demo_people_in(&home, &servers, &state).await?)
        } else {
            None
        };
        if let Some(simulators) = &simulators {
            simulators.open_accounts(state.endpoints.get("webhooks").map(String::as_str));
            if let Some(signature) = state.endpoints.get("signature") {
                consent::to_simulated_accounts(&simulators.connections, signature, &rpc_key).await?;
            }
        }
        home.write_state(&running, &state)?;
        Ok(Self {
            home,
            running,
            servers,
            fleet,
            admin,
            telemetry,
            log,
            state,
            simulators,
            console_password,
        })
    }

    /// The file with the log lines, if they are not on the terminal.
    pub(crate) fn log(&self) -> Option<&Path> {
        self.log.as_ref().map(|log| log.path.as_path())
    }

    /// The folder that everything is kept in.
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.home.path("")
    }

    /// A key for an agent of the demo's tenant, good for an hour.
    pub(crate) async fn agent_key(&self) -> Done<Secret> {
        let pool = gateway_database(&self.servers, &self.state)?;
        let now = SystemClock.now();
        let wanted = keys::NewKey {
            tenant: Some(DEMO_TENANT.parse().context("no tenant")?),
            name: "puente demo".to_owned(),
            role: Role::Agent,
            per_minute: 6_000,
            expires_at: Some(now + AGENT_KEY),
            created_by: "puente demo".to_owned(),
        };
        let made = keys::create(&pool, &wanted, now)
            .await
            .context("no key can be made for the demo's agent")?;
        pool.close().await;
        Ok(made.text)
    }

    /// The runtime above everything; tasks of the stage are spawned on it.
    pub(crate) fn root(&self) -> &Runtime {
        self.fleet.root()
    }

    /// Waits until a service or a server ends by itself.
    pub(crate) async fn trouble(&mut self) -> anyhow::Error {
        tokio::select! {
            error = self.fleet.failed() => error,
            error = self.servers.ended() => error,
        }
    }

    /// Stops everything in order.
    pub(crate) async fn lower(self) -> Done {
        let Self {
            home,
            running,
            servers,
            fleet,
            admin,
            telemetry,
            log,
            simulators,
            state: _,
            console_password: _,
        } = self;
        let stopped = fleet.stop().await;
        let (end, served) = admin;
        end.cancel();
        let _ = served.await;
        if let Some(simulators) = simulators {
            simulators.stop().await;
        }
        servers.stop().await;
        telemetry.shutdown().await;
        home.clear_state(&running);
        drop(log);
        stopped
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("home", &self.home)
            .field("fleet", &self.fleet)
            .finish_non_exhaustive()
    }
}

/// Makes the people of the demo known to the gateway, with the folder's password.
async fn let_demo_people_in(home: &Home, servers: &Servers, state: &State) -> Done<Secret> {
    let password = home.console_password()?;
    let pool = gateway_database(servers, state)?;
    puente_gateway::accounts::ensure_demo(&pool, &password, SystemClock.now())
        .await
        .context("the people of the demo cannot be made known")?;
    pool.close().await;
    Ok(password)
}

/// The gateway's database, as its worker.
fn gateway_database(servers: &Servers, state: &State) -> Done<sqlx::PgPool> {
    let url = state
        .logins
        .get("gateway")
        .map_or_else(|| servers.database.expose(), |login| login.worker.as_str());
    let pool = puente_service::db::pool(&DatabaseConfig::at(url), "gateway", Uuid::now_v7())
        .context("the database of the gateway cannot be used")?;
    Ok(pool)
}

/// What the stage adds to the services' configuration.
struct Embedded<'a> {
    servers: &'a Servers,
    state: &'a State,
    master_key: &'a Secret,
    rpc_key: &'a Secret,
    link_key: &'a Secret,
    storage: &'a Path,
    models: Option<&'a Path>,
    simulate: bool,
    listen: Option<SocketAddr>,
}

impl Embedded<'_> {
    fn overrides(&self, process: &Process, member: &Member, known: &Endpoints) -> Done<Overrides> {
        let mut overrides = Overrides::default();
        if let Some(login) = self.state.logins.get(member.name) {
            overrides = overrides.set("database.url", login.worker.as_str());
            overrides = overrides.set("database.api_url", login.api.as_str());
        }
        if self.servers.own_broker() {
            overrides = overrides.set("nats.url", self.servers.nats_url.as_str());
        }
        if member.opens_connections && process.master_key_of(member.name)?.is_none() {
            overrides = overrides.set("master_key", self.master_key.expose());
        }
        if process.rpc_key_of(member.name)?.is_none() {
            overrides = overrides.set("rpc_key", self.rpc_key.expose());
        }
        if member.name == "gateway" && self.simulate {
            overrides = overrides.set("simulated", true);
        }
        if matches!(member.name, "notifications" | "ocr" | "signature" | "sync") && self.simulate {
            overrides = overrides.set("allow_simulators", true);
        }
        if lacks_storage(process, member, &overrides) {
            overrides = overrides
                .set("storage.folder", self.storage.display().to_string())
                .set("storage.link_key", self.link_key.expose());
        }
        if member.name == "ocr"
            && let Some(models) = self.models
        {
            overrides = overrides.set("models", models.display().to_string());
        }
        // Simulated providers reach us here; real ones only at the address that the configuration names.
        if member.name == "signature"
            && self.simulate
            && let Some((_, ingress)) = known.iter().find(|(name, _)| *name == "webhooks")
        {
            overrides = overrides.set("callback_url", format!("http://{ingress}"));
        }
        let usual = match member.name {
            "ingress" => Some((USUAL, self.listen)),
            "gateway" => Some((USUAL_CONSOLE, None)),
            _ => None,
        };
        if let Some((usual, wanted)) = usual
            && let Some(address) = listen(process, member, &overrides, usual, wanted)
        {
            overrides = overrides.set("listen", address);
        }
        Ok(overrides)
    }
}

/// The models that read plates, unless the configuration of ocr names some.
async fn models(tools: &Tools, process: &Process, ui: &Ui) -> Done<Option<PathBuf>> {
    let named = fleet::members().iter().any(|member| {
        let shown = member.configuration(&process.sources).unwrap_or_default();
        member.name == "ocr"
            && shown
                .iter()
                .any(|key| key.key == "models" && !key.origin.starts_with("defaults of"))
    });
    if named {
        return Ok(None);
    }
    let (tools, ui) = (tools.clone(), *ui);
    tokio::task::spawn_blocking(move || tools.ensure_models(&ui))
        .await
        .context("the models cannot be looked for")?
        .map(Some)
}

/// Whether the service keeps documents, and nobody said where.
fn lacks_storage(process: &Process, member: &Member, so_far: &Overrides) -> bool {
    let sources = process.sources.clone().with_overrides(so_far.clone());
    let shown = member.configuration(&sources).unwrap_or_default();
    let mut storage = shown
        .iter()
        .filter(|key| key.key.starts_with("storage."))
        .peekable();
    storage.peek().is_some() && storage.all(|key| key.origin.starts_with("defaults of"))
}

/// What was asked for; else what is configured; else the usual port, or any if that is taken.
fn listen(
    process: &Process,
    member: &Member,
    so_far: &Overrides,
    usual: &str,
    wanted: Option<SocketAddr>,
) -> Option<String> {
    if let Some(address) = wanted {
        return Some(address.to_string());
    }
    let sources = process.sources.clone().with_overrides(so_far.clone());
    let shown = member.configuration(&sources).ok()?;
    let by_default = shown
        .iter()
        .any(|key| key.key == "listen" && key.origin.starts_with("defaults of"));
    (by_default && TcpListener::bind(usual).is_err()).then(|| any().to_string())
}

/// For people on the terminal, for programs in a file, unless somebody chose otherwise.
fn look(process: &Process, on_terminal: bool) -> TelemetryConfig {
    let mut config = process.telemetry.clone();
    if !process.log_is_set {
        config.log_format = if on_terminal {
            LogFormat::Compact
        } else {
            LogFormat::Json
        };
    }
    config
}

fn serve_admin(admin: Admin, root: Runtime) -> (CancellationToken, JoinHandle<()>) {
    let end = CancellationToken::new();
    let told = end.clone();
    let serve = async move {
        if let Err(error) = admin.serve(root, told).await {
            tracing::error!(error, "health and metrics are gone");
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "answers until after the drain, so it is no task of the runtime"
    )]
    (end, tokio::spawn(serve))
}
