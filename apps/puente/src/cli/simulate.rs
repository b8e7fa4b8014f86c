//! The arguments of `puente simulate`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `puente simulate`
#[derive(Debug, Args)]
#[command(after_help = "\
Each provider answers under its own name, as the vendor does: same paths, same credentials, same errors.
Credentials and webhook addresses come from the connections file.

Examples:
  puente simulate
  puente simulate --listen 127.0.0.1:4010 --connections connections.toml --webhooks http://127.0.0.1:8080")]
pub(crate) struct SimulateArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    pub(crate) listen: SocketAddr,
    /// Connections whose credentials are accepted [default: the demo's].
    #[arg(long, value_name = "FILE")]
    pub(crate) connections: Option<PathBuf>,
    /// Where ingress receives webhooks.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) webhooks: String,
}
