//! The servers of a run, with exactly the settings we ship, and rooms in them: a database and a broker of one's own for
//! each part, so that no part sees what another left behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use puente_embedded::{Nats, NatsOptions, PgOptions, Postgres, Tools};
use puente_ports::Connection;
use puente_service::migrate::{Logins, migrate};
use puente_types::Secret;
use puente_vault::{MasterKey, MasterKeys, publish};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;

use crate::child::Child;
use crate::child::fleet::{Order, Running};
use crate::measure::minimal;
use crate::webhooks::{APP_SECRET, NUMBER};

/// Migrated once, copied for each room.
const TEMPLATE: &str = "bench_template";
/// The longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Every webhook comes from one address here, which in life sends far less; the limit itself still runs.
const RATE: i64 = 4_000_000;

/// Running servers.
pub(crate) struct Stage {
    postgres: Postgres,
    tools: Tools,
    folder: TempDir,
    master: Secret,
    /// What calls between services are signed with.
    pub(crate) rpc_key: Secret,
}

/// A database and a broker.
pub(crate) struct Room {
    database: String,
    /// The administrator, who sees every schema.
    pub(crate) admin: PgPool,
    /// The broker.
    pub(crate) nats: Nats,
}

impl Stage {
    /// Starts PostgreSQL with fsync on, and makes the schemas.
    pub(crate) async fn raise(dir: Option<&Path>) -> Result<Self> {
        let dir = dir.map_or_else(std::env::temp_dir, Path::to_path_buf);
        std::fs::create_dir_all(&dir)?;
        refuse_memory(&dir)?;
        let folder = tempfile::Builder::new()
            .prefix("puente-bench-")
            .tempdir_in(&dir)?;
        // The server runs under another account when this one is root.
        std::os::unix::fs::PermissionsExt::set_mode(
            &mut std::fs::metadata(folder.path())?.permissions(),
            0o755,
        );
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open)?;
        let tools = Tools::new(std::env::current_dir()?);
        let postgres =
            Postgres::start(PgOptions::new(tools.postgres()?, folder.path().join("postgres"))).await?;
        let stage = Self {
            postgres,
            tools,
            folder,
            master: MasterKey::generate()?.to_base64(),
            rpc_key: MasterKey::generate()?.to_base64(),
        };
        let admin = stage.admin("postgres").await?;
        execute(&admin, format!("CREATE DATABASE {TEMPLATE}")).await?;
        let url = Secret::new(stage.postgres.url(TEMPLATE));
        let own = [
            ("ingress", &puente_ingress::MIGRATIONS),
            ("notifications", &puente_notifications::MIGRATIONS),
            ("orders", &puente_orders::MIGRATIONS),
            ("bench", &minimal::MIGRATIONS),
        ];
        for (service, own) in own {
            migrate(&url, service, &puente_outbox::MIGRATIONS, own, &Logins::default()).await?;
        }
        Ok(stage)
    }

    /// A new room.
    pub(crate) async fn room(&self, name: &str) -> Result<Room> {
        let store = self.folder.path().join(format!("nats-{name}"));
        let nats = Nats::start(NatsOptions::new(self.tools.nats()?, store)).await?;
        Ok(Room {
            admin: self.database(name).await?,
            database: self.postgres.url(name),
            nats,
        })
    }

    /// A new database with all schemas; gives its administrator.
    pub(crate) async fn database(&self, name: &str) -> Result<PgPool> {
        let admin = self.admin("postgres").await?;
        execute(&admin, format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await?;
        self.admin(name).await
    }

    async fn admin(&self, database: &str) -> Result<PgPool> {
        let options = PgPoolOptions::new().max_connections(4);
        Ok(options.connect(&self.postgres.url(database)).await?)
    }

    /// Services in one process in this room.
    pub(crate) fn order(&self, room: &Room, services: &[&str]) -> Order {
        let master: Value = self.master.expose().into();
        let rpc: Value = self.rpc_key.expose().into();
        let keys = [
            (
                "ingress",
                vec![
                    ("listen", "127.0.0.1:0".into()),
                    ("master_key", master.clone()),
                    ("rpc_key", rpc.clone()),
                    ("rate_per_source", RATE.into()),
                    ("burst_per_source", RATE.into()),
                ],
            ),
            (
                "notifications",
                vec![("allow_simulators", true.into()), ("master_key", master)],
            ),
            ("orders", vec![("rpc_key", rpc)]),
        ];
        let named = |keys: Vec<(&str, Value)>| {
            keys.into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()
        };
        Order {
            services: services.iter().map(|service| (*service).to_owned()).collect(),
            database: room.database.clone(),
            nats: room.nats.url(),
            keys: keys
                .into_iter()
                .map(|(service, keys)| (service.to_owned(), named(keys)))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    /// Starts what was ordered.
    pub(crate) async fn fleet(&self, order: &Order) -> Result<(Child, Running)> {
        let mut child = self.child("fleet")?;
        let running = child.ask(order).await.with_context(|| self.last_words("fleet"))?;
        Ok((child, running))
    }

    /// A child in another role.
    pub(crate) fn child(&self, kind: &str) -> Result<Child> {
        Child::start(kind, self.folder.path())
    }

    fn last_words(&self, kind: &str) -> String {
        let log = std::fs::read_to_string(self.folder.path().join(format!("{kind}.log"))).unwrap_or_default();
        log.lines().last().unwrap_or("it logged nothing").to_owned()
    }

    /// Tells the services of the room the connection that webhooks are for.
    pub(crate) async fn connect(&self, room: &Room, base_url: &str) -> Result<Vec<Connection>> {
        let connections = vec![connection(base_url)?];
        let client = async_nats::connect(room.nats.url()).await?;
        let masters = MasterKeys::parse(self.master.expose())?;
        publish::apply(&client, &masters, connections.clone()).await?;
        Ok(connections)
    }

    /// The process of the database server.
    pub(crate) fn postgres_pid(&self) -> u32 {
        self.postgres.pid()
    }

    /// Program versions, and the settings that durability hangs on, as the server itself tells them.
    pub(crate) async fn versions(&self) -> Result<String> {
        let admin = self.admin("postgres").await?;
        let mut told = Vec::new();
        for setting in [
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "max_wal_size",
            "wal_init_zero",
        ] {
            let value: String = sqlx::query_scalar("SELECT current_setting($1)")
                .bind(setting)
                .fetch_one(&admin)
                .await?;
            told.push(format!("{setting} {value}"));
        }
        let nats = Command::new(self.tools.nats()?).arg("--version").output()?;
        let nats = String::from_utf8_lossy(&nats.stdout).trim().to_owned();
        Ok(format!(
            "PostgreSQL ({}); {nats}, JetStream on disk",
            told.join(", ")
        ))
    }

    /// Stops the servers.
    pub(crate) async fn stop(&mut self) {
        self.postgres.stop().await;
    }
}

impl Room {
    /// Where the data is, with `synchronous_commit` off: what is confirmed may be lost.
    pub(crate) fn lazy_url(&self) -> String {
        format!("{}?options[synchronous_commit]=off", self.database)
    }

    /// The administrator's URL.
    pub(crate) fn url(&self) -> &str {
        &self.database
    }

    /// One number.
    pub(crate) async fn count(&self, sql: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.admin).await?)
    }

    /// Stops the broker and drops the database: the disk is needed for other things.
    pub(crate) async fn leave(mut self, stage: &Stage) -> Result<()> {
        self.nats.stop().await;
        self.admin.close().await;
        let name = self.database.rsplit('/').next().unwrap_or_default().to_owned();
        let admin = stage.admin("postgres").await?;
        execute(&admin, format!("DROP DATABASE {name} WITH (FORCE)")).await
    }
}

