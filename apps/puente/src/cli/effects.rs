//! The arguments of `puente effects`.

use clap::{ArgGroup, Args, Subcommand};

use super::AskArgs;

/// `puente effects`
#[derive(Debug, Args)]
#[command(after_help = super::REMOTE)]
pub(crate) struct EffectsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: EffectsAction,
}

/// What can be done with calls to providers.
#[derive(Debug, Subcommand)]
pub(crate) enum EffectsAction {
    /// Calls to providers that change something there, of all services, newest first.
    #[command(after_help = "\
Examples:
  puente effects list --state unknown        what waits for a decision
  puente effects list --subject 0198… --json")]
    List {
        /// Only in this state; may be repeated.
        #[arg(long = "state", value_name = "STATE", value_parser = [
            "due", "calling", "unknown", "done", "failed", "closed",
        ])]
        states: Vec<String>,
        /// Only to this provider.
        #[arg(long, value_name = "PROVIDER")]
        provider: Option<String>,
        /// Only of this aggregate.
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// One of them, with its payload masked.
    Show {
        /// Its id.
        id: String,
        /// Whose, and how.
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Decide about a call whose outcome nobody knows.
    Resolve(ResolveArgs),
}

/// `puente effects resolve`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("decision").required(true), after_help = "\
Look at the provider first: nobody but a person can know.

Examples:
  puente effects resolve ID --confirm --reason \"the message is in the provider's log\"
  puente effects resolve ID --repeat --reason \"the provider never saw it\"")]
pub(crate) struct ResolveArgs {
    /// Its id.
    pub(crate) id: String,
    /// It did not happen: call again.
    #[arg(long, group = "decision")]
    pub(crate) repeat: bool,
    /// It did happen: count it as done.
    #[arg(long, group = "decision")]
    pub(crate) confirm: bool,
    /// It is not wanted any more: leave it.
    #[arg(long, group = "decision")]
    pub(crate) close: bool,
    /// Why; is kept with it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Whose, and how.
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}
