//! Which database, broker and master key a command works with.
//!
//! What the configuration names (environment or `puente.toml`) wins; then what `puente up` runs in the folder.

use std::collections::BTreeMap;

use anyhow::anyhow;
use puente_service::config::load;
use puente_service::{AdminConfig, DatabaseConfig, NatsConfig, Overrides, Sources, db};
use puente_telemetry::TelemetryConfig;
use puente_types::Secret;
use puente_vault::MasterKeys;
use puente_vault::azure::IdentityConfig;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::exit::{Done, Failed};
use crate::fleet::{self, Member};
use crate::home::{Home, Login};

/// The configuration of this process, and what it says about servers.
#[derive(Debug)]
pub(crate) struct Process {
    /// All sources; only services of this fleet may be named in them.
    pub(crate) sources: Sources,
    /// The database that is named, if one is.
    pub(crate) database: Option<Secret>,
    /// The broker that is named, if one is.
    pub(crate) nats: Option<NatsConfig>,
    /// Logs, traces, metrics.
    pub(crate) telemetry: TelemetryConfig,
    /// Whether the look of the log was chosen by somebody.
    pub(crate) log_is_set: bool,
    /// Where health and metrics answer.
    pub(crate) admin: AdminConfig,
}

#[derive(Deserialize)]
struct Shared {
    database: DatabaseConfig,
    nats: NatsConfig,
}

#[derive(Deserialize)]
struct Keyed {
    master_key: Option<Secret>,
    rpc_key: Option<Secret>,
    azure: IdentityConfig,
}

impl Process {
    /// Reads the configuration.
    pub(crate) fn read() -> Done<Self> {
        Self::of(Self::sources()?)
    }

    /// Everything that configures this process.
    pub(crate) fn sources() -> Done<Sources> {
        let sources = Sources::from_process().map_err(Failed::usage)?;
        Ok(sources.with_services(fleet::names()))
    }

    /// What all services share of it.
    pub(crate) fn of(sources: Sources) -> Done<Self> {
        let loaded = load::<Shared>("puente", "", &sources).map_err(Failed::usage)?;
        let is_set = |key: &str| {
            loaded
                .shown
                .iter()
                .any(|shown| shown.key == key && shown.origin != "shared defaults")
        };
        let Shared { database, nats } = loaded.service;
        Ok(Self {
            database: is_set("database.url").then_some(database.url),
            nats: is_set("nats.url").then_some(nats),
            log_is_set: is_set("telemetry.log_format") || is_set("telemetry.log_filter"),
            telemetry: TelemetryConfig {
                service_name: "puente".to_owned(),
                ..loaded.telemetry
            },
            admin: loaded.admin,
            sources,
        })
    }

    /// The master key that the configuration gives to a service.
    pub(crate) fn master_key_of(&self, service: &str) -> Done<Option<Secret>> {
        let loaded = load::<Keyed>(service, "", &self.sources).map_err(Failed::usage)?;
        Ok(loaded.service.master_key)
    }

    /// These keys, with the way to the vaults that they name.
    fn master_keys(&self, service: &str, keys: &Secret) -> Done<MasterKeys> {
        let loaded = load::<Keyed>(service, "", &self.sources).map_err(Failed::usage)?;
        MasterKeys::parse(keys.expose())
            .and_then(|keys| keys.with_identity(&loaded.service.azure))
            .map_err(Failed::usage)
    }

    /// The key of calls between services that the configuration gives to a service.
    pub(crate) fn rpc_key_of(&self, service: &str) -> Done<Option<Secret>> {
        let loaded = load::<Keyed>(service, "", &self.sources).map_err(Failed::usage)?;
        Ok(loaded.service.rpc_key)
    }

    /// The environment variable of this name.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.sources.env.get(name).cloned()
    }
}

/// What a command that starts no servers works with.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// An administrator's login, or one that all services share.
    pub(crate) database: Option<Secret>,
    /// The broker.
    pub(crate) nats: Option<NatsConfig>,
    /// Keys that the configuration does not set and the folder does: what [`Target::overrides`] hands out.
    logins: BTreeMap<String, Login>,
    nats_url: Option<String>,
    master_key: Option<Secret>,
}

impl Target {
    /// Looks in the configuration and in the folder.
    pub(crate) fn find(process: &Process, home: &Home) -> Self {
        let state = home.running();
        let mut target = Self {
            master_key: home.present_master_key(),
            ..Self::default()
        };
        target.database.clone_from(&process.database);
        target.nats.clone_from(&process.nats);
        if let Some(state) = state {
            if target.database.is_none() {
                target.database = Some(Secret::new(state.database_url));
                target.logins = state.logins;
            }
            if target.nats.is_none() {
                target.nats = Some(NatsConfig::at(state.nats_url.clone()));
                target.nats_url = Some(state.nats_url);
            }
        }
        target
    }

