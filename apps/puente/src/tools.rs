//! The two programs of the embedded default, nats-server and PostgreSQL: found, or fetched.
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
        Ok(Self { home: dir.join("tools"), env, pins: pins::read()? })
    }

    /// What the program is, for people.
    pub(crate) fn about(&self, which: Which) -> &str {
        &self.pins.of(which).about
    }

    /// The program, fetched if need be.
    pub(crate) fn ensure(&self, which: Which, choice: Choice, ui: &Ui) -> Done<Found> {
        let pin = self.pins.of(which);
        if let Some(found) = locate::named(pin, &self.env)? {
            return Ok(found);
        }
        let home = self.home.join(which.folder());
        if let Some(found) = locate::fetched(pin, &home) {
            return Ok(found);
        }
        if choice == Choice::Any
            && let Some(found) = locate::installed(which, pin, &self.env)
        {
            return Ok(found);
        }
        ui.line(&ui.paint(Tone::Dim, &format!("fetching {} {} …", pin.about, pin.version)));
        fetch::fetch(pin, &home, &self.env).map_err(Failed::missing)?;
        locate::fetched(pin, &home).ok_or_else(|| {
            Failed::missing(anyhow::anyhow!("{} was fetched and does not start on this machine", pin.about))
        })
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
