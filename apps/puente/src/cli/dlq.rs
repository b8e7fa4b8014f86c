//! The arguments of `puente dlq`.

use clap::{Args, Subcommand};

use super::AskArgs;

/// `puente dlq`
#[derive(Debug, Args)]
#[command(after_help = super::REMOTE)]
pub(crate) struct DlqArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: DlqAction,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DlqAction {
    /// Events that could not be handled, of all services, newest first.
    #[command(after_help = "\
Examples:
  puente dlq list
  puente dlq list --all --type puente.messaging.v1.MessageReceived --json")]
    List {
        /// Also those that were retried or closed.
        #[arg(long)]
        all: bool,
        /// Only of this event type, by its full protobuf name.
        #[arg(long = "type", value_name = "NAME")]
        kind: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// One of them, with its payload.
    Show {
        /// Which one.
        #[command(flatten)]
        letter: LetterArgs,
        /// Show personal data.
        #[arg(long)]
        reveal: bool,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Handle the event again from the start.
    Retry {
        /// Which one.
        #[command(flatten)]
        letter: LetterArgs,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Leave the event unhandled for good.
    Close {
        /// Which one.
        #[command(flatten)]
        letter: LetterArgs,
        /// Why; is kept with it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
}

/// Which dead letter.
#[derive(Debug, Args)]
pub(crate) struct LetterArgs {
    /// The event's id.
    #[arg(value_name = "EVENT_ID")]
    pub(crate) event_id: String,
    /// The consumer that gave up; needed when several did.
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer: Option<String>,
}
