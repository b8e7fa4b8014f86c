//! The load generator: HTTP/1.1 over connections that are kept, one request under way on each.
//!
//! On one thread, so that it takes at most one core of the machine that it shares with what it measures.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::machine;
use crate::webhooks::{Numbers, Webhooks};

/// An answer later than this ends the connection: the server promises one within seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// An answer of ours has a few hundred bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What to send, where, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    pub(crate) numbers: Numbers,
    /// Whether to begin again when all have been sent; for servers that keep nothing.
    pub(crate) again: bool,
}

/// What came of it, warm-up excluded; times in microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) seconds: f64,
    pub(crate) answered: u64,
    pub(crate) per_second: f64,
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    /// Answers other than 200, warm-up included.
    pub(crate) refused: BTreeMap<u16, u64>,
    /// All answers with 200, warm-up included.
    pub(crate) accepted: u64,
    /// Processor seconds of the generator.
    pub(crate) cpu: f64,
}

pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line)? > 0 {
        let job: Job = serde_json::from_str(&line)?;
        line.clear();
        let outcome = tokio::task::LocalSet::new().block_on(&runtime, work(job))?;
        super::say(&outcome)?;
    }
    Ok(())
}

/// What all connections share; they take turns on one thread.
struct Shared {
    webhooks: Webhooks,
    next: std::cell::Cell<u64>,
    most: u64,
    counts_from: Instant,
    ends: Instant,
}

struct Tally {
    times: Histogram<u64>,
    refused: BTreeMap<u16, u64>,
    accepted: u64,
    last: Instant,
}

async fn work(job: Job) -> Result<Outcome> {
    let webhooks = Webhooks::prepare(job.numbers)?;
    let mut streams = Vec::with_capacity(job.connections);
    for _ in 0..job.connections {
        let stream = TcpStream::connect(job.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let cpu = machine::cpu_seconds(std::process::id());
    let counts_from = Instant::now() + job.warm_up;
    let shared = Rc::new(Shared {
        webhooks,
        next: std::cell::Cell::new(0),
        most: if job.again { u64::MAX } else { job.numbers.count },
        counts_from,
        ends: counts_from + job.duration,
    });
    let connections: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::task::spawn_local(connection(shared.clone(), stream)))
        .collect();
    let mut all = Tally::new(counts_from)?;
    for connection in connections {
        let tally = connection.await??;
        all.times.add(&tally.times)?;
        all.accepted += tally.accepted;
        all.last = all.last.max(tally.last);
        for (status, count) in tally.refused {
            *all.refused.entry(status).or_default() += count;
        }
    }
    let seconds = (all.last - counts_from).as_secs_f64().max(f64::MIN_POSITIVE);
    let answered = all.times.len();
    Ok(Outcome {
        seconds,
        answered,
        per_second: answered as f64 / seconds,
        p50: all.times.value_at_quantile(0.5),
        p99: all.times.value_at_quantile(0.99),
        p999: all.times.value_at_quantile(0.999),
        refused: all.refused,
        accepted: all.accepted,
        cpu: machine::cpu_seconds(std::process::id()) - cpu,
    })
}

impl Tally {
    fn new(last: Instant) -> Result<Self> {
        Ok(Self {
            times: Histogram::new(3)?,
            refused: BTreeMap::new(),
            accepted: 0,
            last,
        })
    }
}

async fn connection(shared: Rc<Shared>, mut stream: TcpStream) -> Result<Tally> {
    let mut tally = Tally::new(shared.counts_from)?;
    let mut request = shared.webhooks.buffer();
    let mut answer = Vec::with_capacity(4096);
    loop {
        let n = shared.next.get();
        if n >= shared.most || Instant::now() >= shared.ends {
            return Ok(tally);
        }
        shared.next.set(n + 1);
        shared.webhooks.write(&mut request, n);
        let sent = Instant::now();
        stream.write_all(&request).await?;
        let status = tokio::time::timeout(PATIENCE, read(&mut stream, &mut answer))
            .await
            .context("no answer")??;
        let now = Instant::now();
        if status == 200 {
            tally.accepted += 1;
            if sent >= shared.counts_from {
                tally.times.record(u64::try_from((now - sent).as_micros())?)?;
                tally.last = now;
            }
        } else {
            *tally.refused.entry(status).or_default() += 1;
        }
    }
}

/// Reads one answer and gives its status.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 || answer.len() > MAX_ANSWER {
            bail!("the server closed the connection");
        }
        if let Some((status, length)) = head(answer)
            && answer.len() >= length
        {
            return Ok(status);
        }
    }
}

/// The status, and the length of the whole answer, once its head is there.
fn head(answer: &[u8]) -> Option<(u16, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + 4 + length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn an_answer_is_whole_when_its_body_is_there() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Le"), None);
        assert_eq!(
            head(b"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nab"),
            Some((503, 43))
        );
    }
}
