//! The arguments of `puente vault`.

use clap::{Args, Subcommand};

use super::DirArg;

/// `puente vault`
#[derive(Debug, Args)]
pub(crate) struct VaultArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: VaultAction,
    /// JSON: one object.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// What can be done with what is sealed.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultAction {
    /// Under which master key everything is sealed, where OAuth grants stand, and which secrets end soon.
    #[command(after_help = "\
A former master key may be dropped when nothing is sealed under it any more.

Examples:
  puente vault status
  puente vault status --json | jq '.sealed[] | select(.current | not)'")]
    Status {
        /// Services to look at; all, if none is named.
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Seal everything under the first master key, while services run. Interrupted, it is simply started again.
    #[command(after_help = "\
Every service must know the new key before: put it second everywhere, then first (docs/how-to/rotate-a-secret.md).

Examples:
  puente vault reseal                        after a change of the master key
  puente vault reseal --data-keys            new data keys for every tenant, under the same master key
  puente vault reseal signature --json       one service besides the bucket, for a program")]
    Reseal {
        /// Services whose tables are sealed anew; all, if none is named. The bucket is, in any case.
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// All of it, so that every tenant gets new data keys.
        #[arg(long)]
        data_keys: bool,
    },
}
