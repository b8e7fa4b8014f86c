//! Layered configuration: defaults → `puente.toml` → environment → `*_FILE` → overrides in code.
//!
//! Every key can be asked for its origin ([`Loaded::shown`]), every mistake is reported in one run
//! ([`ConfigError`]), unknown keys are mistakes, and nothing here reads the process' environment except
//! [`Sources::from_process`], so that tests never have to change it.

mod extract;
mod layer;
mod problem;
mod shared;
mod show;

use std::collections::BTreeMap;
use std::path::Path;

use figment::value::Value;
use puente_telemetry::TelemetryConfig;
use serde::de::DeserializeOwned;

pub use problem::{ConfigError, Problem};
pub use shared::{AdminConfig, DatabaseConfig, NatsConfig, ShutdownConfig};
pub use show::Shown;

use shared::ProcessConfig;

/// The variable that names the configuration file, and where it is looked for otherwise.
const FILE_VARIABLE: &str = "PUENTE_CONFIG";
const FILE: &str = "puente.toml";

/// Where configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Name and text of `puente.toml`.
    pub file: Option<(String, String)>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// What code sets; wins over everything.
    pub overrides: Overrides,
    /// Names of all services, if they are known: then a table of an unknown one is a mistake. Empty: not known.
    pub services: Vec<String>,
}

/// Keys set in code, for one service: the fleet points services at the embedded servers this way.
#[derive(Debug, Clone, Default)]
pub struct Overrides(pub(crate) BTreeMap<String, Value>);

impl Overrides {
    /// Sets a key, e.g. `("database.url", url)`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }
}

impl Sources {
    /// The real environment, and the file that `PUENTE_CONFIG` names, or else `puente.toml` if there is one.
    ///
    /// # Errors
    /// When a file was named and cannot be read.
    pub fn from_process() -> Result<Self, ConfigError> {
        let sources = Self::from_process_without_file();
        match sources.env.get(FILE_VARIABLE).cloned() {
            Some(path) => sources.with_file(Path::new(&path)),
            None if Path::new(FILE).exists() => sources.with_file(Path::new(FILE)),
            None => Ok(sources),
        }
    }

    /// The real environment alone; the file is named by [`Sources::with_file`] or is not there.
    #[must_use]
    pub fn from_process_without_file() -> Self {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            env: std::env::vars_os().filter_map(text).collect(),
            ..Self::default()
        }
    }

    /// Reads this file instead of any other.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn with_file(mut self, path: &Path) -> Result<Self, ConfigError> {
        let origin = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.file = Some((origin, text)),
            Err(error) => {
                let what = format!("cannot be read: {}", error.kind());
                let problem = Problem {
                    key: "(file)".to_owned(),
                    what,
                    origin: Some(origin),
                };
                return Err(ConfigError {
                    service: "puente".to_owned(),
                    problems: vec![problem],
                });
            }
        }
        Ok(self)
    }

    /// Uses these overrides instead.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Makes tables and variables of services that are not in this list a mistake.
    #[must_use]
    pub fn with_services<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.services = names.into_iter().map(str::to_owned).collect();
        self
    }

    fn knows_service(&self, name: &str) -> bool {
        self.services.is_empty() || self.services.iter().any(|known| known == name)
    }
}

/// A configuration without mistakes.
#[derive(Debug)]
pub struct Loaded<C> {
    /// The service's own part.
    pub service: C,
    /// Logs, traces, metrics.
    pub telemetry: TelemetryConfig,
    /// Health and metrics port.
    pub admin: AdminConfig,
    /// How patient the end is.
    pub shutdown: ShutdownConfig,
    /// Every key with value and origin, secrets masked.
    pub shown: Vec<Shown>,
}

/// Loads the configuration of the service `name`, whose commented defaults are `defaults`.
///
/// # Errors
/// With every mistake that was found.
pub fn load<C: DeserializeOwned>(
    name: &str,
    defaults: &str,
    sources: &Sources,
) -> Result<Loaded<C>, ConfigError> {
    let mut problems = Vec::new();
    let layers = layer::layers(name, defaults, sources, &mut problems);
    let shown = show::shown(&layers);

    let for_service = |key: &str| !shared::TABLES.contains(&key) || shared::FOR_SERVICES.contains(&key);
    let pick = |keep: &dyn Fn(&str) -> bool| {
        let mut layers = layers.clone();
        layers
            .iter_mut()
            .for_each(|layer| layer.data.retain(|key, _| keep(key)));
        layers
    };
    let service = extract::extract::<C>(pick(&for_service), &shared::FOR_SERVICES, &mut problems);
    let process = extract::extract::<ProcessConfig>(pick(&|key| !for_service(key)), &[], &mut problems);

    match (service, process) {
        (Some(service), Some(process)) if problems.is_empty() => Ok(Loaded {
            service,
            telemetry: process.telemetry.named(name),
            admin: process.admin,
            shutdown: process.shutdown,
            shown,
        }),
        _ => {
            if problems.is_empty() {
                let what = "is refused by the service".to_owned();
                problems.push(Problem {
                    key: "(all)".to_owned(),
                    what,
                    origin: None,
                });
            }
            problems.sort_by(|a, b| a.key.cmp(&b.key));
            Err(ConfigError {
                service: name.to_owned(),
                problems,
            })
        }
    }
}
