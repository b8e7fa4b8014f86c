//! `puente up`: everything on this machine, kept running.

use crate::cli::UpArgs;
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::signals::Signals;
use crate::stage::{Plan, Stage};
use crate::target::Process;
use crate::tools::Tools;
use crate::ui::{Tone, Ui};

pub(crate) async fn run(args: UpArgs, ui: &Ui) -> Done {
    let process = Process::read()?;
    let mut signals = Signals::catch()?;
    let plan = Plan {
        home: Home::new(&args.dir.dir)?,
        tools: Tools::new(&args.dir.dir)?,
        simulate: args.simulate,
        listen: args.listen,
        log_on_terminal: args.log,
    };
    let raise = Box::pin(Stage::raise(plan, &process, ui));
    let mut stage = tokio::select! {
        stage = raise => stage?,
        () = signals.next() => return Ok(()),
    };
    show(&stage, ui);
    let trouble = tokio::select! {
        error = stage.trouble() => Some(error),
        () = signals.next() => None,
    };
    if trouble.is_none() {
        ui.line(&ui.paint(Tone::Dim, "\nfinishing what was begun; Ctrl-C again ends at once"));
    }
    let lowered = signals.unless_again(stage.lower()).await;
    match trouble {
        Some(error) => Err(Failed::from(error)),
        None => lowered,
    }
}

fn show(stage: &Stage, ui: &Ui) {
    let state = &stage.state;
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String| rows.push(vec![what.to_owned(), value]);
    for (name, about) in [
        ("console", "console and REST interface"),
        ("webhooks", "webhooks"),
        ("health", "health"),
        ("simulators", "simulated providers"),
    ] {
        if let Some(url) = state.endpoints.get(name) {
            row(about, url.clone());
        }
    }
    for (name, about) in [("postgres", "PostgreSQL"), ("nats", "nats-server")] {
        match state.servers.get(name) {
            Some(server) => row(
                about,
                format!("127.0.0.1:{} (process {})", server.port, server.pid),
            ),
            None => row(about, "yours, as configured".to_owned()),
        }
    }
    if let Some(log) = stage.log() {
        row("log", log.display().to_string());
    }
    if let Some(password) = &stage.console_password {
        for person in puente_gateway::accounts::DEMO {
            let whose = person.tenant.unwrap_or("the installation");
            row(
                &format!("log in for {whose}"),
                format!("{} · {}", person.email, password.expose()),
            );
        }
    }
    ui.heading("Puente is running. Ctrl-C stops it.");
    ui.table(&[], &rows);
    if let Some(webhooks) = state.endpoints.get("webhooks") {
        ui.line(&ui.paint(
            Tone::Dim,
            &format!("  A webhook goes to {webhooks}/webhooks/<provider>/<connection>."),
        ));
    }
}
