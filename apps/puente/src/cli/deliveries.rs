//! The arguments of `puente deliveries`.

use clap::{Args, Subcommand};

use super::AskArgs;
use crate::when::Moment;

/// `puente deliveries`
#[derive(Debug, Args)]
#[command(after_help = super::REMOTE)]
pub(crate) struct DeliveriesArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: DeliveriesAction,
}

/// What can be done with deliveries.
#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesAction {
    /// Webhooks as they were received, newest first.
    #[command(after_help = "\
Examples:
  puente deliveries list --outcome refused --outcome malformed --since 1d
  puente deliveries list --provider jelou --json --limit 500 | jq .id")]
    List {
        /// Which ones.
        #[command(flatten)]
        filter: FilterArgs,
        /// Only those of this trace: 32 hex digits.
        #[arg(long, value_name = "TRACE")]
        trace: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// One of them, with its headers and what was made of it.
    Show {
        /// Its id.
        id: String,
        /// Show the raw body, too: it holds personal data.
        #[arg(long)]
        body: bool,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Do deliveries again: same event ids, effects not repeated; tells first what would differ.
    Replay(Box<ReplayArgs>),
}

/// Which deliveries.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only of this provider.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) provider: Option<String>,
    /// Only by this connection.
    #[arg(long, value_name = "CONNECTION")]
    pub(crate) connection: Option<String>,
    /// Only with this outcome; may be repeated.
    #[arg(long = "outcome", value_name = "OUTCOME", value_parser = [
        "accepted", "duplicate", "ignored", "unroutable", "malformed", "refused",
    ])]
    pub(crate) outcomes: Vec<String>,
    /// Received at or after: `10m`, `2h`, `3d` ago, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    pub(crate) since: Option<Moment>,
    /// Received before.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    pub(crate) until: Option<Moment>,
}

/// `puente deliveries replay`
#[derive(Debug, Args)]
#[command(after_help = "\
Deliveries are translated anew and compared with what was published then; the comparison is shown first. Events go out
again as they were, under the ids they had, so that whoever handled one does not handle it twice, and no provider is
called twice. What today's adapters make in addition is new, and is published as new.

Ctrl-C leaves the replay running.

Examples:
  puente deliveries replay --since 1h --dry-run
  puente deliveries replay --provider jelou --since 2h --until 1h --reason \"adapter mended\"
  puente deliveries replay --follow ID          how far it is
  puente deliveries replay --cancel ID          stops it; what was published stays published")]
pub(crate) struct ReplayArgs {
    /// Which ones; --since is needed.
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Only tell what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Why; is kept with the replay.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Wait for a replay that runs.
    #[arg(long, value_name = "ID", conflicts_with_all = [
        "cancel", "provider", "connection", "outcomes", "since", "until", "dry_run", "reason", "yes",
    ])]
    pub(crate) follow: Option<String>,
    /// Stop a replay that runs.
    #[arg(long, value_name = "ID", conflicts_with_all = [
        "provider", "connection", "outcomes", "since", "until", "dry_run", "reason", "yes",
    ])]
    pub(crate) cancel: Option<String>,
    /// Whose, and how.
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
