//! The cluster of a PostgreSQL server on disk: making it, and reading the lock file that the server keeps in it.
//!
//! A cluster is made in a folder that gets its name only when it is complete, so that a start cut short begins
//! again. Readiness is read from `postmaster.pid`, whose eighth line the server itself sets to `ready`.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::ServerError;
use crate::platform;
use crate::postgres::{Login, PROGRAM, PgOptions, USER};

/// Makes the server's folder, closed to others, and gives its full path.
pub(crate) fn make_folder(folder: &Path) -> Result<PathBuf, ServerError> {
    let what = || format!("the folder {} cannot be made", folder.display());
    fs::create_dir_all(folder).map_err(ServerError::io(what()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(ServerError::io(what()))?;
    folder.canonicalize().map_err(ServerError::io(what()))
}

/// Makes the cluster in the server's folder.
pub(crate) fn make_cluster(options: &PgOptions, account: Account) -> Result<(), ServerError> {
    let folder = &options.data_dir;
    let new = folder.join("pg.new");
    let what = || format!("the cluster in {} cannot be made", folder.display());
    if new.exists() {
        fs::remove_dir_all(&new).map_err(ServerError::io(what()))?; // a start was cut short
    }
    let mut command = account.command(&options.bin.join("initdb"));
    command
        .args(["--username", USER, "--encoding", "UTF8"])
        .args(platform::LOCALE)
        .arg("--pgdata")
        .arg(&new);
    if !options.durable {
        command.arg("--no-sync");
    }
    match options.login {
        Login::Trust => {
            command.arg("--auth=trust");
        }
        Login::Password => {
            let file = folder.join("password");
            write_password(&file, folder).map_err(ServerError::io(what()))?;
            command.arg("--auth=scram-sha-256").arg("--pwfile").arg(file);
        }
    }
    command.current_dir("/").env("LC_ALL", "C");
    let output = command
        .output()
        .map_err(ServerError::io("initdb cannot be run"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(ServerError::Ended {
            program: "initdb",
            reason,
        });
    }
    fs::rename(&new, folder.join("pg")).map_err(ServerError::io(what()))
}

/// A new random password, readable by the folder's owner only.
fn write_password(file: &Path, folder: &Path) -> std::io::Result<()> {
    let mut random = [0_u8; 24];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = fs::remove_file(file);
    let mut written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    written.write_all(password.as_bytes())?;
    let owner = fs::metadata(folder)?;
    std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Removes the lock file of a server that is gone. The server would judge by the process id alone, which may
/// belong to something else by now; we look whether that process is the server of this cluster.
pub(crate) fn forget_dead_server(folder: &Path) -> Result<(), ServerError> {
    let cluster = folder.join("pg");
    let lock = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&lock) else {
        return Ok(());
    };
    let mut lines = text.lines();
    let pid: u32 = lines
        .next()
        .and_then(|line| line.trim().parse().ok())
        .unwrap_or(0);
    let port: u16 = lines
        .nth(2)
        .and_then(|line| line.trim().parse().ok())
        .unwrap_or(0);
    if platform::works_in(pid, &cluster) {
        let folder = folder.to_owned();
        return Err(ServerError::AlreadyRunning {
            program: PROGRAM,
            folder,
            pid,
            port,
        });
    }
    fs::remove_file(&lock).map_err(ServerError::io(format!("{} cannot be removed", lock.display())))
}

/// Whether the server takes connections.
pub(crate) fn is_ready(cluster: &Path) -> bool {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).unwrap_or_default();
    text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}
