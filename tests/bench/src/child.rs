//! Children of the bench: the same program in another role, spoken to over its standard streams.
//!
//! A line of JSON goes in, a line of JSON comes out. A child ends when its input is closed, so it ends with its parent.

pub(crate) mod bare;
pub(crate) mod fleet;
pub(crate) mod load;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

/// The longest wait for an answer; the longest job takes a minute, and its webhooks must be signed before.
const PATIENCE: Duration = Duration::from_secs(240);
/// A service finishes what it began within this.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A running child.
pub(crate) struct Child {
    process: tokio::process::Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Its process.
    pub(crate) pid: u32,
}

impl Child {
    /// Starts the program in the role of `kind`. What it logs goes to a file.
    pub(crate) fn start(kind: &str, logs: &Path) -> Result<Self> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(logs.join(format!("{kind}.log")))?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg(kind)
            .env_remove("PUENTE_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the child {kind} cannot be started"))?;
        let input = process.stdin.take().context("no input")?;
        let output = BufReader::new(process.stdout.take().context("no output")?).lines();
        let pid = process.id().context("it ended at once")?;
        Ok(Self {
            process,
            input,
            output,
            pid,
        })
    }

    /// Sends a line and waits for the answer.
    pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(&mut self, question: &Q) -> Result<A> {
        let mut line = serde_json::to_vec(question)?;
        line.push(b'\n');
        self.input.write_all(&line).await?;
        self.input.flush().await?;
        let line = tokio::time::timeout(PATIENCE, self.output.next_line())
            .await
            .context("a child does not answer")??
            .ok_or_else(|| anyhow!("a child ended; the reason is in its log"))?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Closes its input and waits until it has ended.
    pub(crate) async fn stop(mut self) -> Result<()> {
        drop(self.input);
        match tokio::time::timeout(STOP_PATIENCE, self.process.wait()).await {
            Ok(status) => anyhow::ensure!(status?.success(), "a child failed; the reason is in its log"),
            Err(_) => self.process.kill().await?,
        }
        Ok(())
    }
}

/// The child's side: the first line.
fn first_line<Q: DeserializeOwned>() -> Result<Q> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// The child's side: a line out.
fn say<A: Serialize>(answer: &A) -> Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}

/// The child's side: returns when the parent wants no more, or is gone.
async fn until_closed() {
    let closed = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) {
            line.clear();
        }
    });
    let _ = closed.await;
}
