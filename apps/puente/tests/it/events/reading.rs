//! `puente events tail` as a child whose lines can be waited for.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A busy machine, and a broker that starts anew.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Reading {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Reading {
    /// Starts to read, and waits until the broker has the reader.
    pub(super) fn start(url: &str, arguments: &[&str]) -> Self {
        let reading = Self::launch(url, arguments);
        let said = reading.said();
        assert!(said.contains("listening to"), "{said}");
        reading
    }

    /// Starts to read.
    pub(super) fn launch(url: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_puente"))
            .args(["events", "tail", "--nats-url", url])
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// The next line.
    pub(super) fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).unwrap()
    }

    /// The next event, with `--json`.
    pub(super) fn event(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The next line on standard error.
    pub(super) fn said(&self) -> String {
        self.err.recv_timeout(PATIENCE).unwrap()
    }

    /// Nothing more is printed up to the end, which comes by itself.
    pub(super) fn ended(mut self) -> ExitStatus {
        let more: Vec<_> = self.out.iter().collect();
        assert!(more.is_empty(), "{more:?}");
        self.child.wait().unwrap()
    }

    /// What it printed until it ended by itself, and how it ended.
    pub(super) fn all(mut self) -> (Vec<String>, Vec<String>, ExitStatus) {
        let (out, err) = (self.out.iter().collect(), self.err.iter().collect());
        (out, err, self.child.wait().unwrap())
    }

    /// Ctrl-C.
    pub(super) fn interrupt(self) -> ExitStatus {
        let pid = self.child.id().try_into().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
        self.ended()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
