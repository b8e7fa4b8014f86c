//! Which database and broker a command works on.
//!
//! What the configuration names (environment or `puente.toml`) wins; then what `puente up` runs in the folder.

use anyhow::anyhow;
use puente_service::config::load;
use puente_service::{DatabaseConfig, NatsConfig, Sources};
use puente_types::Secret;
use serde::Deserialize;

use crate::exit::{Done, Failed};
use crate::fleet;
use crate::home::{Home, State};

/// What the configuration names, if anything.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// The administrator's login, or the services'.
    pub(crate) database: Option<Secret>,
    /// The broker.
    pub(crate) nats: Option<NatsConfig>,
}

#[derive(Deserialize)]
struct Shared {
    database: DatabaseConfig,
    nats: NatsConfig,
}

/// The process' configuration, in which only services of this fleet may be named.
pub(crate) fn sources() -> Done<Sources> {
    let sources = Sources::from_process().map_err(Failed::usage)?;
    Ok(sources.with_services(fleet::names()))
}

/// What the configuration names.
pub(crate) fn named(sources: &Sources) -> Done<Named> {
    let loaded = load::<Shared>("puente", "", sources).map_err(Failed::usage)?;
    let is_set = |key: &str| {
        loaded.shown.iter().any(|shown| shown.key == key && shown.origin != "shared defaults")
    };
    let Shared { database, nats } = loaded.service;
    Ok(Named {
        database: is_set("database.url").then_some(database.url),
        nats: is_set("nats.url").then_some(nats),
    })
}

/// Database and broker for a command that does not start them itself.
#[derive(Debug)]
pub(crate) struct Target {
    /// The login that the configuration or the running fleet gives.
    pub(crate) database: Option<Secret>,
    /// The broker.
    pub(crate) nats: Option<NatsConfig>,
    /// What runs in the folder, if that is what is worked on.
    pub(crate) state: Option<State>,
}

impl Target {
    /// Looks in the configuration and in the folder.
    pub(crate) fn find(sources: &Sources, home: &Home) -> Done<Self> {
        let Named { database, nats } = named(sources)?;
        let state = home.running();
        let running = |url: fn(&State) -> &String| state.as_ref().map(url).filter(|url| !url.is_empty()).cloned();
        let embedded = database.is_none();
        let database = database.or_else(|| running(|state| &state.database_url).map(Secret::new));
        let nats = nats.or_else(|| running(|state| &state.nats_url).map(NatsConfig::at));
        Ok(Self { database, nats, state: state.filter(|_| embedded) })
    }

    /// The database, or what to do about it.
    pub(crate) fn database(&self) -> Done<&Secret> {
        self.database.as_ref().ok_or_else(|| nothing("DATABASE_URL"))
    }

    /// The broker, or what to do about it.
    pub(crate) fn nats(&self) -> Done<&NatsConfig> {
        self.nats.as_ref().ok_or_else(|| nothing("NATS_URL"))
    }
}

fn nothing(variable: &str) -> Failed {
    Failed::usage(anyhow!("{variable} is not set, and no `puente up` runs in this folder"))
}
