//! The `.puente` folder: what the embedded default keeps on disk.
//!
//! `tools/` programs · `postgres/` and `nats/` servers with their data · `master.key` seals connections ·
//! `rpc.key` signs calls between services · `links.key` signs links to documents · `storage/` documents · `console.password` of the demo's people ·
//! `state.json` tells other commands where everything is while it runs · `up.lock` is held by whoever runs it ·
//! `puente.log`. The lock, not the state file, says whether somebody runs: the kernel frees it after any end.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use puente_types::Secret;
use puente_vault::{MasterKey, MasterKeys};
use serde::{Deserialize, Serialize};

use crate::exit::{Done, Failed};

/// Files that hold secrets are for their owner alone.
const PRIVATE: u32 = 0o600;

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// Held while the embedded default runs.
#[derive(Debug)]
pub(crate) struct Running(#[expect(dead_code, reason = "the lock ends when the file is closed")] File);

/// Where everything is, for other commands. Holds passwords.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process that runs it.
    pub(crate) pid: u32,
    /// The administrator's URL of the database.
    pub(crate) database_url: String,
    /// The broker.
    pub(crate) nats_url: String,
    /// Addresses by what answers there: `console`, `webhooks`, `health`, `simulators`, and the
    /// services that answer gRPC: `ingress_grpc`, `notifications`, `orders`, `signature`.
    pub(crate) endpoints: BTreeMap<String, String>,
    /// Process and port of the servers that were started: `postgres`, `nats`.
    pub(crate) servers: BTreeMap<String, Server>,
    /// The services' own logins.
    pub(crate) logins: BTreeMap<String, Login>,
}

/// A server that was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    /// Its process.
    pub(crate) pid: u32,
    /// Its port.
    pub(crate) port: u16,
}

/// A service's two database URLs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// As its worker role.
    pub(crate) worker: String,
    /// As its API role.
    pub(crate) api: String,
}

impl Home {
    /// The folder, which need not be there yet.
    pub(crate) fn new(dir: &Path) -> Done<Self> {
        Ok(Self(
            std::path::absolute(dir).context("the folder of the embedded default has no path")?,
        ))
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Takes the lock.
    pub(crate) fn lock(&self) -> Done<Running> {
        fs::create_dir_all(&self.0).with_context(|| format!("cannot make {}", self.0.display()))?;
        let path = self.path("up.lock");
        let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Running(file)),
            Err(TryLockError::WouldBlock) => {
                let whom = self.read_state().map_or_else(String::new, |state| {
                    let webhooks = state.endpoints.get("webhooks").map_or("", String::as_str);
                    format!(" (process {}, webhooks at {webhooks})", state.pid)
                });
                Err(Failed::from(anyhow!(
                    "already running in {}{whom}",
                    self.0.display()
                )))
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder")?,
        }
    }

    /// What runs here now.
    pub(crate) fn running(&self) -> Option<State> {
        let file = File::open(self.path("up.lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => self.read_state(),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    fn read_state(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.path("state.json")).ok()?).ok()
    }

    /// Tells other commands; only for the holder of the lock.
    pub(crate) fn write_state(&self, _running: &Running, state: &State) -> Done {
        let text = serde_json::to_vec_pretty(state).context("cannot write the state")?;
        Ok(write_private(&self.path("state.json"), &text)?)
    }

    /// Forgets what ran here; only for the holder of the lock.
    pub(crate) fn clear_state(&self, _running: &Running) {
        // A state that stays behind harms nobody: without the lock it is not believed.
        let _ = fs::remove_file(self.path("state.json"));
    }

    /// The installation's master key as configuration wants it, made on first use.
    pub(crate) fn master_key(&self) -> Done<Secret> {
        let key = self.key("master.key")?;
        MasterKeys::read(&self.path("master.key")).map_err(Failed::usage)?;
        Ok(key)
    }

    /// The installation's key of calls between services, made on first use.
    pub(crate) fn rpc_key(&self) -> Done<Secret> {
        self.key("rpc.key")
    }

    /// The installation's key of links to documents, made on first use.
    pub(crate) fn link_key(&self) -> Done<Secret> {
        self.key("links.key")
    }

    /// What the people of the demo log in to the console with, made on first use.
    pub(crate) fn console_password(&self) -> Done<Secret> {
        let path = self.path("console.password");
        if !path.exists() {
            let password = puente_gateway::accounts::random_password();
            write_private(&path, format!("{}\n", password.expose()).as_bytes())?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Secret::new(text.trim()))
    }

    /// A file with 32 random bytes in base64, made on first use.
    fn key(&self, name: &str) -> Done<Secret> {
        let path = self.path(name);
        if !path.exists() {
            let key = MasterKey::generate().context("cannot make a key")?;
            write_private(&path, format!("{}\n", key.to_base64().expose()).as_bytes())?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Secret::new(text.trim()))
    }

    /// The master key, if there is one already.
    pub(crate) fn present_master_key(&self) -> Option<Secret> {
        let text = fs::read_to_string(self.path("master.key")).ok()?;
        Some(Secret::new(text.trim()))
    }
}

/// Whole or not at all, and never readable by others, not even for a moment.
fn write_private(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&new)
        .and_then(|mut file| file.write_all(text))
        .and_then(|()| fs::rename(&new, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_start_is_told_who_runs_and_the_lock_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(&dir.path().join("deep/er")).unwrap();
        let running = home.lock().unwrap();
        let mut state = State {
            pid: 4711,
            ..State::default()
        };
        state
            .endpoints
            .insert("webhooks".to_owned(), "http://127.0.0.1:1".to_owned());
        home.write_state(&running, &state).unwrap();
        assert_eq!(home.running().unwrap().pid, 4711);
        let refused = format!("{:?}", home.lock().unwrap_err());
        assert!(
            refused.contains("already running") && refused.contains("4711"),
            "{refused}"
        );
        drop(running);
        assert!(home.running().is_none(), "the state file alone is not believed");
        home.lock().unwrap();
    }

    #[test]
    fn keys_are_made_once_are_private_and_differ() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path()).unwrap();
        let (master, rpc) = (home.master_key().unwrap(), home.rpc_key().unwrap());
        assert_eq!(master.expose(), home.master_key().unwrap().expose());
        assert_eq!(rpc.expose(), home.rpc_key().unwrap().expose());
        assert_ne!(master.expose(), rpc.expose());
        for name in ["master.key", "rpc.key"] {
            let mode = fs::metadata(home.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, PRIVATE, "{name}");
        }
    }
}
