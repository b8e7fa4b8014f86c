//! `puente reconcile`: the outboxes against the event stream. The comparison itself is `puente_outbox::reconcile`.

use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use puente_outbox::{Reconciled, Scope, Source, Step};
use puente_service::config::load;
use puente_service::{DatabaseConfig, db, nats};
use serde::Deserialize;
use serde_json::json;

use crate::cli::ReconcileArgs;
use crate::command::connections::{CLOSE, connect};
use crate::exit::{Done, Failed};
use crate::fleet::{self, Member};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui};

/// One after the other is enough: the comparison asks one thing at a time.
const CONNECTIONS: u32 = 2;
/// Large outboxes are walked by an index, but on a busy machine a page may take its time.
const STATEMENT_MS: u64 = 120_000;
/// How often the bar moves while nothing is told.
const TICK: Duration = Duration::from_millis(120);

#[derive(Deserialize)]
struct Keys {
    database: DatabaseConfig,
}

pub(crate) async fn run(args: ReconcileArgs, ui: &Ui) -> Done {
    let members = fleet::choose(&args.services)?;
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    let sources = members
        .iter()
        .map(|member| source(&process, &target, member))
        .collect::<Done<Vec<_>>>()?;
    let client = connect(target.nats()?).await?;
    let scope = Scope {
        dry_run: args.dry_run,
        ..Scope::default()
    };
    let bar = bar(ui, args.json);
    let compared = puente_outbox::reconcile(&sources, &client, scope, |step| show(&bar, step)).await;
    bar.finish_and_clear();
    let results = compared.context("the comparison ended early; it can be run again")?;
    if args.json {
        ui.line(&as_json(&results, args.dry_run).to_string());
    } else {
        table(&results, args.dry_run, ui);
    }
    nats::drain(&client, CLOSE).await;
    Ok(())
}

/// The service's outbox, with the database that the service itself is configured for.
fn source(process: &Process, target: &Target, member: &Member) -> Done<Source> {
    let sources = process
        .sources
        .clone()
        .with_overrides(target.overrides(process, member)?);
    let loaded = load::<Keys>(member.name, "", &sources).map_err(Failed::usage)?;
    let named = loaded
        .shown
        .iter()
        .any(|key| key.key == "database.url" && key.origin != "shared defaults");
    let mut config = loaded.service.database;
    if !named {
        config.url = target.database()?.clone();
    }
    config.max_connections = CONNECTIONS;
    config.statement_timeout_ms = STATEMENT_MS;
    let pool = db::pool(&config, member.name, uuid::Uuid::now_v7()).map_err(Failed::usage)?;
    Ok(Source {
        service: member.name,
        pool,
    })
}

fn bar(ui: &Ui, json: bool) -> ProgressBar {
    if !ui.moves() || json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn show(bar: &ProgressBar, step: Step) {
    match step {
        Step::Reading(read, all) => {
            bar.set_message("reading the stream");
            bar.set_length(all);
            bar.set_position(read);
        }
        Step::Comparing(service, rows) => {
            bar.set_message(format!("comparing {service}"));
            bar.set_length(bar.length().unwrap_or(0).max(rows));
            bar.set_position(rows);
        }
    }
}

fn as_json(results: &[Reconciled], dry_run: bool) -> serde_json::Value {
    let services: Vec<_> = results
        .iter()
        .map(|one| {
            json!({
                "service": one.service,
                "found": one.found,
                "missing": one.missing,
                "republished": one.republished,
            })
        })
        .collect();
    json!({ "dry_run": dry_run, "services": services })
}

fn table(results: &[Reconciled], dry_run: bool, ui: &Ui) {
    let rows: Vec<_> = results
        .iter()
        .map(|one| {
            vec![
                one.service.to_owned(),
                one.found.to_string(),
                one.missing.to_string(),
                one.republished.to_string(),
            ]
        })
        .collect();
    ui.table(&["service", "found", "missing", "republished"], &rows);
    let missing: u64 = results.iter().map(|one| one.missing).sum();
    let line = match (missing, dry_run) {
        (0, _) => ui.paint(Tone::Good, "the stream holds every event that it should"),
        (_, true) => ui.paint(
            Tone::Notice,
            "nothing was changed; without --dry-run they are published again",
        ),
        (_, false) => ui.paint(Tone::Good, "what was missing is in the stream again"),
    };
    ui.line(&line);
}
