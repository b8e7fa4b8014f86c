//! The end of a run as people read it.

use std::fmt::{Display, Write as _};
use std::path::Path;

use crate::power;
use crate::run::Outcome;
use crate::verdict::Verdict;

/// As many single cases of one kind as fit a screen.
const SHOWN: usize = 20;

/// The table of a run with kills, and what is wrong in it.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let mut text = row(
        "kills",
        outcome.kills as u64,
        &format!("in {} s", outcome.seconds),
    );
    text += &table(&outcome.verdict);
    text += &row(
        "ended by themselves",
        outcome.died.len() as u64,
        "processes, started again",
    );
    text += &cases("ended by itself", &outcome.died);
    text += &cases("reconcile", &outcome.reconciled);
    text + &end(outcome.good(), outcome.seed, outcome.logs.as_deref())
}

/// The table of a run with power cuts.
#[must_use]
pub fn render_cuts(outcome: &power::run::Outcome) -> String {
    let changes: u64 = outcome.cuts.iter().map(|cut| cut.dropped.changes).sum();
    let mut text = row(
        "power cuts",
        outcome.cuts.len() as u64,
        &format!("{changes} unsynced changes dropped"),
    );
    text += &row(
        "missing after a cut",
        outcome.missing() as u64,
        "acknowledged webhooks",
    );
    if let Some(verdict) = &outcome.verdict {
        text += &table(verdict);
    }
    text + &end(outcome.good(), outcome.seed, outcome.logs.as_deref())
}

fn row(what: &str, count: u64, detail: &str) -> String {
    format!("  {what:<24} {count:>7}  {detail}").trim_end().to_owned() + "\n"
}

fn table(verdict: &Verdict) -> String {
    let load = &verdict.load;
    let reached = verdict.parked.iter().filter(|call| call.reached).count();
    let again = format!("and {} of them again", load.repeated);
    let silent = format!("and {} without an answer, all delivered again", load.unanswered);
    let in_doubt = format!("{reached} of them reached the phone, once");
    let mut text = row("webhooks acknowledged", load.acknowledged, &again);
    text += &row("webhooks refused", load.refused, &silent);
    text += &row("orders opened", verdict.orders, "");
    text += &row("messages at providers", verdict.at_providers, "");
    text += &row("contracts sent", load.contracts, "");
    text += &row("envelopes at DocuSign", verdict.envelopes, "");
    text += &row("tasks at Asana", verdict.tasks, "");
    text += &row("parked", verdict.parked.len() as u64, &in_doubt);
    text += &row("lost", verdict.lost.len() as u64, "");
    text += &row("doubled", verdict.doubled.len() as u64, "");
    text += &row("stuck", verdict.stuck.len() as u64, "");
    text += &row("dead letters", verdict.dead.len() as u64, "");
    for call in &verdict.parked {
        let fate = if call.reached {
            "reached the phone"
        } else {
            "never arrived"
        };
        let _ = writeln!(
            text,
            "  parked: {} {} {}, {fate}",
            call.provider, call.operation, call.reference
        );
    }
    text += &cases("lost", &verdict.lost);
    text += &cases("doubled", &verdict.doubled);
    text += &cases("stuck", &verdict.stuck);
    text + &cases("dead", &verdict.dead)
}

fn cases(what: &str, cases: &[impl Display]) -> String {
    let mut text = String::new();
    for case in cases.iter().take(SHOWN) {
        let _ = writeln!(text, "  {what}: {case}");
    }
    if cases.len() > SHOWN {
        let _ = writeln!(text, "  {what}: and {} more", cases.len() - SHOWN);
    }
    text
}

fn end(good: bool, seed: u64, logs: Option<&Path>) -> String {
    let mut text = String::new();
    if let Some(logs) = logs {
        let _ = writeln!(text, "  logs: {}", logs.display());
    }
    let word = if good { "held" } else { "BROKEN" };
    text + &format!("  the promises {word}. seed {seed}")
}