    /// The database, or what to do about it.
    pub(crate) fn database(&self) -> Done<&Secret> {
        self.database.as_ref().ok_or_else(|| nothing("DATABASE_URL"))
    }

    /// The database of a service as that service is configured, with its worker's rights. Connects when first used.
    pub(crate) fn pool(&self, process: &Process, service: &str) -> Done<PgPool> {
        let mut sources = process.sources.clone();
        if let Some(member) = fleet::members().iter().find(|member| member.name == service) {
            sources = sources.with_overrides(self.overrides(process, member)?);
        }
        let loaded = load::<Shared>(service, "", &sources).map_err(Failed::usage)?;
        let is_named = loaded
            .shown
            .iter()
            .any(|key| key.key == "database.url" && key.origin != "shared defaults");
        let mut config = loaded.service.database;
        if !is_named {
            config.url = self.database()?.clone();
        }
        config.max_connections = 1;
        db::pool(&config, service, Uuid::now_v7()).map_err(Failed::usage)
    }

    /// The broker, or what to do about it.
    pub(crate) fn nats(&self) -> Done<&NatsConfig> {
        self.nats.as_ref().ok_or_else(|| nothing("NATS_URL"))
    }

    /// What the folder adds to a service's configuration.
    pub(crate) fn overrides(&self, process: &Process, member: &Member) -> Done<Overrides> {
        let mut overrides = Overrides::default();
        if let Some(login) = self.logins.get(member.name) {
            overrides = overrides.set("database.url", login.worker.as_str());
            overrides = overrides.set("database.api_url", login.api.as_str());
        }
        if let Some(url) = &self.nats_url {
            overrides = overrides.set("nats.url", url.as_str());
        }
        if member.opens_connections
            && let Some(key) = &self.master_key
            && process.master_key_of(member.name)?.is_none()
        {
            overrides = overrides.set("master_key", key.expose());
        }
        Ok(overrides)
    }

    /// The keys that seal and open connections: a service's, if its configuration has some, else the folder's.
    pub(crate) fn master_keys(&self, process: &Process) -> Done<MasterKeys> {
        for member in fleet::members().iter().filter(|member| member.opens_connections) {
            if let Some(key) = process.master_key_of(member.name)? {
                return process.master_keys(member.name, &key);
            }
        }
        let key = self.master_key.as_ref().ok_or_else(|| {
            Failed::usage(anyhow!(
                "there is no master key: set PUENTE_INGRESS__MASTER_KEY_FILE, or run `puente up` once"
            ))
        })?;
        process.master_keys("puente", key)
    }
}

fn nothing(variable: &str) -> Failed {
    Failed::usage(anyhow!(
        "{variable} is not set, and no `puente up` runs in this folder"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(env: &[(&str, &str)]) -> Process {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Process::of(
            Sources {
                env,
                ..Sources::default()
            }
            .with_services(fleet::names()),
        )
        .unwrap()
    }

    #[test]
    fn servers_are_named_by_the_environment_or_not_at_all() {
        let none = process(&[]);
        assert!(none.database.is_none() && none.nats.is_none() && !none.log_is_set);
        let named = process(&[("DATABASE_URL", "postgres://a@b/c"), ("NATS_URL", "nats://d:1")]);
        assert_eq!(named.database.unwrap().expose(), "postgres://a@b/c");
        assert_eq!(named.nats.unwrap().url, "nats://d:1");
    }

    #[test]
    fn a_configured_master_key_wins_over_the_folders() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path()).unwrap();
        home.lock().unwrap();
        let folder = MasterKeys::parse(home.master_key().unwrap().expose()).unwrap();
        let target = Target::find(&process(&[]), &home);
        assert_eq!(
            target.master_keys(&process(&[])).unwrap().sealing().id(),
            folder.sealing().id()
        );
        let own = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let keys = target
            .master_keys(&process(&[("PUENTE_NOTIFICATIONS__MASTER_KEY", own)]))
            .unwrap();
        assert_eq!(
            keys.sealing().id(),
            MasterKeys::parse(own).unwrap().sealing().id()
        );
    }

    #[test]
    fn without_a_database_the_variable_to_set_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::find(&process(&[]), &Home::new(dir.path()).unwrap());
        assert!(format!("{:?}", target.database().unwrap_err()).contains("DATABASE_URL"));
    }
}
