//! What holds for a tenant: which engines in which order, when a reading is sure enough, how often one may try.
//!
//! Everything is checked when the service starts, and all that is wrong is told at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use puente_plates::Patterns;
use puente_types::TenantId;
use sha2::{Digest as _, Sha256};

use crate::config::{Config, TenantConfig};
use crate::domain::reading::permille;
use crate::infrastructure::engines::EMBEDDED;
use crate::infrastructure::store::budget::Budget;

/// Photographs of one plate, at most; more is a queue of bad photographs, not patience.
const MOST_ATTEMPTS: u32 = 10;
/// Below it, nothing that is shown as sure would be.
const LEAST_THRESHOLD: f64 = 0.5;
/// A language is a tag like `es` or `pt-BR`.
const LONGEST_LANGUAGE: usize = 12;

/// What holds for one tenant.
#[derive(Debug)]
pub(crate) struct TenantSettings {
    /// In the order in which they are asked.
    pub(crate) engines: Vec<String>,
    /// In thousandths.
    pub(crate) threshold: u32,
    pub(crate) attempts: u32,
    pub(crate) patterns: Patterns,
    /// Of what a cached reading depends on.
    pub(crate) fingerprint: String,
    pub(crate) language: String,
    pub(crate) budget: Budget,
}

/// What holds for all.
#[derive(Debug)]
pub(crate) struct Settings {
    usual: Arc<TenantSettings>,
    own: HashMap<TenantId, Arc<TenantSettings>>,
    engine: Duration,
    engines: HashMap<String, Duration>,
}

impl Settings {
    /// Checks the configuration. `known` says whether there is an engine of that name.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(crate) fn check(config: &Config, known: impl Fn(&str) -> bool) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let usual = tenant(config, &TenantConfig::default(), "", &known, &mut wrong);
        let mut own = HashMap::new();
        for (name, table) in &config.tenants {
            let place = format!("tenants.{name}.");
            let id = name.parse::<TenantId>();
            let settings = tenant(config, table, &place, &known, &mut wrong);
            match id {
                Ok(id) => {
                    own.insert(id, Arc::new(settings));
                }
                Err(error) => wrong.push(format!("tenants.{name}: {error}")),
            }
        }
        for name in config.engines_ms.keys() {
            if !(known(name) || name == EMBEDDED) {
                wrong.push(format!("engines_ms.{name}: there is no such engine"));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let time = |ms: &std::num::NonZeroU32| Duration::from_millis(ms.get().into());
        Ok(Self {
            usual: Arc::new(usual),
            own,
            engine: time(&config.engine_ms),
            engines: config
                .engines_ms
                .iter()
                .map(|(name, ms)| (name.clone(), time(ms)))
                .collect(),
        })
    }

    /// What holds for a tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> &Arc<TenantSettings> {
        self.own.get(tenant).unwrap_or(&self.usual)
    }

    /// How long an engine may take.
    pub(crate) fn time(&self, engine: &str) -> Duration {
        self.engines.get(engine).copied().unwrap_or(self.engine)
    }

    /// The longest that asking all engines of any tenant may take.
    pub(crate) fn longest(&self) -> Duration {
        self.all()
            .map(|settings| settings.engines.iter().map(|engine| self.time(engine)).sum())
            .max()
            .unwrap_or(self.engine)
    }

    /// Whether some tenant has no engine but this one.
    pub(crate) fn depends_on(&self, engine: &str) -> bool {
        self.all().any(|settings| settings.engines == [engine])
    }

    fn all(&self) -> impl Iterator<Item = &Arc<TenantSettings>> {
        self.own.values().chain([&self.usual])
    }
}

