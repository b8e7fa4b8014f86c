//! The arguments of `puente up`.

use std::net::SocketAddr;

use clap::Args;

use super::DirArg;

/// `puente up`
#[derive(Debug, Args)]
#[command(after_help = "\
Database and broker are private child processes on free ports, unless DATABASE_URL or NATS_URL name others.
Data is kept in the folder between runs. Ctrl-C stops everything in order; a second one at once.

Examples:
  puente up                                  the fleet, for real connections
  puente up --simulate                       with simulated providers and demo connections
  puente up --listen 0.0.0.0:9000 --log      webhooks on another port, log lines on the terminal
  DATABASE_URL=postgres://… puente up        with your own database")]
pub(crate) struct UpArgs {
    /// Serve simulated providers too, with demo connections to them.
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Where webhooks are received [default: 127.0.0.1:8080, or a free port].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Write log lines to the terminal instead of puente.log in the folder.
    #[arg(long)]
    pub(crate) log: bool,
    /// Folder of the embedded default.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
