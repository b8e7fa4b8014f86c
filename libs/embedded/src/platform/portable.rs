//! Every other Unix: processes are asked for through `ps`, and a watchdog tells children that their parent died.
//!
//! The watchdog is a shell that waits at the end of a pipe. This process holds the other end and never writes, so the
//! pipe closes when it ends, however it ends. Between the start of a child and that of its watchdog there is a moment
//! without protection; a server left over from it is found by its state file at the next start.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::sys::signal::Signal;

/// `$1` is the signal, `$2` the child. Its command line is compared, since its id may belong to another process by then.
/// What the terminal sends to everybody does not concern the watchdog.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
what() { ps -ww -o command= -p "$1"; }
before=$(what "$2")
while read -r _; do :; done
[ "$(what "$2")" = "$before" ] && kill -s "$1" "$2"
"#;

/// What ties a child to this process: its watchdog, for one that is to end with us. Dropping it unties it.
pub(crate) type Leash = Option<Watchdog>;

/// A shell that waits for the end of this process.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    // Held open, and closed by the system at the latest.
    _pipe: Option<ChildStdin>,
}

impl Watchdog {
    fn over(pid: u32, signal: Signal) -> io::Result<Self> {
        let name = signal.as_str().trim_start_matches("SIG");
        let mut shell = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog", name, &pid.to_string()])
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, _pipe: pipe })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before the pipe closes, so that it does nothing any more.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Starts a child in a process group of its own, so that Ctrl-C reaches this process first. With a signal, the
/// child gets it when this process ends in whatever way.
pub(crate) fn spawn(mut command: Command, on_parent_death: Option<Signal>) -> io::Result<(Child, Leash)> {
    let mut child = command.process_group(0).spawn()?;
    let Some(signal) = on_parent_death else {
        return Ok((child, None));
    };
    match Watchdog::over(child.id(), signal) {
        Ok(watchdog) => Ok((child, Some(watchdog))),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

/// When the process began, in a measure that tells it from a later one with the same id. None for a zombie.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let shown = ps(pid, &["-o", "stat=", "-o", "lstart="])?;
    let (state, began) = shown.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| fingerprint(began.trim()))
}

/// Whether the process is the server of this cluster, which stands in its command line.
pub(crate) fn works_in(pid: u32, cluster: &Path) -> bool {
    let argument = format!(" -D {} ", cluster.display());
    ps(pid, &["-ww", "-o", "command="])
        .is_some_and(|command| format!("{} ", command.trim()).contains(&argument))
}

fn ps(pid: u32, columns: &[&str]) -> Option<String> {
    let output = Command::new("ps")
        .args(columns)
        .args(["-p", &pid.to_string()])
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// FNV-1a, cut to what any reader of JSON keeps: the same in every build, because state files are read by later ones.
fn fingerprint(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash >> 16
}

#[cfg(test)]
mod tests;
