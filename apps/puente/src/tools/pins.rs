//! `tools.toml` as types.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use super::{Version, Which};

const TEXT: &str = include_str!("../../tools.toml");

/// All pins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pins {
    nats: Pin,
    postgres: Pin,
}

/// One program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    /// What it is, for people.
    pub(super) about: String,
    /// The program inside its folder.
    pub(super) program: String,
    /// The variable that names another one.
    pub(super) variable: String,
    /// The variable that makes it needless.
    pub(super) url_variable: String,
    /// The oldest version that will do.
    at_least: [u32; 2],
    /// The package in the Python registry.
    pub(super) package: String,
    /// Its version.
    pub(super) version: String,
    /// What is kept of it.
    pub(super) take: Vec<Take>,
    /// Its file for each machine, by `<system>-<processor>`.
    files: BTreeMap<String, File>,
}

/// A folder of the package, and where it goes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    pub(super) from: String,
    pub(super) to: String,
}

/// The file for one kind of machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The platform tag that pip is asked for.
    pub(super) platform: String,
    /// The file's sum.
    pub(super) sha256: String,
}

pub(super) fn read() -> anyhow::Result<Pins> {
    toml::from_str(TEXT).context("tools.toml is not right")
}

impl Pins {
    pub(super) fn of(&self, which: Which) -> &Pin {
        match which {
            Which::Nats => &self.nats,
            Which::Postgres => &self.postgres,
        }
    }
}

impl Pin {
    /// The oldest version that will do.
    pub(super) fn at_least(&self) -> Version {
        self.at_least.into()
    }

    /// The major version of what is fetched.
    pub(super) fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }

    /// The file for this machine, if there is one.
    pub(super) fn file(&self) -> Option<&File> {
        self.files
            .get(&format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH))
    }

    /// What a person can do who cannot or will not have it fetched.
    pub(super) fn otherwise(&self) -> String {
        format!(
            "or install it ({} or newer) and name it in {}, or set {}",
            self.at_least(),
            self.variable,
            self.url_variable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pins_are_whole() {
        let pins = read().unwrap();
        for which in [Which::Nats, Which::Postgres] {
            let pin = pins.of(which);
            assert_eq!(pin.files.len(), 4, "Linux and macOS on both processors");
            for (machine, file) in &pin.files {
                let hex = file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(hex, "{} for {machine}", pin.about);
            }
            let program_is_taken = pin.take.iter().any(|take| pin.program.starts_with(&take.to));
            assert!(program_is_taken && pin.take.iter().all(|take| take.from.ends_with('/')));
        }
    }
}
