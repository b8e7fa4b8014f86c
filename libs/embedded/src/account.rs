//! As whom PostgreSQL runs: it refuses root, so under root it is given to somebody else.
//!
//! First choice is the account `nobody`. It must be able to run the programs and write the folder, which fails
//! when a folder on the way is closed to others (a home of mode 0700). Second choice is a user namespace in
//! which root is called nobody: files stay root's. Both are tried out instead of computed from modes.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, chown};

use crate::error::ServerError;
use crate::tools::on_path;

/// As whom a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// As we are.
    Same,
    /// With another user's ids.
    Other { uid: u32, gid: u32 },
    /// As ourselves, but under another name, in a user namespace.
    Namespace { uid: u32, gid: u32 },
}

impl Account {
    /// Finds who can run `program` and write `folder`, and gives `folder` to them.
    pub(crate) fn choose(program: &Path, folder: &Path) -> Result<Self, ServerError> {
        if !Uid::effective().is_root() {
            return Ok(Self::Same);
        }
        let nobody = User::from_name("nobody").ok().flatten();
        let (uid, gid) = nobody.map_or((65534, 65534), |user| (user.uid.as_raw(), user.gid.as_raw()));
        let other = Self::Other { uid, gid };
        // The folder itself will be theirs; what counts is whether they can get to it.
        let way = folder.parent().unwrap_or(folder);
        if other.can(program, "-x", way) {
            give(folder, uid, gid)?;
            return Ok(other);
        }
        let namespace = Self::Namespace { uid, gid };
        give(folder, 0, 0)?;
        if on_path("unshare") && namespace.can(program, "-w", folder) {
            return Ok(namespace);
        }
        Err(ServerError::NoAccount {
            folder: folder.to_owned(),
        })
    }

    /// A command for `program` as this account.
    pub(crate) fn command(self, program: &Path) -> Command {
        match self {
            Self::Same => Command::new(program),
            Self::Other { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(uid).gid(gid);
                command
            }
            Self::Namespace { uid, gid } => {
                let mut command = Command::new("unshare");
                command
                    .arg("--user")
                    .arg(format!("--map-user={uid}"))
                    .arg(format!("--map-group={gid}"));
                command.arg("--").arg(program);
                command
            }
        }
    }

    /// Tries out whether this account can run `program`, and whether `test <what> <folder>` holds for it.
    fn can(self, program: &Path, what: &str, folder: &Path) -> bool {
        let succeeds = |mut command: Command| {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .current_dir("/");
            command.status().is_ok_and(|status| status.success())
        };
        let mut runs = self.command(program);
        runs.arg("--version");
        let mut test = self.command(Path::new("/bin/sh"));
        test.args(["-c", "test \"$0\" \"$1\"", what]).arg(folder);
        succeeds(runs) && succeeds(test)
    }
}

/// Gives a folder with all that is in it to a user. Links are given themselves, never what they point to.
fn give(folder: &Path, uid: u32, gid: u32) -> Result<(), ServerError> {
    use std::os::unix::fs::MetadataExt;
    let what = || format!("{} cannot be given to user {uid}", folder.display());
    let meta = folder.symlink_metadata().map_err(ServerError::io(what()))?;
    if (meta.uid(), meta.gid()) == (uid, gid) {
        return Ok(()); // it was given before, with everything in it
    }
    if meta.is_dir() {
        for entry in folder.read_dir().map_err(ServerError::io(what()))? {
            let entry = entry.map_err(ServerError::io(what()))?;
            if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                give(&entry.path(), uid, gid)?;
            }
        }
    }
    // The folder last: if this is cut short, the next start begins again.
    chown(folder, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
        .map_err(std::io::Error::from)
        .map_err(ServerError::io(what()))
}
