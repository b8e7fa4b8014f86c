//! How far a replay is, until it ends. The replay runs in ingress: whoever waits here may go.

use std::time::Duration;

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use puente_proto::ingress::{GetReplayRequest, Replay};
use serde_json::json;

use super::replay::figures;
use crate::answer;
use crate::ask::{Peer, is_away};
use crate::exit::{Done, Failed};
use crate::signals::Signals;
use crate::ui::{Tone, Ui, plain};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Looks in a row that may fail: ingress may be restarted meanwhile, and goes on with the replay.
const PATIENCE: u32 = 120;

/// Waits for its end, with a bar where something may move.
pub(super) async fn follow(
    ingress: &Peer,
    mut replay: Replay,
    json: bool,
    ui: &Ui,
    mut signals: Signals,
) -> Done {
    let bar = bar(ui, json, replay.total);
    let mut failed = 0;
    while replay.state == "running" {
        bar.set_position(replay.done.unwrap_or_default().deliveries);
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = signals.next() => {
                bar.finish_and_clear();
                return Err(goes_on(&replay.id));
            }
        }
        let question = GetReplayRequest {
            id: replay.id.clone(),
        };
        let answer = async { ingress.replays().get_replay(ingress.request(question)?).await };
        match answer.await {
            Ok(answer) => {
                failed = 0;
                replay = answer.into_inner().replay.unwrap_or_default();
            }
            Err(status) if is_away(&status) && failed < PATIENCE => failed += 1,
            Err(status) => {
                bar.finish_and_clear();
                goes_on(&replay.id).tell(ui);
                return Err(ingress.failed(&status));
            }
        }
    }
    bar.finish_and_clear();
    ended(&replay, json, ui)
}

fn goes_on(id: &str) -> Failed {
    Failed::from(anyhow!(
        "the replay goes on in the background. See it by `puente deliveries replay --follow {id}`, \
         stop it by `puente deliveries replay --cancel {id}`"
    ))
}

/// What it did, and whether it came to its end.
pub(super) fn ended(replay: &Replay, json: bool, ui: &Ui) -> Done {
    if json {
        let value = answer::value("puente.ingress.v1.Replay", replay)?;
        ui.line(&json!({ "replay": value }).to_string());
    } else {
        let tone = if replay.state == "done" {
            Tone::Good
        } else {
            Tone::Notice
        };
        ui.line(&format!(
            "replay {} {}",
            plain(&replay.id),
            ui.paint(tone, &plain(&replay.state))
        ));
        ui.table(&[], &figures(&replay.done.unwrap_or_default(), false));
    }
    match replay.state.as_str() {
        "failed" => Err(Failed::from(anyhow!(
            "the replay failed: {}",
            plain(&replay.error)
        ))),
        "cancelled" => Err(Failed::from(anyhow!(
            "the replay was cancelled; what it published stays published"
        ))),
        _ => Ok(()),
    }
}

fn bar(ui: &Ui, json: bool, total: u64) -> ProgressBar {
    if json || !ui.moves() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) =
        ProgressStyle::with_template("  {bar:32} {pos}/{len} deliveries, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}
