//! The arguments of `puente connections`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DirArg;

/// `puente connections`
#[derive(Debug, Args)]
pub(crate) struct ConnectionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: ConnectionsAction,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// What can be done with connections.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionsAction {
    /// Seal the connections of a file and hand them to the services. Others stay as they are.
    #[command(after_help = "\
Example of a file:
  [[connection]]
  id = \"algesta-whatsapp\"
  tenant = \"algesta\"
  provider = \"whatsapp_cloud\"
  account = \"106540352242922\"
  secrets = { app_secret = { env = \"WHATSAPP_APP_SECRET\" }, access_token = { file = \"token.txt\" } }")]
    Apply {
        /// The file.
        file: PathBuf,
    },
    /// List them, without any secret.
    List,
    /// Remove one everywhere.
    Remove {
        /// Its id.
        id: String,
    },
}
