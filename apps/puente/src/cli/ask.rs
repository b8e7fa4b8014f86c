//! What all commands that ask services share.

use clap::Args;

use super::DirArg;

/// Whose data, in which form, and from which fleet.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// Only this tenant's [default: the whole installation].
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// JSON: one object a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
