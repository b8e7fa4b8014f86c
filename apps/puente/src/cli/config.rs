//! The arguments of `puente config`.

use clap::{Args, Subcommand};

use super::DirArg;

/// `puente config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
    /// Folder of the embedded default: what runs there counts as configuration.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Report every mistake at once.
    Check {
        /// Services to look at; all, if none is named.
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Print every key with its value and origin; secrets are masked.
    Show {
        /// Services to look at; all, if none is named.
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
}
