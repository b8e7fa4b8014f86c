//! `puente`: the fleet in one process, and the tool that people use around it.
//!
//! This file reads the command line and hands over; what a command does is in the file of its name.

mod answer;
mod ask;
mod cli;
mod command;
mod consent;
mod database;
mod demo;
mod events;
mod exit;
mod fleet;
mod home;
mod logs;
mod servers;
mod signals;
mod simulators;
mod stage;
mod target;
mod tools;
mod ui;
mod when;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::{Done, Failed};
use ui::Ui;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::detect(cli.plain);
    puente_service::start_crypto();
    let done = puente_service::executor()
        .map_err(Failed::from)
        .and_then(|runtime| {
            let done = runtime.block_on(Box::pin(dispatch(cli.command, &ui)));
            // A download that was interrupted must not keep the process.
            runtime.shutdown_background();
            done
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.report(&ui),
    }
}

async fn dispatch(command: Command, ui: &Ui) -> Done {
    match command {
        Command::Config(args) => command::config::run(&args, ui),
        Command::Connections(args) => command::connections::run(args, ui).await,
        Command::Deliveries(args) => Box::pin(command::deliveries::run(args, ui)).await,
        Command::Demo(args) => Box::pin(command::demo::run(args, ui)).await,
        Command::Dlq(args) => Box::pin(command::dlq::run(args, ui)).await,
        Command::Documents(args) => command::documents::run(args, ui).await,
        Command::Effects(args) => Box::pin(command::effects::run(args, ui)).await,
        Command::Events(args) => command::events::run(*args, ui).await,
        Command::Keys(args) => command::keys::run(args, ui).await,
        Command::Migrate(args) => command::migrate::run(&args, ui).await,
        Command::Ocr(args) => Box::pin(command::ocr::run(args, ui)).await,
        Command::Reconcile(args) => command::reconcile::run(args, ui).await,
        Command::Run(args) => Box::pin(command::run::run(args, ui)).await,
        Command::Simulate(args) => command::simulate::run(args, ui).await,
        Command::Skills(args) => command::skills::run(&args, ui),
        Command::Tools(args) => command::tools::run(&args, ui),
        Command::Up(args) => Box::pin(command::up::run(args, ui)).await,
        Command::Vault(args) => Box::pin(command::vault::run(args, ui)).await,
    }
}
