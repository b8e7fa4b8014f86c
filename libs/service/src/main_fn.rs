//! The life of a process that is one service: configuration, telemetry, build, run, and an orderly end.
//!
//! The end: `/readyz` says no and a grace passes, so that no new work is sent; the runtime's token is
//! cancelled, and the service stops accepting, finishes what it began, closes broker and pools; spawned tasks
//! are awaited; telemetry is flushed last. A second signal ends the process at once.

use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::config::{ConfigError, Loaded, ShutdownConfig, Sources, load};
use crate::runtime::Runtime;
use crate::service::{RunError, Service, StartError, chain};

/// The service ended with an error.
const EXIT_FAILED: u8 = 1;
/// The command line is wrong.
const EXIT_USAGE: u8 = 2;
/// The service could not start (`EX_UNAVAILABLE`): worth another try.
const EXIT_UNAVAILABLE: u8 = 69;
/// The configuration is wrong (`EX_CONFIG`): trying again does not help.
const EXIT_CONFIG: u8 = 78;
/// A second signal cut the end short.
const EXIT_CUT: i32 = 130;

const USAGE: &str = "\
Options:
  --config FILE     read this file instead of $PUENTE_CONFIG or ./puente.toml
  --check-config    say whether the configuration is good, and end
  --print-config    print every key with its value and origin (secrets masked), and end
  --version         print the version, and end
  --help            print this, and end
";

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Run,
    CheckConfig,
    PrintConfig,
    Version,
    Help,
}

/// Runs one service as this process: the whole of its `main`.
#[must_use]
pub fn main<S: Service>() -> ExitCode {
    main_with::<S>(std::env::args().skip(1))
}

/// The same with a given command line, without the program's name.
#[must_use]
pub fn main_with<S: Service>(given: impl Iterator<Item = String>) -> ExitCode {
    let (command, file) = match arguments(given) {
        Ok(arguments) => arguments,
        Err(problem) => return finish(EXIT_USAGE, &format!("{problem}\n{USAGE}")),
    };
    match command {
        Command::Help => return say(&format!("puente-{}: a service of Puente\n\n{USAGE}", S::NAME)),
        Command::Version => return say(&format!("puente-{} {}\n", S::NAME, env!("CARGO_PKG_VERSION"))),
        Command::Run | Command::CheckConfig | Command::PrintConfig => {}
    }
    let loaded = match sources(file).and_then(|sources| load::<S::Config>(S::NAME, S::DEFAULTS, &sources)) {
        Ok(loaded) => loaded,
        Err(error) => return finish(EXIT_CONFIG, &error.to_string()),
    };
    match command {
        Command::CheckConfig => return say("the configuration is good\n"),
        Command::PrintConfig => {
            let lines: String = loaded.shown.iter().map(|shown| format!("{shown}\n")).collect();
            return say(&lines);
        }
        Command::Run | Command::Version | Command::Help => {}
    }
    start_crypto();
    let runtime = match crate::executor() {
        Ok(runtime) => runtime,
        Err(error) => return finish(EXIT_UNAVAILABLE, &format!("threads cannot be started: {error}")),
    };
    runtime.block_on(Box::pin(live::<S>(loaded)))
}

/// Chooses the TLS implementation of the process. Must come before the first client is built; may be repeated.
pub fn start_crypto() {
    // Fails only when it was chosen before, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn live<S: Service>(loaded: Loaded<S::Config>) -> ExitCode {
    let telemetry = match puente_telemetry::init(&loaded.telemetry) {
        Ok(telemetry) => telemetry,
        Err(error) => return finish(EXIT_CONFIG, &error.to_string()),
    };
    let ended = match (Signals::listen(), Admin::bind(&loaded.admin).await) {
        (Err(error), _) => Err(Ended::Start(StartError::other("signals cannot be caught", error))),
        (_, Err(error)) => Err(Ended::Start(error)),
        (Ok(signals), Ok(admin)) => {
            tracing::info!(service = S::NAME, address = %admin.address(), "health and metrics on {}", admin.address());
            let root = Runtime::new(S::NAME);
            let end = CancellationToken::new();
            #[expect(
                clippy::disallowed_methods,
                reason = "outlives the runtime's tasks, and ends by its own token"
            )]
            let served = tokio::spawn(admin.serve(root.clone(), end.clone()));
            let ended = Box::pin(run_until_told::<S>(
                loaded.service,
                &loaded.shutdown,
                &root,
                signals,
            ))
            .await;
            end.cancel();
            let _ = served.await;
            ended
        }
    };
    let code = match &ended {
        Ok(()) => {
            tracing::info!(service = S::NAME, "{} ended in order", S::NAME);
            ExitCode::SUCCESS
        }
        Err(Ended::Start(error)) => {
            tracing::error!(
                service = S::NAME,
                reason = chain(error),
                "{} did not start",
                S::NAME
            );
            ExitCode::from(if matches!(error, StartError::Config(_)) {
                EXIT_CONFIG
            } else {
                EXIT_UNAVAILABLE
            })
        }
        Err(Ended::Run(error)) => {
            tracing::error!(
                service = S::NAME,
                reason = chain(error),
                "{} ended with an error",
                S::NAME
            );
            ExitCode::from(EXIT_FAILED)
        }
    };
    telemetry.shutdown().await;
    code
}

