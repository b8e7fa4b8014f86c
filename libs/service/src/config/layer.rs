//! The layers of a configuration, lowest first, each with its origin.
//!
//! defaults → `puente.toml` → environment → files named by `*_FILE` variables → overrides in code.

use std::collections::BTreeMap;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::problem::Problem;
use super::shared;
use super::{Overrides, Sources};

/// One origin and what it sets.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) origin: String,
    pub(crate) data: Dict,
    /// Values were guessed from text, so a number may have been meant as a word.
    pub(crate) from_text: bool,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }
    fn data(&self) -> figment::error::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.data.clone())]))
    }
}

/// Variables that operators know from elsewhere, and the key each one sets.
const KNOWN_VARIABLES: [(&str, &str); 9] = [
    ("AZURE_AUTHORITY_HOST", "azure.authority_host"),
    ("AZURE_CLIENT_ID", "azure.client_id"),
    ("AZURE_CLIENT_SECRET", "azure.client_secret"),
    ("AZURE_FEDERATED_TOKEN_FILE", "azure.federated_token_file"),
    ("AZURE_TENANT_ID", "azure.tenant_id"),
    ("DATABASE_URL", "database.url"),
    ("DATABASE_API_URL", "database.api_url"),
    ("NATS_URL", "nats.url"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
];

/// All layers for one service, lowest first. Mistakes of form go to `problems`.
pub(crate) fn layers(
    name: &str,
    defaults: &str,
    sources: &Sources,
    problems: &mut Vec<Problem>,
) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (origin, text) in [("shared defaults", shared::DEFAULTS), ("defaults", defaults)] {
        let origin = if origin == "defaults" {
            format!("defaults of {name}")
        } else {
            origin.to_owned()
        };
        if let Some(data) = parse(&origin, text, problems) {
            layers.push(Layer {
                origin,
                data,
                from_text: false,
            });
        }
    }
    let declared = Figment::new();
    let declared = layers.iter().cloned().fold(declared, Figment::merge);
    layers.extend(file(name, sources, problems));
    layers.extend(environment(name, sources, &declared, problems));
    layers.extend(overrides(&sources.overrides));
    layers
}

fn parse(origin: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Dict> {
    use figment::providers::{Format, Toml};
    match Toml::from_str::<Dict>(text) {
        Ok(data) => Some(data),
        Err(error) => {
            let what = error
                .to_string()
                .lines()
                .next()
                .unwrap_or("cannot be read")
                .to_owned();
            problems.push(Problem {
                key: "(file)".to_owned(),
                what,
                origin: Some(origin.to_owned()),
            });
            None
        }
    }
}

/// `puente.toml`: the shared tables, then this service's own table laid over them.
fn file(name: &str, sources: &Sources, problems: &mut Vec<Problem>) -> Vec<Layer> {
    let Some((path, text)) = &sources.file else {
        return Vec::new();
    };
    let Some(mut all) = parse(path, text, problems) else {
        return Vec::new();
    };
    let own = all.remove(name);
    let mut common = Dict::new();
    for (key, value) in all {
        if shared::TABLES.contains(&key.as_str()) {
            common.insert(key, value);
        } else if !sources.knows_service(&key) {
            let what = "unknown key: neither a shared table nor a service".to_owned();
            problems.push(Problem {
                key,
                what,
                origin: Some(path.clone()),
            });
        }
    }
    let mut layers = vec![Layer {
        origin: path.clone(),
        data: common,
        from_text: false,
    }];
    match own {
        Some(Value::Dict(_, data)) => {
            layers.push(Layer {
                origin: format!("{path} [{name}]"),
                data,
                from_text: false,
            });
        }
        Some(_) => {
            let what = "must be a table".to_owned();
            problems.push(Problem {
                key: name.to_owned(),
                what,
                origin: Some(path.clone()),
            });
        }
        None => {}
    }
    layers
}

fn environment(name: &str, sources: &Sources, declared: &Figment, problems: &mut Vec<Problem>) -> Vec<Layer> {
    // General before particular, and plain before `*_FILE`: later layers win.
    let mut found: BTreeMap<(u8, String), Layer> = BTreeMap::new();
    for (variable, text) in &sources.env {
        let Some((rank, key)) = key_of(name, variable, sources, problems) else {
            continue;
        };
        let declares = |key: &str| declared.contains(key);
        let file_key = key
            .strip_suffix("_file")
            .filter(|_| !declares(&key))
            .map(str::to_owned);
        let (rank, key, text, from_text) = match file_key {
            None => (rank, key, text.clone(), true),
            Some(key) => match std::fs::read_to_string(text) {
                Ok(content) => (
                    rank + 1,
                    key,
                    content.trim_end_matches(['\r', '\n']).to_owned(),
                    false,
                ),
                Err(error) => {
                    let what = format!("the file {text} cannot be read: {}", error.kind());
                    problems.push(Problem {
                        key,
                        what,
                        origin: Some(format!("variable {variable}")),
                    });
                    continue;
                }
            },
        };
        let value = if from_text {
            guess(&text)
        } else {
            Value::from(text)
        };
        let data = nest(&key, value);
        let layer = Layer {
            origin: format!("variable {variable}"),
            data,
            from_text,
        };
        found.insert((rank, variable.clone()), layer);
    }
    found.into_values().collect()
}

/// The key a variable sets for this service, with its rank; `None` when it is not about this service.
fn key_of(
    name: &str,
    variable: &str,
    sources: &Sources,
    problems: &mut Vec<Problem>,
) -> Option<(u8, String)> {
    for (known, key) in KNOWN_VARIABLES {
        if variable == known {
            return Some((0, key.to_owned()));
        }
        if variable.strip_suffix("_FILE") == Some(known) {
            return Some((0, format!("{key}_file")));
        }
    }
    let rest = variable.strip_prefix("PUENTE_")?;
    let (table, key) = rest.split_once("__")?;
    let (table, key) = (
        table.to_ascii_lowercase(),
        key.to_ascii_lowercase().replace("__", "."),
    );
    if shared::TABLES.contains(&table.as_str()) {
        return Some((2, format!("{table}.{key}")));
    }
    if table == name {
        return Some((4, key));
    }
    if !sources.knows_service(&table) {
        let what = "unknown key: neither a shared table nor a service".to_owned();
        problems.push(Problem {
            key: table,
            what,
            origin: Some(format!("variable {variable}")),
        });
    }
    None
}

fn overrides(overrides: &Overrides) -> Vec<Layer> {
    overrides
        .0
        .iter()
        .map(|(key, value)| Layer {
            origin: "override".to_owned(),
            data: nest(key, value.clone()),
            from_text: false,
        })
        .collect()
}

/// Reads `5`, `true`, `[1, 2]` as what they look like and everything else as a word.
fn guess(text: &str) -> Value {
    text.parse().unwrap_or_else(|_| Value::from(text))
}

fn nest(key: &str, value: Value) -> Dict {
    let (head, tail) = key.split_once('.').unwrap_or((key, ""));
    let value = if tail.is_empty() {
        value
    } else {
        Value::from(nest(tail, value))
    };
    Dict::from([(head.to_owned(), value)])
}
