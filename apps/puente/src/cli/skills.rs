//! The arguments of `puente skills`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `puente skills`
#[derive(Debug, Args)]
pub(crate) struct SkillsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: SkillsAction,
}

/// What can be done with skills.
#[derive(Debug, Subcommand)]
pub(crate) enum SkillsAction {
    /// Report every mistake in a folder of skill files.
    Check {
        /// The folder with the bot file and its skills.
        folder: PathBuf,
    },
}
