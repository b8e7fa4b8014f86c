//! A run: load, blows, quiet, verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use puente_e2e::{DOCUSIGN, DOCUSIGN_ACCOUNT, Office, Stage, schemas};
use puente_providers::sim::FaultKind;
use puente_testkit::{TestDb, TestNats, tools};
use serde::Serialize;
use serde_json::Value;

use crate::desk::Desk;
use crate::fleet::{Died, Fleet};
use crate::ledger::Ledger;
use crate::load::{Load, SIGNING_TENANT};
use crate::quiet::quiet;
use crate::schedule::{Blow, Target, schedule};
use crate::verdict::{Verdict, judge};

/// Without progress for so long, the next blow falls anyway: a fleet that stands still is the judge's business.
const PROGRESS: Duration = Duration::from_secs(15);
/// How often progress and processes are looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The share of DocuSign's answers that never arrive.
const LOST_ANSWERS: f64 = 0.05;

/// A start that is worth a line: PostgreSQL replays its log, and makes sure of its whole folder first.
const SLOW: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// How many processes are killed.
    pub kills: usize,
    /// How many people write at the same time.
    pub people: usize,
    /// A folder of programs that are not built first.
    pub programs: Option<PathBuf>,
}

/// What happened.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The seed, to do it again.
    pub seed: u64,
    /// Processes killed.
    pub kills: usize,
    /// Whole seconds under load.
    pub seconds: u64,
    /// What `puente reconcile` found missing and published after the store was deleted, and at the end.
    pub reconciled: Vec<String>,
    /// Processes that ended without having been killed.
    pub died: Vec<Died>,
    /// The judgement.
    pub verdict: Verdict,
    /// Where logs are kept, if anything was wrong.
    pub logs: Option<PathBuf>,
}

impl Outcome {
    /// Whether every promise was kept: also that every `puente reconcile` ran, that the stream holds every event at the
    /// end, and that nobody ended but for want of a database.
    #[must_use]
    pub fn good(&self) -> bool {
        let missing: Option<Vec<u64>> = self.reconciled.iter().map(|printed| missing(printed)).collect();
        let whole = missing.is_some_and(|counts| counts.last() == Some(&0));
        self.verdict.good() && whole && self.died.iter().all(Died::may)
    }
}

/// How many events `puente reconcile --json` found missing, if it did its work.
fn missing(printed: &str) -> Option<u64> {
    let told: Value = serde_json::from_str(printed).ok()?;
    let services = told["services"].as_array()?;
    services.iter().map(|one| one["missing"].as_u64()).sum()
}

/// Does it; every line that a person may want to see goes to `tell`.
///
/// # Errors
/// When the stage cannot be set; what the fleet does wrong is no error but the verdict.
pub async fn run(plan: &Plan, tell: impl Fn(&str)) -> anyhow::Result<Outcome> {
    let built = plan.programs.clone().unwrap_or_else(puente_testkit::programs);
    let folder = tempfile::Builder::new().prefix("puente-chaos-").tempdir()?;
    let bin = tools().postgres()?;
    let schemas = schemas();
    let (db, nats) = tokio::join!(TestDb::durable(&schemas, &bin), TestNats::start());
    let mut stage = Stage::on(db, nats).await;
    let mut fleet = Fleet::start(&stage, &built, folder.path());
    stage.open_accounts(&fleet.url());
    stage.wait_until_connected(&fleet.url()).await;
    let desk = open_desk(&stage, &fleet).await;
    rough_reports(&stage);

    let ledger = Arc::new(Ledger::default());
    let load = Load::start(
        &stage.hub,
        stage.db.admin(),
        &fleet.url(),
        &desk,
        &ledger,
        plan.people,
        plan.seed,
    );
    let begin = Instant::now();
    let mut reconciled = Vec::new();
    let mut kills = 0;
    for blow in schedule(plan.seed, plan.kills) {
        progress(&mut fleet, &ledger, blow.after, blow.wait_ms).await;
        tell(&format!(
            "{:>7.1} s  {:>5} acknowledged  {blow}",
            begin.elapsed().as_secs_f64(),
            ledger.counts().acknowledged
        ));
        let slow = strike(&mut stage, &mut fleet, &blow).await;
        if slow > SLOW {
            tell(&format!("{:>27.1} s until it answered again", slow.as_secs_f64()));
        }
        kills += blow.targets.len();
        if blow.lose_store {
            reconciled.push(reconcile(&fleet, &[]).await);
        }
    }
    load.stop().await;
    let seconds = begin.elapsed().as_secs();
    tell("the load has stopped; waiting until nothing moves");
    let moving = quiet(&stage).await;
    reconciled.push(reconcile(&fleet, &["--dry-run"]).await);
    let mut verdict = judge(&stage, &ledger).await.context("the judge cannot read")?;
    verdict.stuck.extend(moving);
    fleet.tend(&[]);
    let died = std::mem::take(&mut fleet.died);
    let mut outcome = Outcome {
        seed: plan.seed,
        kills,
        seconds,
        reconciled,
        died,
        verdict,
        logs: None,
    };
    if !outcome.good() {
        outcome.logs = Some(folder.keep());
    }
    Ok(outcome)
}

