//! The arguments of `puente keys`.

use clap::{ArgGroup, Args, Subcommand};

use super::DirArg;

/// `puente keys`
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: KeysAction,
    /// JSON: one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make a key for a program, and show it this once.
    #[command(group = ArgGroup::new("whose").required(true), after_help = "\
The key is shown once and kept as a hash. A program sends it as `Authorization: Bearer pk_…` to /api.

Examples:
  puente keys create \"ERP of Algesta\" --tenant algesta --role agent
  puente keys create monitoring --installation --role viewer --days 90 --per-minute 60")]
    Create {
        /// What it is for.
        name: String,
        /// Whose data it may reach.
        #[arg(long, value_name = "TENANT", group = "whose")]
        tenant: Option<String>,
        /// It may reach every tenant's data.
        #[arg(long, group = "whose")]
        installation: bool,
        /// What it may do.
        #[arg(long, value_name = "ROLE", value_parser = [
            "admin", "agent", "technician", "finance", "operator", "viewer",
        ])]
        role: String,
        /// Requests a minute that it allows.
        #[arg(long, value_name = "N", default_value_t = 600)]
        per_minute: u32,
        /// It ends after so many days [default: when it is revoked].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: Option<u16>,
    },
    /// All keys, newest first, without their secrets.
    List {
        /// Only this tenant's.
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// End a key now.
    Revoke {
        /// Its id, or the part between `pk_` and the next `_`.
        key: String,
    },
}
