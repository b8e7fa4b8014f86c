//! Compiles the shim, and puts a `postgres` in front of the real one that loads it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::Safety;

const SOURCE: &str = include_str!("../../shim/unsynced.c");

/// Why a power loss cannot be simulated here, if so: it takes Linux and a C compiler, which Rust needs anyway.
#[must_use]
pub fn missing() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("power loss is simulated on Linux only");
    }
    let found = Command::new("cc").arg("--version").output();
    (!found.is_ok_and(|ran| ran.status.success())).then_some("power loss needs a C compiler named cc")
}

/// A folder that serves as the server's programs.
#[derive(Debug)]
pub struct Shim {
    /// `postgres` and `initdb`.
    pub bin: PathBuf,
    /// Where unsynced changes are logged.
    pub logs: PathBuf,
    /// The compiled shim.
    pub library: PathBuf,
}

impl Shim {
    /// Makes it in `folder`, in front of the programs in `real`.
    ///
    /// # Errors
    /// When the shim does not compile.
    pub fn build(folder: &Path, real: &Path, safety: Safety) -> anyhow::Result<Self> {
        let shim = Self {
            bin: folder.join("bin"),
            logs: folder.join("unsynced"),
            library: folder.join("unsynced.so"),
        };
        std::fs::create_dir_all(&shim.bin)?;
        std::fs::create_dir_all(&shim.logs)?;
        let source = folder.join("unsynced.c");
        std::fs::write(&source, SOURCE)?;
        let mut compile = Command::new("cc");
        compile
            .args(["-O2", "-fPIC", "-shared", "-o"])
            .arg(&shim.library)
            .arg(&source)
            .arg("-ldl");
        let ran = compile.output().context("cc cannot be run")?;
        ensure!(
            ran.status.success(),
            "the shim does not compile: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let more = match safety {
            Safety::AsShipped => "",
            // Neither by time nor by volume does the log's writer save what the control must lose.
            Safety::CommitsUnsynced => {
                " -c synchronous_commit=off -c wal_writer_delay=10s -c wal_writer_flush_after=1GB"
            }
        };
        let load = format!(
            "export PUENTE_UNSYNCED='{}' LD_PRELOAD='{}'\n",
            shim.logs.display(),
            shim.library.display()
        );
        // Making the cluster is not part of the run, so it goes without the shim, and so does the question for the
        // version.
        let postgres = format!(
            "#!/bin/sh\ncase \"$1\" in --version) exec '{0}/postgres' \"$@\" ;; esac\n{load}exec '{0}/postgres' \"$@\"{more}\n",
            real.display()
        );
        script(&shim.bin.join("postgres"), &postgres)?;
        let initdb = format!("#!/bin/sh\nexec '{}/initdb' \"$@\"\n", real.display());
        script(&shim.bin.join("initdb"), &initdb)?;
        // The server may run under another account than ours.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
        std::fs::set_permissions(&shim.logs, std::fs::Permissions::from_mode(0o777))?;
        Ok(shim)
    }
}

fn script(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}
