//! `puente vault status|reseal`: what is sealed under which master key, and sealing it anew while services run.
//!
//! The work itself is `puente_vault::reseal`; here it gets its servers, its bar and its words.

mod report;

use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use puente_service::nats;
use puente_types::{Clock as _, SystemClock};
use puente_vault::reseal::{self, Progress, Which};
use puente_vault::{MasterKeys, oauth, publish};

use crate::cli::{VaultAction, VaultArgs};
use crate::command::connections::{CLOSE, connect};
use crate::exit::{Done, Failed};
use crate::fleet::{self, Member};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::Ui;

use report::{Resealed, Status};

/// How often the bar moves while nothing is told.
const TICK: Duration = Duration::from_millis(120);

/// Where the bucket is counted in.
const BROKER: &str = "(broker)";

/// What both actions work with.
struct Work {
    members: Vec<&'static Member>,
    process: Process,
    target: Target,
    masters: MasterKeys,
    client: async_nats::Client,
}

pub(crate) async fn run(args: VaultArgs, ui: &Ui) -> Done {
    let (VaultAction::Status { services } | VaultAction::Reseal { services, .. }) = &args.action;
    let members = fleet::choose(services)?;
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    target.database()?;
    let masters = target.master_keys(&process)?;
    let client = connect(target.nats()?).await?;
    let work = Work {
        members,
        process,
        target,
        masters,
        client,
    };
    match args.action {
        VaultAction::Status { .. } => status(&work).await?.show(args.json, ui),
        VaultAction::Reseal { data_keys, .. } => {
            let which = if data_keys { Which::All } else { Which::Former };
            let resealed = reseal(&work, which, ui, args.json).await?;
            resealed.show(args.json, ui);
            nats::drain(&work.client, CLOSE).await;
            return resealed.complete().map_err(|left| Failed::from(anyhow!(left)));
        }
    }
    nats::drain(&work.client, CLOSE).await;
    Ok(())
}

async fn status(work: &Work) -> Done<Status> {
    let mut status = Status::new(work.masters.current_id().await.context("the master key")?);
    let counted = reseal::bucket_census(&work.client, &work.masters).await?;
    status.sealed.extend(counted.into_iter().map(|one| (BROKER, one)));
    let now = SystemClock.now();
    for listed in publish::list(&work.client).await? {
        let ends = puente_vault::expiry::ends(&listed.settings, now);
        status
            .expiring
            .extend(ends.into_iter().map(|end| (listed.id.clone(), end)));
    }
    for member in &work.members {
        let pool = work.target.pool(&work.process, member.name)?;
        let counted = reseal::census(&pool, &work.masters)
            .await
            .with_context(|| of(member))?;
        status
            .sealed
            .extend(counted.into_iter().map(|one| (member.name, one)));
        let grants = oauth::grants(&pool).await.with_context(|| of(member))?;
        status
            .grants
            .extend(grants.into_iter().map(|one| (member.name, one)));
    }
    Ok(status)
}

async fn reseal(work: &Work, which: Which, ui: &Ui, json: bool) -> Done<Resealed> {
    let bar = bar(ui, json);
    let mut done = Resealed::default();
    let mut tell = |progress| show(&bar, BROKER, progress);
    let report = reseal::in_bucket(&work.client, &work.masters, which, &mut tell).await?;
    done.reports.push((BROKER, report));
    for member in &work.members {
        let pool = work.target.pool(&work.process, member.name)?;
        let mut tell = |progress| show(&bar, member.name, progress);
        let reports = reseal::tables(&pool, &work.masters, which, &mut tell)
            .await
            .with_context(|| of(member))?;
        done.reports
            .extend(reports.into_iter().map(|one| (member.name, one)));
    }
    bar.finish_and_clear();
    Ok(done)
}

fn of(member: &Member) -> String {
    format!(
        "the tables of {} (`puente migrate {}` makes them)",
        member.name, member.name
    )
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

fn show(bar: &ProgressBar, service: &str, progress: Progress) {
    bar.set_message(format!("{service}: {}", progress.place.as_str()));
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}
