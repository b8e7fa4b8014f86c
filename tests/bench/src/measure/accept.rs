//! Accepted webhooks per second: ours against a handler that only answers, against a commit for each row, and against
//! commits that wait for no disk. Then ours for a long time, with the relay at work.

mod sustained;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::child::Child;
use crate::child::bare::Listening;
use crate::child::load::Outcome;
use crate::measure::accept::sustained::Sustained;
use crate::measure::{Counter, Target, load, median, noise};
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::{Room, Stage, execute, until};

/// The connections of the table.
const CONNECTIONS: [usize; 3] = [1, 32, 256];
/// What the rival with a commit for each row gets: enough commits at a time for PostgreSQL to bundle their fsyncs.
const ROW_WRITERS: i64 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    Ours,
    Row,
    Lazy,
    Bare,
}

impl Front {
    /// In the order of their turns: Puente beside the two that it is held against.
    const ALL: [Self; 4] = [Self::Row, Self::Ours, Self::Bare, Self::Lazy];

    fn title(self) -> &'static str {
        match self {
            Self::Ours => "Puente: verified, fsynced in group commits, answered",
            Self::Row => "the same, one request per commit (32 writers)",
            Self::Lazy => "the same as Puente, `synchronous_commit = off`",
            Self::Bare => "bare handler: reads the body, answers",
        }
    }

    /// More than it can take, so that webhooks never run out.
    fn at_most(self) -> u64 {
        if self == Self::Bare { 1_000 } else { 60_000 }
    }
}

struct Running {
    front: Front,
    child: Child,
    address: SocketAddr,
}

struct Cell {
    front: Front,
    connections: usize,
    outcomes: Vec<Outcome>,
}

impl Cell {
    fn rates(&self) -> Vec<f64> {
        self.outcomes.iter().map(|outcome| outcome.per_second).collect()
    }

    fn middle(&self, of: impl Fn(&Outcome) -> u64) -> f64 {
        median(self.outcomes.iter().map(|outcome| of(outcome) as f64))
    }
}

/// Everything.
pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    table(stage, plan, &Front::ALL, &CONNECTIONS).await
}

/// Only what is looked at while the hot path is worked on: ours and the bare handler, with many connections.
pub(crate) async fn hot(stage: &Stage, plan: &Plan) -> Result<Section> {
    table(stage, plan, &[Front::Ours, Front::Bare], &[256]).await
}

async fn table(stage: &Stage, plan: &Plan, which: &[Front], numbers: &[usize]) -> Result<Section> {
    let room = stage.room("accept").await?;
    stage.connect(&room, "http://127.0.0.1:9").await?;
    let mut fronts = Vec::new();
    for front in which.iter().copied() {
        fronts.push(start(stage, &room, front).await?);
    }
    let mut generator = stage.child("load")?;
    let mut counter = Counter::new();
    let mut cells: Vec<Cell> = Vec::new();
    let mut commits = Vec::new();
    for connections in numbers.iter().copied() {
        let first = cells.len();
        cells.extend(which.iter().copied().map(|front| Cell {
            front,
            connections,
            outcomes: Vec::new(),
        }));
        for _ in 0..plan.rounds {
            if connections == 1 {
                commits.push(lone_commit(&room, plan.cell).await?);
            }
            for (running, cell) in fronts.iter().zip(cells.iter_mut().skip(first)) {
                let target = Target {
                    address: running.address,
                    connections,
                    duration: plan.cell,
                    at_most: running.front.at_most(),
                    again: running.front == Front::Bare,
                };
                cell.outcomes
                    .push(load(&mut generator, &mut counter, plan, target).await?);
            }
        }
    }
    let sustained = sustained::run(stage, &room, &fronts, &mut generator, &mut counter, plan).await?;
    for running in fronts {
        running.child.stop().await?;
    }
    generator.stop().await?;
    room.leave(stage).await?;
    Ok(section(&cells, &commits, &sustained))
}

async fn start(stage: &Stage, room: &Room, front: Front) -> Result<Running> {
    if front == Front::Bare {
        let mut child = stage.child("bare")?;
        let listening: Listening = child.ask(&json!({})).await?;
        return Ok(Running {
            front,
            child,
            address: listening.address,
        });
    }
    let mut order = stage.order(room, &["ingress"]);
    if front == Front::Lazy {
        order.database = room.lazy_url();
    }
    if let (Front::Row, Some(keys)) = (front, order.keys.get_mut("ingress")) {
        keys.insert("batch".to_owned(), 1.into());
        keys.insert("writers".to_owned(), ROW_WRITERS.into());
        keys.insert("database.max_connections".to_owned(), (ROW_WRITERS + 4).into());
    }
    let (child, running) = stage.fleet(&order).await?;
    let address = running.ingress.context("ingress has no address")?;
    knows_connection(address).await?;
    Ok(Running {
        front,
        child,
        address,
    })
}

