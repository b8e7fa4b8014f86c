//! `make bench`: figures of the fleet that anybody can repeat, as ratios of one run.
//!
//! One process directs and prints; it raises the servers and the simulators. The fleet, the bare handler and the load
//! generator are children of the same program, so that the processor time of each can be told apart. The bench only
//! uses what services offer to everybody: configuration, HTTP, gRPC, the tables.
//!
//! Must never do: run with other settings of the servers than those we ship, or write figures of a debug build down.
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod child;
mod machine;
mod measure;
mod plan;
mod report;
mod stage;
mod webhooks;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::plan::{Part, Plan};
use crate::report::Report;
use crate::stage::Stage;

/// The document that a full run of a release build writes.
const DOCUMENT: &str = "docs/benchmarks.md";
/// From here on the document is that of tests/ocr-eval.
const OCR_MARK: &str = "<!-- ocr-eval -->";

/// Measures the fleet on this machine.
#[derive(Parser)]
#[command(name = "bench")]
struct Cli {
    /// About a minute for everything; nothing is written.
    #[arg(long)]
    quick: bool,
    /// A few seconds for everything: whether the bench itself works. The figures mean nothing.
    #[arg(long, conflicts_with = "quick")]
    smoke: bool,
    /// Only these parts: accept, e2e, memory, replay, relay, consume, stored; or hot.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Where the servers keep their data. Must be on a disk, not in memory.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write the document here instead of docs/benchmarks.md.
    #[arg(long)]
    write: Option<PathBuf>,
    #[command(subcommand)]
    child: Option<Child>,
}

/// What the program is as a child of itself.
#[derive(Subcommand)]
#[command(hide = true)]
enum Child {
    /// Any services in one process.
    Fleet,
    /// An HTTP server that only answers.
    Bare,
    /// The load generator.
    Load,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    puente_service::start_crypto();
    match cli.child {
        // As many threads as the programs take; the yardstick gets all there are.
        Some(Child::Fleet) => puente_service::executor()?.block_on(child::fleet::run()),
        Some(Child::Bare) => runtime()?.block_on(child::bare::run()),
        Some(Child::Load) => child::load::run(),
        None => runtime()?.block_on(direct(cli)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")
}

async fn direct(cli: Cli) -> Result<()> {
    let plan = match (cli.quick, cli.smoke) {
        (true, _) => Plan::quick(),
        (_, true) => Plan::smoke(),
        _ => Plan::full(),
    };
    let whole = cli.only.is_empty();
    let full = !cli.quick && !cli.smoke;
    let document = cli.write.or_else(|| (full && whole).then(|| DOCUMENT.into()));
    if document.is_some() && full && cfg!(debug_assertions) {
        bail!("figures of a debug build are not written down: use cargo run --release");
    }
    let parts = if whole { Part::ALL.to_vec() } else { cli.only };
    let mut report = Report::new(machine::describe());
    let mut stage = Stage::raise(cli.dir.as_deref()).await?;
    report
        .machine
        .push(("Servers".to_owned(), stage.versions().await?));
    for part in parts {
        eprint_step(part);
        let sections = match part {
            Part::Accept => measure::accept::run(&stage, &plan).await,
            Part::Hot => measure::accept::hot(&stage, &plan).await,
            Part::E2e => measure::journey::run(&stage, &plan).await,
            Part::Memory => measure::memory::run(&stage, &plan).await,
            Part::Replay => measure::replay::run(&stage, &plan).await,
            Part::Relay => measure::relay::run(&stage, &plan).await,
            Part::Consume => measure::consume::run(&stage, &plan).await,
            Part::Stored => measure::stored::run(&stage, &plan).await,
        };
        let section = sections.with_context(|| format!("while measuring {part:?}"))?;
        println!("{}", section.text());
        report.sections.push(section);
    }
    stage.stop().await;
    println!("{}", report.verdicts());
    if let Some(path) = document {
        // What `make ocr-eval` wrote behind its mark is not ours.
        let former = std::fs::read_to_string(&path).unwrap_or_default();
        let theirs = former.find(OCR_MARK).and_then(|at| former.get(at..));
        let kept = theirs.map(|text| format!("\n{text}")).unwrap_or_default();
        std::fs::write(&path, report.document() + &kept)
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("written to {}", path.display());
    }
    Ok(())
}

fn eprint_step(part: Part) {
    println!("— {} …", part.title());
}
