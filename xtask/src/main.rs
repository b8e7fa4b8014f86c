//! `cargo xtask`: dispatch only.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::{
    asyncapi, browser, buf, check_docs, check_layers, contract, deny, fuzz_api, gen_docs, new_provider,
    secrets, sqlx_prepare, test, tree,
};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Checks, generators and scaffolding of this repository"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Adds a provider: one new folder and one line
    NewProvider {
        /// Folder name and word in webhook URLs: a-z, 0-9 and `_`
        slug: String,
        /// What it can do
        #[arg(long, value_delimiter = ',', default_value = "message,webhook")]
        caps: Vec<String>,
    },
    /// Checks who may import whom
    CheckLayers,
    /// Checks the documents against the tree
    CheckDocs,
    /// Writes the generated documents
    GenDocs {
        /// Only say which are stale
        #[arg(long)]
        check: bool,
    },
    /// Writes .sqlx from a private database with all migrations
    SqlxPrepare {
        /// Only say whether it is stale
        #[arg(long)]
        check: bool,
    },
    /// Lints the protobuf files and compares them with the last release
    Buf {
        /// Take the present files as the new baseline, at a release
        #[arg(long)]
        release: bool,
    },
    /// Reads docs/asyncapi.json with the reference parser
    Asyncapi,
    /// Checks licences, bans and sources of all dependencies
    Deny,
    /// Looks for secrets in what git tracks
    Secrets,
    /// Builds everything and runs every test
    Test {
        /// For cargo-nextest, for instance a filter
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Looks at the console in a real browser
    Browser {
        /// For node, for instance `--test-name-pattern`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Asks the REST interface of the running fleet what its OpenAPI document allows, and what it does not
    FuzzApi {
        /// For schemathesis, for instance `--include-path /api/orders`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Checks recorded exchanges against the vendors' API descriptions, where those are at hand
    Contract,
}

#[expect(clippy::print_stderr, reason = "errors go where errors belong")]
fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let root = tree::root()?;
    match command {
        Command::NewProvider { slug, caps } => new_provider::run(&root, &slug, &caps),
        Command::CheckLayers => check_layers::run(&root),
        Command::CheckDocs => check_docs::run(&root),
        Command::GenDocs { check } => gen_docs::run(&root, check),
        Command::SqlxPrepare { check } => sqlx_prepare::run(&root, check),
        Command::Buf { release } => buf::run(&root, release),
        Command::Asyncapi => asyncapi::run(&root),
        Command::Deny => deny::run(&root),
        Command::Secrets => secrets::run(&root),
        Command::Test { more } => test::run(&root, &more),
        Command::Browser { more } => browser::run(&root, &more),
        Command::FuzzApi { more } => fuzz_api::run(&root, &more),
        Command::Contract => contract::run(&root),
    }
}
