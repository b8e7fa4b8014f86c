//! The arguments of `puente ocr`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::AskArgs;

/// `puente ocr`
#[derive(Debug, Args)]
#[command(after_help = super::REMOTE)]
pub(crate) struct OcrArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: OcrAction,
}

/// What can be done with photographs of serial plates.
#[derive(Debug, Subcommand)]
pub(crate) enum OcrAction {
    /// Captures of a tenant, newest first.
    #[command(after_help = "\
Examples:
  puente ocr list --tenant algesta --state PorConfirmar --state Ilegible
  puente ocr list --tenant algesta --serial AC-7F3K-20911 --json")]
    List {
        /// Only those in this state; may be repeated.
        #[arg(long = "state", value_name = "STATE")]
        states: Vec<String>,
        /// Only those with this serial; letters and digits alone are compared.
        #[arg(long, value_name = "SERIAL")]
        serial: Option<String>,
        /// Only those of this order, by id.
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// How often what was read was right, as people judged it.
    #[command(after_help = "\
Examples:
  puente ocr accuracy --tenant algesta --days 90")]
    Accuracy {
        /// The days counted, up to now.
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: u32,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// The labelled set into a folder: photographs, and a `manifest.json` that `make ocr-eval` reads.
    #[command(after_help = "\
Photographs come from the store of the ocr service's configuration, or from the folder in which `puente up` runs; each is
compared with the hash that was recorded.

Examples:
  puente ocr export plates --tenant algesta
  puente ocr export mistakes --tenant algesta --mistaken --limit 500 && make ocr-eval DIR=mistakes")]
    Export {
        /// Where to: a folder that has no `manifest.json` yet.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Only those that were read wrongly or not at all.
        #[arg(long)]
        mistaken: bool,
        /// Also those whose serial nobody but the program has said.
        #[arg(long)]
        unjudged: bool,
        /// At most so many, the oldest first.
        #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
}
