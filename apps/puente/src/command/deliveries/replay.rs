//! `puente deliveries replay`: first what would differ, then a question, then the replay and its progress.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::anyhow;
use puente_proto::ingress::{
    CancelReplayRequest, DeliveryFilter, GetReplayRequest, PlanReplayRequest, PlanReplayResponse,
    ReplayCounts, StartReplayRequest,
};
use puente_types::{Clock as _, SystemClock};
use serde_json::json;
use uuid::Uuid;

use super::progress;
use crate::answer;
use crate::ask::{Fleet, Peer};
use crate::cli::ReplayArgs;
use crate::exit::{Done, Failed};
use crate::signals::Signals;
use crate::ui::{Ui, plain};

pub(super) async fn run(args: ReplayArgs, ui: &Ui) -> Done {
    let fleet = Fleet::find(&args.ask)?;
    let ingress = fleet.peer("ingress")?;
    let json = args.ask.json;
    if let Some(id) = args.follow {
        let question = GetReplayRequest { id };
        let answer = async { ingress.replays().get_replay(ingress.request(question)?).await };
        let found = answer
            .await
            .map_err(|status| ingress.failed(&status))?
            .into_inner();
        return progress::follow(
            ingress,
            found.replay.unwrap_or_default(),
            json,
            ui,
            Signals::catch()?,
        )
        .await;
    }
    if let Some(id) = args.cancel {
        let question = CancelReplayRequest { id };
        let answer = async { ingress.replays().cancel_replay(ingress.request(question)?).await };
        let stopped = answer
            .await
            .map_err(|status| ingress.failed(&status))?
            .into_inner();
        return progress::ended(&stopped.replay.unwrap_or_default(), json, ui);
    }
    if args.filter.since.is_none() {
        return Err(Failed::usage(anyhow!(
            "say --since when: `1h`, or a time like 2026-01-31T08:00:00Z"
        )));
    }
    if !args.dry_run && args.reason.is_none() {
        return Err(Failed::usage(anyhow!(
            "say why: --reason \"…\" is kept with the replay (or only look: --dry-run)"
        )));
    }
    let now = SystemClock.now();
    let mut filter = super::wanted(args.filter, now);
    // What is planned is what is done, also when more comes in meanwhile.
    filter.until.get_or_insert_with(|| puente_proto::timestamp(now));

    let plan = plan(ingress, filter.clone(), json, ui).await?;
    let deliveries = plan.counts.unwrap_or_default().deliveries;
    if args.dry_run || deliveries == 0 {
        return Ok(());
    }
    if !args.yes && !agreed(deliveries, ui)? {
        ui.note("nothing was done");
        return Ok(());
    }
    // From here on a signal leaves the replay to itself and says so.
    let signals = Signals::catch()?;
    let question = StartReplayRequest {
        filter: Some(filter),
        reason: args.reason.unwrap_or_default(),
        idempotency_key: Uuid::now_v7().to_string(),
    };
    let answer = async { ingress.replays().start_replay(ingress.request(question)?).await };
    let started = answer
        .await
        .map_err(|status| ingress.failed(&status))?
        .into_inner();
    progress::follow(ingress, started.replay.unwrap_or_default(), json, ui, signals).await
}

async fn plan(ingress: &Peer, filter: DeliveryFilter, json: bool, ui: &Ui) -> Done<PlanReplayResponse> {
    let question = PlanReplayRequest { filter: Some(filter) };
    let answer = async { ingress.replays().plan_replay(ingress.request(question)?).await };
    let plan = answer
        .await
        .map_err(|status| ingress.failed(&status))?
        .into_inner();
    if json {
        let value = answer::value("puente.ingress.v1.PlanReplayResponse", &plan)?;
        ui.line(&json!({ "plan": value }).to_string());
        return Ok(plan);
    }
    let counts = plan.counts.unwrap_or_default();
    if counts.deliveries == 0 {
        ui.line("no such deliveries: nothing to replay");
        return Ok(plan);
    }
    ui.table(&[], &figures(&counts, true));
    if plan.sampled {
        ui.note("all deliveries are counted, but only some were translated: the other figures are of those");
    }
    if !plan.differences.is_empty() {
        ui.heading("First differences");
        let rows: Vec<_> = plan
            .differences
            .iter()
            .map(|difference| {
                let event = match difference.event_id.as_str() {
                    "" => "new".to_owned(),
                    id => id.to_owned(),
                };
                vec![
                    plain(&difference.delivery_id),
                    plain(&event),
                    plain(&difference.r#type),
                    plain(&difference.fields.join(", ")),
                ]
            })
            .collect();
        ui.table(&["delivery", "event", "type", "fields that differ"], &rows);
    }
    Ok(plan)
}

/// The counts with what they mean; `planned` for what would be done.
pub(super) fn figures(counts: &ReplayCounts, planned: bool) -> Vec<Vec<String>> {
    let row = |count: u64, about: &str| vec![count.to_string(), about.to_owned()];
    let different = if planned {
        "events that come out other today; they go out as they were then"
    } else {
        "events that came out other today; they went out as they were then"
    };
    vec![
        row(counts.deliveries, "deliveries"),
        row(counts.same, "events exactly as then, under the same ids"),
        row(counts.different, different),
        row(
            counts.fresh,
            "events that were not made then, under ids of their own",
        ),
        row(
            counts.skipped,
            "deliveries that are left out: not verified, or not readable",
        ),
    ]
}

/// Asks a person; a script says `--yes`.
fn agreed(deliveries: u64, ui: &Ui) -> Done<bool> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err(Failed::usage(anyhow!(
            "nobody is here to be asked: say --yes, or --dry-run"
        )));
    }
    ui.line(&format!("Replay {deliveries} deliveries? Write `yes`:"));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "yes" | "y" | "sí" | "si"))
}
