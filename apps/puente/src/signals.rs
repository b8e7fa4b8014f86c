//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell reports for a program that Ctrl-C ended.
const CUT: i32 = 130;

/// The signals, caught from now on.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches them.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        let what = "signals cannot be caught";
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context(what)?,
            terminate: signal(SignalKind::terminate()).context(what)?,
        })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Does `work`, which is an orderly end; another signal cuts it short.
    pub(crate) async fn unless_again<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            () = self.next() => std::process::exit(CUT),
        }
    }
}