/// A desk before the fleet, with its directory and an authorised DocuSign account.
pub(crate) async fn open_desk(stage: &Stage, fleet: &Fleet) -> Desk {
    let [orders, signature] = fleet.desk_urls();
    let office = Office::of(SIGNING_TENANT, &orders, &signature);
    office.open().await;
    office.authorise(DOCUSIGN).await;
    Desk::of(stage, office, SIGNING_TENANT, fleet.gateway_url()).await
}

/// One account reports everything twice and in reverse, another one twice: receipts are webhooks too. DocuSign's
/// signers sign by themselves, its reports of single signers are lost, and some answers never arrive.
pub(crate) fn rough_reports(stage: &Stage) {
    for (provider, account, reverse) in [
        ("whatsapp_cloud", puente_e2e::ALGESTA_NUMBER, true),
        ("jelou", puente_e2e::JELOU_BOT, false),
    ] {
        if let Some(account) = stage.hub.account(provider, account) {
            let mut account = (*account).clone();
            account.callbacks.duplicate = 1;
            account.callbacks.out_of_order = reverse;
            stage.hub.put_account(provider, account);
        }
    }
    if let Some(account) = stage.hub.account("docusign", DOCUSIGN_ACCOUNT) {
        let mut account = (*account).clone();
        let settings = [
            ("auto_sign_ms", "40"),
            // The vendor's own patience is for days; ours is for a run.
            ("connect_first_wait_ms", "200"),
            ("connect_attempts", "60"),
        ];
        for (name, value) in settings {
            account.settings.insert(name.to_owned(), value.to_owned());
        }
        account.callbacks.duplicate = 1;
        account.callbacks.drop.push("recipient-completed".to_owned());
        stage.hub.put_account("docusign", account);
    }
    for provider in ["asana", "docusign"] {
        let lost = FaultKind::CutAfter.with_probability(LOST_ANSWERS);
        stage.hub.fault(provider, lost);
    }
}

/// Waits for an instant: so many webhooks from now, and then so long.
pub(crate) async fn progress(fleet: &mut Fleet, ledger: &Ledger, after: u64, wait_ms: u64) {
    let wanted = ledger.counts().acknowledged + after;
    let begin = Instant::now();
    while ledger.counts().acknowledged < wanted && begin.elapsed() < PROGRESS {
        fleet.tend(&[]);
        tokio::time::sleep(LOOK).await;
    }
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
}

/// Kills, waits and starts again; returns how long the start took.
async fn strike(stage: &mut Stage, fleet: &mut Fleet, blow: &Blow) -> Duration {
    for target in &blow.targets {
        match target {
            Target::Broker => stage.nats.kill9().await,
            Target::Database => stage.db.kill9().await,
            service => fleet.kill9(*service).await,
        }
    }
    let back = Instant::now() + Duration::from_millis(blow.down_ms);
    while Instant::now() < back {
        fleet.tend(&blow.targets);
        tokio::time::sleep(LOOK).await;
    }
    let begin = Instant::now();
    for target in &blow.targets {
        match target {
            Target::Broker if blow.lose_store => stage.nats.start_again_empty().await,
            Target::Broker => stage.nats.start_again().await,
            Target::Database => stage.db.start_again().await,
            service => fleet.start_again(*service),
        }
    }
    begin.elapsed()
}

/// Runs `puente reconcile` as an operator would: again, if the fleet is not back yet.
async fn reconcile(fleet: &Fleet, more: &[&str]) -> String {
    let arguments = [&["reconcile", "--json"], more].concat();
    let mut last = String::new();
    for _ in 0..40 {
        match fleet.puente(&arguments).await {
            Ok(printed) => return printed.trim().to_owned(),
            Err(error) => last = error,
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::EXIT_UNAVAILABLE;

    fn outcome(reconciled: &[&str], died: Option<i32>) -> Outcome {
        let died = died.map(|status| Died {
            target: "orders/0".to_owned(),
            status: Some(status),
        });
        Outcome {
            seed: 1,
            kills: 1,
            seconds: 1,
            reconciled: reconciled.iter().map(|text| (*text).to_owned()).collect(),
            died: died.into_iter().collect(),
            verdict: Verdict::default(),
            logs: None,
        }
    }

    #[test]
    fn a_reconcile_that_fails_or_finds_something_at_the_end_and_a_death_of_ones_own_break_a_run() {
        let found = r#"{"dry_run":false,"services":[{"service":"orders","missing":3}]}"#;
        let whole = r#"{"dry_run":true,"services":[{"service":"orders","missing":0}]}"#;
        assert!(outcome(&[found, whole], None).good());
        assert!(outcome(&[found, whole], Some(EXIT_UNAVAILABLE)).good());
        assert!(!outcome(&[found, whole], Some(101)).good());
        assert!(!outcome(&[whole, found], None).good());
        assert!(!outcome(&["puente reconcile: exit status: 1", whole], None).good());
        assert!(!outcome(&[], None).good());
    }
}