/// Waits until ingress has heard of the connection.
pub(crate) async fn knows_connection(address: SocketAddr) -> Result<()> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    until("ingress to know its connection", async || {
        let about: serde_json::Value = http
            .get(format!("http://{address}/"))
            .send()
            .await?
            .json()
            .await?;
        let integrations = about.get("integrations").and_then(|list| list.as_array());
        let counts = integrations
            .into_iter()
            .flatten()
            .filter_map(|one| one.get("connections")?.as_u64());
        Ok(counts.sum::<u64>() > 0)
    })
    .await
}

/// The median time of a commit of one row of a kilobyte by one client, in microseconds: what no design can undercut.
async fn lone_commit(room: &Room, duration: Duration) -> Result<f64> {
    execute(
        &room.admin,
        "CREATE TABLE IF NOT EXISTS public.lone (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea)".to_owned(),
    )
    .await?;
    let mut connection = room.admin.acquire().await?;
    let body = vec![7_u8; 1024];
    let mut times = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < duration {
        let one = Instant::now();
        sqlx::query("INSERT INTO public.lone (body) VALUES ($1)")
            .bind(&body)
            .execute(&mut *connection)
            .await?;
        times.push(one.elapsed().as_micros() as f64);
    }
    Ok(median(times))
}

fn section(cells: &[Cell], commits: &[f64], sustained: &Sustained) -> Section {
    let mut section = Section::new(
        "Accepted webhooks",
        "Verified webhooks of the WhatsApp Cloud API of about 1 KB, each with an id and a signature of its own. A webhook \
         counts when its 200 has arrived; by then delivery, duplicate key and outbox row are on disk. All four stand \
         behind the same HTTP server and take turns. Only ingress runs, with its relay.",
        &[
            "connections",
            "what",
            "per second",
            "± %",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "Puente ÷ this",
        ],
    );
    let find = |front: Front, connections: usize| {
        let mut fitting = cells.iter();
        fitting.find(|cell| cell.front == front && cell.connections == connections)
    };
    // Neighbours of one round are compared: what else the machine does moves both.
    let ratio = |to: Front, connections: usize| {
        let ours = find(Front::Ours, connections).into_iter().flat_map(Cell::rates);
        let theirs = find(to, connections).into_iter().flat_map(Cell::rates);
        median(ours.zip(theirs).map(|(ours, theirs)| ours / theirs))
    };
    for cell in cells {
        let rates = cell.rates();
        let middle = median(rates.iter().copied());
        section.row([
            cell.connections.to_string(),
            cell.front.title().to_owned(),
            format!("{middle:.0}"),
            format!("{:.0}", noise(&rates)),
            millis(cell.middle(|outcome| outcome.p50)),
            millis(cell.middle(|outcome| outcome.p99)),
            millis(cell.middle(|outcome| outcome.p999)),
            format!("{:.2}", ratio(cell.front, cell.connections)),
        ]);
    }
    sustained.tell(&mut section);
    section.verdict(Verdict::at_least(
        "÷ bare handler, 256 connections",
        ratio(Front::Bare, 256),
        0.2,
        "",
        false,
    ));
    if commits.is_empty() {
        return section;
    }
    let ours = find(Front::Ours, 1);
    // Each round has a commit of its own: the disk is not the same from one to the next.
    let rounds = ours.iter().flat_map(|cell| &cell.outcomes).zip(commits);
    let above = median(rounds.map(|(outcome, commit)| (outcome.p50 as f64 - commit) / 1000.0));
    section.note(format!(
        "A commit of one row by one client takes {} ms (median).",
        millis(median(commits.iter().copied()))
    ));
    section.verdict(Verdict::at_least(
        "÷ one request per commit, 256 connections",
        ratio(Front::Row, 256),
        2.5,
        "",
        false,
    ));
    section.verdict(Verdict::at_most(
        "one connection: p50 above a lone commit",
        above,
        2.0,
        "ms",
        true,
    ));
    section
}

fn millis(micros: f64) -> String {
    format!("{:.2}", micros / 1000.0)
}
