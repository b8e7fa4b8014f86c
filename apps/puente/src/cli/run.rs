//! The arguments of `puente run`.

use clap::Args;

use super::DirArg;

/// `puente run`
#[derive(Debug, Args)]
#[command(after_help = "\
Configuration: defaults, then puente.toml (or $PUENTE_CONFIG), then the environment. `puente config show` tells.
The schemas must be there: run `puente migrate` first. Stops on Ctrl-C or SIGTERM.

Examples:
  puente run                                 all services
  puente run ingress                         one of them
  puente run orders notifications            two in one process")]
pub(crate) struct RunArgs {
    /// Services to run; all, if none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
