//! The arguments of `puente events`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DirArg;
use crate::when::Moment;

/// `puente events`
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: EventsAction,
}

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsAction {
    /// Print events as they happen, or from any time that the broker remembers.
    Tail(TailArgs),
    /// Every event that there is, or the fields of some.
    Catalog(CatalogArgs),
}

/// `puente events tail`
#[derive(Debug, Args)]
#[command(after_help = "\
A SUBJECT is `orders`, `orders.order` or `orders.order.opened`, with `*` for any word; or the whole subject. Only
reads, by a consumer that the broker forgets seconds after the end. Survives a restart of the broker.

Personal data (phone numbers, names, addresses, texts of messages, ids that hold one of them) is masked, because
terminals are shared, recorded and pasted into tickets. --reveal shows it.

Examples:
  puente events tail                                        everything from now on
  puente events tail orders --since 2h --tenant algesta     one tenant's orders of the last two hours, then new ones
  puente events tail orders.order.opened --json | jq .data  for programs: one JSON object a line
  puente events tail --from-seq 1 --no-follow               all that is kept, then end
  puente events tail --nats-url nats://broker:4222 --creds team.creds")]
pub(crate) struct TailArgs {
    /// Which events; all, if none is named.
    #[arg(value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// Begin with what was published at this time: `10m`, `2h`, `3d` ago, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, conflicts_with = "from_seq")]
    pub(crate) since: Option<Moment>,
    /// Begin with this number of the stream.
    #[arg(long, value_name = "N")]
    pub(crate) from_seq: Option<u64>,
    /// End after what is there now, instead of waiting for more.
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// End after so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Only this type, by its protobuf name, short or full; may be repeated.
    #[arg(long = "type", value_name = "NAME")]
    pub(crate) types: Vec<String>,
    /// Only this tenant's.
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show personal data.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// The broker [default: that of the configuration (NATS_URL), or of `puente up` in this folder].
    #[arg(long, value_name = "URL")]
    pub(crate) nats_url: Option<String>,
    /// File with the user's credentials (JWT and seed). A user and password may also stand in the URL.
    #[arg(long, value_name = "FILE")]
    pub(crate) creds: Option<PathBuf>,
    /// Where the broker answers [default: `_INBOX.<user>` for a user of the URL, else `_INBOX`].
    #[arg(long, value_name = "PREFIX", env = "PUENTE_NATS_INBOX")]
    pub(crate) inbox: Option<String>,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// `puente events catalog`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  puente events catalog                       every event with its meaning
  puente events catalog orders.order.opened   its fields, too
  puente events catalog --json                all with fields, one JSON object a line
  puente events catalog --descriptors events.binpb")]
pub(crate) struct CatalogArgs {
    /// Only these, with their fields.
    #[arg(value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the schema of every event into this file instead: a protobuf descriptor set, for clients of any language.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "json"])]
    pub(crate) descriptors: Option<PathBuf>,
}
