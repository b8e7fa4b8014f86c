//! The arguments of `puente demo`.

use clap::Args;

use super::DirArg;

/// `puente demo`
#[derive(Debug, Args)]
#[command(after_help = "\
Fetches what is missing, starts the fleet with simulated providers, sends real-shaped webhooks over HTTP, and
shows every hop. Ends with a table and with 1 if anything was lost, doubled or let through.

Examples:
  puente demo                                the journey at a pace to read along
  puente demo --fast                         as quick as it goes
  puente demo --load 200                     then 200 more conversations at once, with figures")]
pub(crate) struct DemoArgs {
    /// Do not pause between the client's messages.
    #[arg(long)]
    pub(crate) fast: bool,
    /// After the story, so many more conversations at once.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=5_000))]
    pub(crate) load: u32,
    /// Folder of the embedded default; the demo keeps its data in `demo/` inside.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
