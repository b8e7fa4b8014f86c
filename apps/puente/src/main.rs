//! `puente`: the fleet in one process, and the tool that people use around it.
//!
//! This file reads the command line and hands over; what a command does is in the file of its name.

mod cli;
mod command;
mod exit;
mod tools;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = ui::Ui::detect(cli.plain);
    let done = match cli.command {
        Command::Tools(args) => command::tools::run(&args, &ui),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.report(&ui),
    }
}