/// Waits until `ready` says so.
pub(crate) async fn until(what: &str, mut ready: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !ready().await? {
        if begin.elapsed() > PATIENCE {
            bail!("waited too long for {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A statement without parameters.
pub(crate) async fn execute(pool: &PgPool, statement: String) -> Result<()> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await;
    done.map(|_| ()).context("the database refused")
}

fn connection(base_url: &str) -> Result<Connection> {
    let settings = [("waba_id", "waba-bench"), ("base_url", base_url)];
    let secrets = [
        ("app_secret", APP_SECRET),
        ("verify_token", "bench-verify-token"),
        ("access_token", "bench-token"),
    ];
    Ok(Connection {
        id: "bench-wa".parse().context("no id")?,
        tenant: "algesta".parse().context("no tenant")?,
        provider: "whatsapp_cloud".into(),
        account: Some(NUMBER.to_owned()),
        settings: settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
        secrets: secrets
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect(),
    })
}

/// A disk in memory answers an fsync at once: figures from there would be lies.
fn refuse_memory(dir: &PathBuf) -> Result<()> {
    #[cfg(target_os = "linux")]
    if nix::sys::statfs::statfs(dir)?.filesystem_type() == nix::sys::statfs::TMPFS_MAGIC {
        bail!("{} is in memory; name a folder on a disk by --dir", dir.display());
    }
    Ok(())
}
