//! The arguments of `puente reconcile`.

use clap::Args;

use super::DirArg;

/// `puente reconcile`
#[derive(Debug, Args)]
#[command(after_help = "\
Compares the outboxes with the event stream and publishes what the stream lost, with the same ids. May be run while
the fleet runs, and again. A broker with a new disk is filled by the services themselves; this is for a stream that
lost a part: messages that were deleted, a disk that was thrown back.

Examples:
  puente reconcile --dry-run                 count what is missing, change nothing
  puente reconcile                           publish it again
  puente reconcile orders --json             one service, for a program")]
pub(crate) struct ReconcileArgs {
    /// Services to compare; all, if none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Only count.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
