//! `puente demo`: raises the stage in a folder of its own, plays, and lowers it.

use std::time::Duration;

use anyhow::anyhow;
use puente_service::NatsConfig;

use crate::cli::DemoArgs;
use crate::demo::{self, Pace};
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::signals::Signals;
use crate::stage::{Plan, Stage};
use crate::target::Process;
use crate::tools::Tools;
use crate::ui::{Tone, Ui};

/// As long as it takes to read the line before.
const TYPING: Duration = Duration::from_millis(900);

pub(crate) async fn run(args: DemoArgs, ui: &Ui) -> Done {
    let process = Process::read()?;
    let mut signals = Signals::catch()?;
    let plan = Plan {
        home: Home::new(&args.dir.dir.join("demo"))?,
        tools: Tools::new(&args.dir.dir)?,
        simulate: true,
        listen: Some(crate::stage::any()),
        log_on_terminal: false,
    };
    ui.heading("Puente: a WhatsApp message becomes an order and a signed contract, each exactly once.");
    let mut stage = tokio::select! {
        stage = Box::pin(Stage::raise(plan, &process, ui)) => stage?,
        () = signals.next() => return Ok(()),
    };
    let broker = process
        .nats
        .clone()
        .unwrap_or_else(|| NatsConfig::at(stage.state.nats_url.clone()));
    let log = stage
        .log()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    let pace = Pace {
        typing: if args.fast { Duration::ZERO } else { TYPING },
        load: args.load,
        desktop: ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| process.variable(name).is_some_and(|value| !value.is_empty())),
    };
    let played = tokio::select! {
        played = Box::pin(demo::play(&stage, &broker, pace, ui)) => played,
        () = signals.next() => Err(Failed::from(anyhow!("stopped before the end"))),
    };
    // Whatever ended the play, a service that died is the better reason.
    let trouble = tokio::time::timeout(Duration::ZERO, stage.trouble()).await.ok();
    let lowered = signals.unless_again(stage.lower()).await;
    ui.line(&ui.paint(
        Tone::Dim,
        &format!("  log: {log}    keep it running: make up, or puente up --simulate"),
    ));
    match trouble {
        Some(error) => Err(Failed::from(error)),
        None => played.and(lowered),
    }
}
