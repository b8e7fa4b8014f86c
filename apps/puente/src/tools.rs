//! The programs of the embedded default, nats-server and PostgreSQL, and the models that read serial plates: found, or
//! fetched.
//!
//! Which versions, from where and with which sums is data: `tools.toml`. Whatever is fetched is checked against
//! its SHA-256 before anything of it is unpacked. Nothing is installed outside of `.puente/tools/`.

mod fetch;
mod locate;
mod pins;
mod unpack;
mod version;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::{Done, Failed};
use crate::ui::{Tone, Ui};

pub(crate) use version::Version;

/// The models' folder under `tools/`.
const MODELS: &str = "plate-models";

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The broker.
    Nats,
    /// The database.
    Postgres,
}

/// Which of several that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Any that is new enough.
    Any,
    /// The pinned one.
    Pinned,
    /// One of this major version: a database is read only by the one that made it.
    Major(u32),
}

impl Choice {
    fn takes(self, version: Version) -> bool {
        match self {
            Self::Any | Self::Pinned => true,
            Self::Major(major) => version.major == major,
        }
    }
}

/// A program that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The program itself.
    pub(crate) program: PathBuf,
    /// What it says it is.
    pub(crate) version: Version,
    /// How it was found: a variable's name, `fetched` or `PATH`.
    pub(crate) origin: &'static str,
}

/// The programs under one `.puente` folder.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    home: PathBuf,
    env: BTreeMap<String, String>,
    pins: pins::Pins,
}

impl Tools {
    /// `dir` is the `.puente` folder.
    pub(crate) fn new(dir: &Path) -> Done<Self> {
        Self::with_env(dir, puente_service::Sources::from_process_without_file().env)
    }

    fn with_env(dir: &Path, env: BTreeMap<String, String>) -> Done<Self> {
        let dir = std::path::absolute(dir).context("the folder of the embedded default has no path")?;
        Ok(Self {
            home: dir.join("tools"),
            env,
            pins: pins::read()?,
        })
    }

    /// What the program is, for people.
    pub(crate) fn about(&self, which: Which) -> &str {
        &self.pins.of(which).about
    }

    /// The program, fetched if need be.
    pub(crate) fn ensure(&self, which: Which, choice: Choice, ui: &Ui) -> Done<Found> {
        let pin = self.pins.of(which);
        let home = self.home.join(which.folder());
        let named = locate::named(pin, &self.env)?;
        let is_named = named.is_some();
        let found = named
            .or_else(|| locate::fetched(pin, &home))
            .filter(|found| choice.takes(found.version));
        let installed = || {
            let allowed = choice != Choice::Pinned && !is_named;
            allowed
                .then(|| locate::installed(which, pin, &self.env, choice))
                .flatten()
        };
        if let Some(found) = found.or_else(installed) {
            return Ok(found);
        }
        if let Choice::Major(major) = choice
            && (is_named || pin.major() != Some(major))
        {
            return Err(Failed::missing(anyhow::anyhow!(
                "the data was made by version {major} of {}, which is not here: name it in {}, or start with an \
                 empty folder",
                pin.about,
                pin.variable
            )));
        }
        ui.line(&ui.paint(Tone::Dim, &format!("fetching {} {} …", pin.about, pin.version)));
        let there = || locate::fetched(pin, &home).is_some();
        fetch::fetch(
            pin.package().as_ref(),
            &pin.about,
            &pin.otherwise(),
            &home,
            &self.env,
            there,
        )
        .map_err(Failed::missing)?;
        locate::fetched(pin, &home).ok_or_else(|| {
            Failed::missing(anyhow::anyhow!(
                "{} was fetched and does not start on this machine",
                pin.about
            ))
        })
    }
}

impl Tools {
    /// What the models are, for people, and their version.
    pub(crate) fn about_models(&self) -> (&str, &str) {
        let pin = &self.pins.plate_models;
        (&pin.about, &pin.version)
    }

    /// The folder with the models that read serial plates, fetched if need be.
    pub(crate) fn ensure_models(&self, ui: &Ui) -> Done<PathBuf> {
        let (pin, home) = (&self.pins.plate_models, self.home.join(MODELS));
        if let Some(found) = locate::models(pin, &home, &self.env)? {
            return Ok(found);
        }
        ui.line(&ui.paint(Tone::Dim, &format!("fetching {} …", pin.about)));
        let there = || matches!(locate::models(pin, &home, &self.env), Ok(Some(_)));
        let package = pin.package();
        fetch::fetch(
            Some(&package),
            &pin.about,
            &pin.otherwise(),
            &home,
            &self.env,
            there,
        )
        .map_err(Failed::missing)?;
        Ok(home)
    }
}

impl Which {
    /// Its folder under `tools/`.
    fn folder(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Postgres => "postgres",
        }
    }
}
