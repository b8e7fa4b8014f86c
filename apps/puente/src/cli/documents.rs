//! The arguments of `puente documents`.

use clap::{Args, Subcommand};

use super::DirArg;

/// `puente documents`
#[derive(Debug, Args)]
pub(crate) struct DocumentsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: DocumentsAction,
    /// JSON: one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// What can be done about files that were stored and never recorded.
#[derive(Debug, Subcommand)]
pub(crate) enum DocumentsAction {
    /// Files in the store that no service has recorded, the one found last first.
    #[command(after_help = "\
The gateway looks through every container once a day. A file younger than a day is left alone: it may still be recorded.

Examples:
  puente documents unrecorded
  puente documents unrecorded --tenant algesta --json")]
    Unrecorded {
        /// Only this tenant's.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Have the gateway look through every container now; it changes no file.
    #[command(after_help = "\
The gateway begins within a minute. May be asked for at any time, and again.

Examples:
  puente documents sweep && puente documents unrecorded")]
    Sweep,
    /// Have a file deleted that no service has recorded for a week.
    #[command(after_help = "\
A row in the audit trail says who did it, and why. All services are asked once more before the gateway deletes the file,
within a minute; what one of them has recorded meanwhile stays.

Examples:
  puente documents discard orders/t/algesta/2026/11/019469d2-0000-7000-8000-00000000000a.pdf --reason \"upload cut off\"")]
    Discard {
        /// Container and name, as `puente documents unrecorded` shows them.
        #[arg(value_name = "CONTAINER/NAME")]
        file: String,
        /// Only if it is this tenant's.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}
