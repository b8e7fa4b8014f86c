//! The rules, as data where they are plain.

use super::scan::{Named, names};

/// Crates that a service's domain may name: what is free of transport, storage and runtime.
const DOMAIN: [&str; 7] = [
    "std",
    "core",
    "alloc",
    "puente_types",
    "thiserror",
    "time",
    "uuid",
];
/// Transport and storage; a use case knows neither.
const TRANSPORT: [&str; 5] = ["async_nats", "axum", "reqwest", "sqlx", "tonic"];
/// The gateway owns no business: its use cases are questions to services, so that the caller and the status of a question
/// are its language, as a store's error is another service's. By layer; nothing else of those crates.
const QUESTIONS: [(&str, &[&str]); 2] = [
    ("application", &["tonic::Code", "tonic::Status"]),
    ("domain", &["puente_rpc::Caller", "puente_rpc::Scope"]),
];
/// Method names by which something reaches the broker.
const PUBLISHES: [&str; 6] = [
    "publish",
    "publish_with_headers",
    "publish_with_reply",
    "publish_message",
    "send_publish",
    "publish_with_reply_and_headers",
];

/// What the rules need to know of the repository.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Folders of `services/`.
    pub services: Vec<String>,
    /// All crates that code can name.
    pub crates: Vec<String>,
}

/// Test code may reach further: it stands in `tests/`, in `*_tests.rs` or `tests.rs`, or in the testkit.
#[must_use]
pub fn is_test(file: &str) -> bool {
    file.contains("/tests/") || file.ends_with("tests.rs") || file.starts_with("libs/testkit/")
}

/// Where a file stands.
struct Place<'a> {
    file: &'a str,
    service: Option<&'a str>,
    layer: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(file: &'a str) -> Self {
        let words: Vec<&str> = file.split('/').collect();
        let service = words.get(1).copied().filter(|_| file.starts_with("services/"));
        let layer = service.and(words.get(3)).map(|word| word.trim_end_matches(".rs"));
        Self { file, service, layer }
    }

    fn may_publish(&self) -> bool {
        ["libs/outbox/", "libs/vault/"]
            .iter()
            .any(|room| self.file.starts_with(room))
    }

    fn may_ask(&self, path: &str) -> bool {
        let known = |layer: &str| self.layer == Some(layer);
        self.service == Some("gateway")
            && QUESTIONS
                .iter()
                .any(|(layer, names)| known(layer) && names.contains(&path))
    }

    fn may_call_out(&self) -> bool {
        let simulator = self.file.starts_with("libs/providers/")
            && self
                .file
                .split('/')
                .any(|word| word.trim_end_matches(".rs") == "sim");
        simulator
            || ["libs/http/", "apps/"]
                .iter()
                .any(|room| self.file.starts_with(room))
    }
}

impl Workspace {
    /// One line for every rule that a file breaks.
    #[must_use]
    pub fn judge(&self, file: &str, source: &str) -> Vec<String> {
        let place = Place::of(file);
        let found = names(source);
        let mut breaches: Vec<(usize, String)> = found
            .paths
            .iter()
            .filter_map(|named| Some((named.line, self.breach(&place, named)?)))
            .collect();
        if !place.may_publish() {
            breaches.extend(found.calls.iter().filter(|(_, method)| PUBLISHES.contains(&method.as_str())).map(
                |(line, method)| (*line, format!("only libs/outbox publishes events, and libs/vault connections (`.{method}()`)")),
            ));
        }
        breaches.sort();
        breaches.dedup();
        breaches
            .into_iter()
            .map(|(line, rule)| format!("{file}:{line}: {rule}"))
            .collect()
    }

    fn breach(&self, place: &Place<'_>, named: &Named) -> Option<String> {
        let path = named.path.join("::");
        let first = named.path.first()?.as_str();
        let within =
            |layer: &str| ["crate", "super"].contains(&first) && named.path.iter().any(|word| word == layer);
        let of_service = first
            .strip_prefix("puente_")
            .filter(|name| self.services.iter().any(|s| s == name));

        if let Some(other) = of_service.filter(|other| place.service != Some(other)) {
            if place.service.is_some() {
                return Some(format!("services never import each other (`puente_{other}`)"));
            }
            if place.file.starts_with("libs/providers/") {
                return Some(format!("providers never import services (`puente_{other}`)"));
            }
            if place.file.starts_with("libs/") {
                return Some(format!("libraries never import services (`puente_{other}`)"));
            }
        }
        if first == "reqwest" && !place.may_call_out() {
            return Some(format!("outside calls go through libs/http (`{path}`)"));
        }
        if place.may_ask(&path) {
            return None;
        }
        match place.layer {
            Some("domain") => {
                let outer = ["application", "infrastructure", "wiring", "config"]
                    .into_iter()
                    .find(|l| within(l));
                if let Some(layer) = outer {
                    return Some(format!("domain imports no other layer (`{layer}` in `{path}`)"));
                }
                if self.crates.iter().any(|name| name == first) && !DOMAIN.contains(&first) {
                    return Some(format!(
                        "domain imports std, puente_types and thiserror only (`{path}`)"
                    ));
                }
            }
            Some("application") => {
                if within("infrastructure") {
                    return Some(format!("application never imports infrastructure (`{path}`)"));
                }
                if TRANSPORT.contains(&first) {
                    return Some(format!(
                        "application knows no transport and no storage (`{path}`)"
                    ));
                }
            }
            Some("infrastructure")
                if place.file.ends_with("/consumer.rs") && named.path.iter().any(|word| word == "store") =>
            {
                return Some(format!("consumer.rs never imports the store (`{path}`)"));
            }
            _ => {}
        }
        None
    }
}
