//! The command line as types; the arguments of a command are in the file of its name.

mod ask;
mod config;
mod connections;
mod deliveries;
mod demo;
mod dlq;
mod documents;
mod effects;
mod events;
mod keys;
mod migrate;
mod ocr;
mod reconcile;
mod run;
mod simulate;
mod skills;
mod tools;
mod up;
mod vault;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use ask::AskArgs;
pub(crate) use config::{ConfigAction, ConfigArgs};
pub(crate) use connections::{ConnectionsAction, ConnectionsArgs};
pub(crate) use deliveries::{DeliveriesAction, DeliveriesArgs, FilterArgs, ReplayArgs};
pub(crate) use demo::DemoArgs;
pub(crate) use dlq::{DlqAction, DlqArgs, LetterArgs};
pub(crate) use documents::{DocumentsAction, DocumentsArgs};
pub(crate) use effects::{EffectsAction, EffectsArgs, ResolveArgs};
pub(crate) use events::{CatalogArgs, EventsAction, EventsArgs, TailArgs};
pub(crate) use keys::{KeysAction, KeysArgs};
pub(crate) use migrate::MigrateArgs;
pub(crate) use ocr::{OcrAction, OcrArgs};
pub(crate) use reconcile::ReconcileArgs;
pub(crate) use run::RunArgs;
pub(crate) use simulate::SimulateArgs;
pub(crate) use skills::{SkillsAction, SkillsArgs};
pub(crate) use tools::ToolsArgs;
pub(crate) use up::UpArgs;
pub(crate) use vault::{VaultAction, VaultArgs};

/// The last lines of the general help: what a script needs to know.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something failed
  2  the command line, the configuration or a given file is wrong
  3  a program that is needed is missing or too old

Start with `puente demo`. Every command has examples in its own --help.";

/// Of the commands that ask services.
const REMOTE: &str = "\
Services are asked where `puente up` of this folder runs them; or at PUENTE_INGRESS_GRPC, PUENTE_NOTIFICATIONS_GRPC,
PUENTE_OCR_GRPC, PUENTE_ORDERS_GRPC, PUENTE_SIGNATURE_GRPC and PUENTE_SYNC_GRPC (http://HOST:PORT) with their key in
PUENTE_RPC_KEY or PUENTE_RPC_KEY_FILE.

JSON has the names of the proto files (proto/puente/*/v1); as everywhere in protobuf's JSON, 64-bit numbers are strings.";

/// Puente: webhooks in, orders and messages out, each exactly once.
#[derive(Debug, Parser)]
#[command(name = "puente", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// No colour, and nothing that moves.
    #[arg(long, global = true)]
    pub(crate) plain: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the configuration, or show every key with its origin.
    Config(ConfigArgs),
    /// Put tenants' connections to providers in place, list or remove them.
    Connections(ConnectionsArgs),
    /// Look at webhooks as they were received, and do them again.
    Deliveries(DeliveriesArgs),
    /// Play the whole journey on this machine, with simulated providers.
    Demo(DemoArgs),
    /// Events that could not be handled: look, retry, close.
    Dlq(DlqArgs),
    /// Files that were stored and never recorded: look, and have them deleted.
    Documents(DocumentsArgs),
    /// Calls to providers: look, and decide about those in doubt.
    Effects(EffectsArgs),
    /// Read events as they happen, and what events there are.
    Events(Box<EventsArgs>),
    /// API keys of programs: make, list, revoke.
    Keys(KeysArgs),
    /// Bring the database to the state that this version needs.
    Migrate(MigrateArgs),
    /// Photographs of serial plates: what was read, how well, and the labelled set.
    Ocr(OcrArgs),
    /// Compare the outboxes with the event stream, and publish again what it lost.
    Reconcile(ReconcileArgs),
    /// Run services against the database and broker of the configuration.
    Run(RunArgs),
    /// Serve the simulators of all providers, and nothing else.
    Simulate(SimulateArgs),
    /// Check skill files: the conversations that people can have.
    Skills(SkillsArgs),
    /// Fetch the pinned nats-server and PostgreSQL, unless they are there.
    Tools(ToolsArgs),
    /// Start database, broker and all services on this machine, and keep them running.
    Up(UpArgs),
    /// What is sealed under which master key, and sealing it anew.
    Vault(VaultArgs),
}

/// Where everything of the embedded default lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct DirArg {
    /// Folder of the embedded default: programs, data, state.
    #[arg(long, default_value = ".puente", value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
}
