//! The embedded default as a whole, on real servers: the demo's promises, and what is left after a crash.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use puente_testkit::tools;

use crate::command::{Ran, folder, puente};

/// A cold start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The servers' programs, where `make tools` or the machine has them.
fn programs() -> [(&'static str, String); 4] {
    let path = |path: std::path::PathBuf| path.display().to_string();
    [
        ("PUENTE_NATS_BIN", path(tools().nats().unwrap())),
        ("PUENTE_PLATE_MODELS", path(tools().plate_models().unwrap())),
        ("PUENTE_PG_BIN", path(tools().postgres().unwrap())),
        ("PATH", "/usr/bin:/bin".to_owned()),
    ]
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let programs = programs();
    let env: Vec<_> = programs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    puente(folder, &env, arguments)
}

/// `puente up` as a child.
pub(crate) struct Up(Child);

impl Up {
    /// Starts it, and waits until other commands find it.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_puente"))
            .args(["up", "--listen", "127.0.0.1:0"])
            .args(more)
            .current_dir(folder)
            .env_clear()
            .envs(programs())
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("up.out")).unwrap())
            .stderr(File::create(folder.join("up.err")).unwrap())
            .spawn()
            .unwrap();
        let mut up = Self(child);
        let begin = Instant::now();
        while run(folder, &["connections", "list"]).code != 0 {
            let said = || std::fs::read_to_string(folder.join("up.err")).unwrap_or_default();
            assert!(up.0.try_wait().unwrap().is_none(), "it ended: {}", said());
            assert!(begin.elapsed() < PATIENCE, "it does not get ready: {}", said());
        }
        up
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_demo_keeps_its_promises_also_with_a_crowd_and_a_second_time() {
    let dir = folder();
    for _ in 0..2 {
        let ran = run(dir.path(), &["demo", "--fast", "--load", "6"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        for expected in [
            "orders opened",
            "webhook duplicate",
            "webhook refused",
            "Nothing lost",
            "trace of OT-",
        ] {
            assert!(
                ran.out.contains(expected),
                "`{expected}` is missing in:\n{}",
                ran.out
            );
        }
        assert!(!ran.out.contains("should be"), "{}", ran.out);
    }
}

#[test]
fn after_a_crash_the_next_start_has_its_data_and_while_one_runs_another_is_refused() {
    let dir = folder();
    let mut up = Up::start(dir.path(), &["--simulate"]);
    let state = std::fs::read_to_string(dir.path().join(".puente/state.json")).unwrap();
    assert!(
        state.contains("\"orders\": \"http://127.0.0.1:"),
        "orders can be asked: {state}"
    );
    let second = run(dir.path(), &["up"]);
    assert_eq!(second.code, 1, "{}", second.err);
    assert!(
        second.err.contains("already running") && second.err.contains("webhooks at http://"),
        "{}",
        second.err
    );
    assert_eq!(
        run(dir.path(), &["migrate"]).code,
        0,
        "other commands find the database"
    );
    up.end(Signal::SIGKILL);

    assert_eq!(run(dir.path(), &["migrate"]).code, 2, "nothing runs any more");
    let mut up = Up::start(dir.path(), &[]);
    let listed = run(dir.path(), &["connections", "list"]);
    assert!(
        listed.out.contains("algesta-whatsapp") && listed.out.contains("norte-whatsapp"),
        "{}",
        listed.out
    );
    let ended = up.end(Signal::SIGINT);
    assert_eq!(
        ended.code(),
        Some(0),
        "{}",
        std::fs::read_to_string(dir.path().join("up.err")).unwrap()
    );
}
