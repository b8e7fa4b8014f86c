//! The moment of the cut: every process of a server stops, and none does anything more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use puente_e2e::{PATIENCE, Stage};
use puente_testkit::wait_for;

use super::shim::Shim;
use super::undo::{Dropped, copy, undo};

/// As long as a copied folder is awaited; it is small.
const STILL: Duration = Duration::from_millis(1);

/// Cuts PostgreSQL off, and takes back what it had not synced.
pub(super) async fn database(stage: &mut Stage, shim: &Shim) -> std::io::Result<Dropped> {
    let server = stage.db.server_pid();
    // Stopped, it makes no new processes and does not react to the end of its old ones.
    signal(server, Signal::SIGSTOP);
    let workers = children_of(server);
    assert!(
        workers.len() > 3,
        "PostgreSQL is many processes, found {workers:?}"
    );
    for worker in &workers {
        signal(*worker, Signal::SIGKILL);
    }
    stage.db.kill9().await;
    wait_for("every process of PostgreSQL to be gone", PATIENCE, || async {
        workers.iter().all(|worker| !runs(*worker))
    })
    .await;
    undo(&stage.db.server_folder(), &shim.logs)
}

/// A copy of the broker's store as it is at one instant.
pub(super) async fn picture(stage: &Stage, to: &Path) -> std::io::Result<()> {
    let _ = std::fs::remove_dir_all(to);
    signal(stage.nats.pid(), Signal::SIGSTOP);
    // A call that it is in ends before it stops.
    tokio::time::sleep(STILL).await;
    let copied = copy(&stage.nats.store(), to);
    signal(stage.nats.pid(), Signal::SIGCONT);
    copied
}

/// Throws the broker's store back to a picture of it. The broker must have ended.
pub(super) fn throw_back(stage: &Stage, picture: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(stage.nats.store())?;
    copy(picture, &stage.nats.store())
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    // An error means that it is gone already.
    let _ = kill(pid, signal);
}

/// State and parent of a process.
fn about(pid: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn runs(pid: u32) -> bool {
    about(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

fn children_of(parent: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| about(*pid).is_some_and(|(_, of)| of == parent))
        .collect()
}
