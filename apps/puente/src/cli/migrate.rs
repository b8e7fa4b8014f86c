//! The arguments of `puente migrate`.

use clap::Args;

use super::DirArg;

/// `puente migrate`
#[derive(Debug, Args)]
#[command(after_help = "\
DATABASE_URL must be a login that may make roles and schemas. May be repeated, and by several at once.

Examples:
  DATABASE_URL=postgres://admin@db/puente puente migrate
  puente migrate orders")]
pub(crate) struct MigrateArgs {
    /// Services to migrate; all, if none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