fn tenant(
    config: &Config,
    own: &TenantConfig,
    place: &str,
    known: &impl Fn(&str) -> bool,
    wrong: &mut Vec<String>,
) -> TenantSettings {
    let engines = own.engines.clone().unwrap_or_else(|| config.engines.clone());
    let threshold = own.threshold.unwrap_or(config.threshold);
    let attempts = own.attempts.unwrap_or(config.attempts);
    let patterns = own.patterns.clone().unwrap_or_else(|| config.patterns.clone());
    let language = own.language.clone().unwrap_or_else(|| config.language.clone());
    if engines.is_empty() {
        wrong.push(format!("{place}engines: name at least one"));
    }
    for (at, engine) in engines.iter().enumerate() {
        if !(engine == EMBEDDED || known(engine)) {
            wrong.push(format!("{place}engines: there is no engine `{engine}`"));
        }
        if engines.iter().take(at).any(|other| other == engine) {
            wrong.push(format!("{place}engines: `{engine}` is named twice"));
        }
    }
    if !(LEAST_THRESHOLD..=1.0).contains(&threshold) {
        wrong.push(format!("{place}threshold: is {threshold}, but must be 0.5 to 1"));
    }
    if !(1..=MOST_ATTEMPTS).contains(&attempts) {
        wrong.push(format!(
            "{place}attempts: is {attempts}, but must be 1 to {MOST_ATTEMPTS}"
        ));
    }
    let tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if language.is_empty() || language.len() > LONGEST_LANGUAGE || !language.chars().all(tag) {
        wrong.push(format!("{place}language: is no language"));
    }
    let parsed = Patterns::parse(&patterns).unwrap_or_else(|error| {
        wrong.push(format!("{place}patterns: {error}"));
        Patterns::default()
    });
    TenantSettings {
        engines,
        threshold: permille(narrow(threshold)),
        attempts,
        fingerprint: fingerprint(&patterns),
        patterns: parsed,
        language,
        budget: Budget {
            per_day: own.calls_per_day.unwrap_or(config.calls_per_day),
            per_month: own.calls_per_month.unwrap_or(config.calls_per_month),
        },
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a threshold has three digits that count"
)]
const fn narrow(threshold: f64) -> f32 {
    threshold as f32
}

fn fingerprint(patterns: &[String]) -> String {
    let mut hash = Sha256::new();
    for pattern in patterns {
        hash.update((pattern.len() as u64).to_be_bytes());
        hash.update(pattern);
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use puente_service::config::load;
    use puente_service::{Overrides, Sources};

    use super::*;

    fn config(overrides: Overrides) -> Config {
        let overrides = overrides
            .set("master_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .set("storage.link_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .set("database.url", "postgres://localhost/x")
            .set("nats.url", "nats://localhost");
        let sources = Sources::default().with_overrides(overrides);
        load("ocr", include_str!("../../config.default.toml"), &sources)
            .expect("a good configuration")
            .service
    }

    #[test]
    fn a_tenant_has_its_own_settings_and_the_usual_ones_for_the_rest() {
        let overrides = Overrides::default()
            .set("tenants.acme.threshold", 0.95)
            .set("tenants.acme.attempts", 5)
            .set("engines_ms.azure_vision", 4000);
        let settings = Settings::check(&config(overrides), |name| name == "azure_vision").unwrap();
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let (own, usual) = (settings.of(&acme), settings.of(&other));
        assert_eq!((own.threshold, own.attempts), (950, 5));
        assert_eq!((usual.threshold, usual.attempts), (900, 3));
        assert_eq!(own.engines, usual.engines);
        assert_eq!(settings.time("azure_vision"), Duration::from_secs(4));
        assert!(settings.depends_on(EMBEDDED));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let overrides = Overrides::default()
            .set("tenants.acme.threshold", 0.2)
            .set("tenants.acme.attempts", 0)
            .set("tenants.acme.language", "");
        let mut config = config(overrides);
        config.engines = vec!["embedded".to_owned(), "abacus".to_owned(), "embedded".to_owned()];
        config
            .tenants
            .insert("Not A Tenant".to_owned(), TenantConfig::default());
        if let Some(acme) = config.tenants.get_mut("acme") {
            acme.patterns = Some(vec!["9{".to_owned()]);
            acme.engines = Some(Vec::new());
        }
        let wrong = Settings::check(&config, |_| false).unwrap_err();
        for part in [
            "engines: there is no engine `abacus`",
            "engines: `embedded` is named twice",
            "tenants.acme.engines: name at least one",
            "tenants.acme.threshold",
            "tenants.acme.attempts",
            "tenants.acme.language",
            "tenants.acme.patterns",
            "tenants.Not A Tenant",
        ] {
            assert!(wrong.iter().any(|line| line.contains(part)), "{part}: {wrong:?}");
        }
    }
}
