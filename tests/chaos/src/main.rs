//! `chaos`: see `docs/chaos.md`, or `make chaos N=200`.
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use puente_chaos::power::{self, Safety, shim};
use puente_chaos::report::{render, render_cuts};
use puente_chaos::run::{Plan, run};
use puente_chaos::schedule::schedule;

/// Kills the fleet's processes under load and judges what is left.
#[derive(Parser)]
#[command(
    name = "chaos",
    after_help = "Ends with 1 if anything was lost, doubled, stuck or given up."
)]
struct Arguments {
    /// How many processes are killed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    kills: u32,
    /// Does an earlier run again: its schedule comes from the seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// How many people write at the same time.
    #[arg(long, default_value_t = 8)]
    people: usize,
    /// Cuts the power this many times instead: everything at once, with what was not synced dropped.
    #[arg(long, value_name = "CUTS", num_args = 0..=1, default_missing_value = "5")]
    power_loss: Option<usize>,
    /// With --power-loss: the control, with commits that are confirmed before they are on disk. It must lose some.
    #[arg(long, requires = "power_loss")]
    commits_unsynced: bool,
    /// Only print the schedule.
    #[arg(long)]
    print: bool,
    /// One JSON object at the end instead of lines and a table.
    #[arg(long)]
    json: bool,
    /// A folder with programs built before, instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(seed_of_now);
    if arguments.print {
        println!("seed {seed}");
        for blow in schedule(seed, arguments.kills as usize) {
            println!("  {blow}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let quiet = arguments.json;
    let tell = |line: &str| {
        if !quiet {
            println!("{line}");
        }
    };
    tell(&format!("seed {seed}"));
    if let Some(cuts) = arguments.power_loss {
        if let Some(reason) = shim::missing() {
            anyhow::bail!("{reason}");
        }
        let plan = power::run::Plan {
            seed,
            cuts,
            people: arguments.people,
            safety: if arguments.commits_unsynced {
                Safety::CommitsUnsynced
            } else {
                Safety::AsShipped
            },
            programs: arguments.programs,
        };
        let outcome = power::run::run(&plan, tell).await?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&outcome)?);
        } else {
            println!("{}", render_cuts(&outcome));
        }
        return Ok(code(outcome.good()));
    }
    let plan = Plan {
        seed,
        kills: arguments.kills as usize,
        people: arguments.people,
        programs: arguments.programs,
    };
    let outcome = run(&plan, tell).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        println!("{}", render(&outcome));
    }
    Ok(code(outcome.good()))
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Any number will do; it is printed.
fn seed_of_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_micros() as u64 % 1_000_000
}