enum Ended {
    Start(StartError),
    Run(RunError),
}

async fn run_until_told<S: Service>(
    config: S::Config,
    patience: &ShutdownConfig,
    root: &Runtime,
    mut signals: Signals,
) -> Result<(), Ended> {
    let service = tokio::select! {
        built = Box::pin(S::build(config, root.clone())) => match built {
            Ok(service) => service,
            Err(error) => {
                let _ = root.drain(patience.deadline()).await;
                return Err(Ended::Start(error));
            }
        },
        () = signals.next() => {
            let _ = root.drain(patience.deadline()).await;
            return Ok(());
        }
    };
    tracing::info!(service = S::NAME, replica = %root.replica, "{} is running", S::NAME);

    let mut running = Box::pin(service.run());
    let ended = tokio::select! {
        ended = &mut running => Some(ended),
        () = signals.next() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            tracing::info!(service = S::NAME, "told to stop; finishing what was begun");
            let second = async {
                signals.next().await;
                std::process::exit(EXIT_CUT)
            };
            tokio::select! {
                ended = stop(root, patience, &mut running) => ended,
                () = second => Ok(()),
            }
        }
    };
    let drained = root.drain(patience.deadline()).await;
    match root.failure() {
        Some(failure) => Err(Ended::Run(failure.into())),
        None => ended.and(drained.map_err(RunError::from)).map_err(Ended::Run),
    }
}

/// Readiness off, grace, token, and then the service's own end, within its deadline.
async fn stop<F>(root: &Runtime, patience: &ShutdownConfig, running: &mut F) -> Result<(), RunError>
where
    F: Future<Output = Result<(), RunError>> + Unpin,
{
    root.readiness.drain();
    tokio::select! {
        ended = &mut *running => return ended,
        () = tokio::time::sleep(patience.grace()) => {}
    }
    root.shutdown.cancel();
    let deadline: Duration = patience.deadline();
    match tokio::time::timeout(deadline, running).await {
        Ok(ended) => ended,
        Err(_) => Err(RunError::StillRunning(crate::runtime::StillRunning {
            waited: deadline,
            tasks: vec!["run"],
        })),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn sources(file: Option<PathBuf>) -> Result<Sources, ConfigError> {
    match file {
        // A named file wins over the variable, which must then not be read: it may name one that is gone.
        Some(path) => Sources::from_process_without_file().with_file(&path),
        None => Sources::from_process(),
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<(Command, Option<PathBuf>), String> {
    let (mut command, mut file) = (Command::Run, None);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--config" => file = Some(given.next().ok_or("--config needs a file")?.into()),
            "--check-config" => command = Command::CheckConfig,
            "--print-config" => command = Command::PrintConfig,
            "--version" | "-V" => command = Command::Version,
            "--help" | "-h" => command = Command::Help,
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok((command, file))
}

/// What the caller asked for goes to standard output.
fn say(text: &str) -> ExitCode {
    // A closed pipe is the reader's choice.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// What went wrong before there is a log goes to standard error.
fn finish(code: u8, text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[&str]) -> Result<(Command, Option<PathBuf>), String> {
        arguments(list.iter().map(|&text| text.to_owned()))
    }

    #[test]
    fn the_command_line_is_understood() {
        assert_eq!(given(&[]), Ok((Command::Run, None)));
        let file = Some(PathBuf::from("a.toml"));
        assert_eq!(
            given(&["--check-config", "--config", "a.toml"]),
            Ok((Command::CheckConfig, file))
        );
    }

    #[test]
    fn an_unknown_option_and_a_missing_file_are_refused() {
        assert!(given(&["--chek-config"]).is_err());
        assert!(given(&["--config"]).is_err());
    }
}
