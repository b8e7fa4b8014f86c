//! A run with power cuts: all processes at once, several times, under load.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use puente_e2e::{Stage, schemas};
use puente_testkit::{TestDb, TestNats, tools};
use serde::Serialize;

use super::shim::Shim;
use super::undo::Dropped;
use super::{Safety, cut};
use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::quiet::quiet;
use crate::run::{open_desk, progress, rough_reports};
use crate::schedule::Target;
use crate::verdict::{Verdict, judge};

/// The sequence of throws that the cuts are made of.
const STREAM: u64 = 1 << 40;

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides when the power goes, and what becomes of the broker's store.
    pub seed: u64,
    /// How often it goes.
    pub cuts: usize,
    /// How many people write at the same time.
    pub people: usize,
    /// How PostgreSQL is run.
    pub safety: Safety,
    /// A folder of programs that are not built first.
    pub programs: Option<PathBuf>,
}

/// One cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// Messages acknowledged until then.
    pub acknowledged: u64,
    /// What PostgreSQL had written and not synced.
    pub dropped: Dropped,
    /// Whether the broker's store was deleted; otherwise it was thrown back.
    pub store_deleted: bool,
    /// Acknowledged messages that no delivery holds, looked up before any service ran again.
    pub missing: Vec<String>,
}

/// What happened.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The seed, to do it again.
    pub seed: u64,
    /// How PostgreSQL was run.
    pub safety: Safety,
    /// The cuts.
    pub cuts: Vec<Cut>,
    /// The judgement at the end; none of the control, which has nothing left to prove.
    pub verdict: Option<Verdict>,
    /// Where logs are kept, if anything was wrong.
    pub logs: Option<PathBuf>,
}

impl Outcome {
    /// Acknowledged messages that were gone after a cut.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.cuts.iter().map(|cut| cut.missing.len()).sum()
    }

    /// Whether every promise was kept.
    #[must_use]
    pub fn good(&self) -> bool {
        self.missing() == 0 && self.verdict.as_ref().is_none_or(Verdict::good)
    }
}

/// Does it; every line that a person may want to see goes to `tell`.
///
/// # Errors
/// When the stage cannot be set; what the fleet does wrong is no error but the outcome.
pub async fn run(plan: &Plan, tell: impl Fn(&str)) -> anyhow::Result<Outcome> {
    let built = plan.programs.clone().unwrap_or_else(puente_testkit::programs);
    let folder = tempfile::Builder::new().prefix("puente-power-").tempdir()?;
    let shim = Shim::build(&folder.path().join("shim"), &tools().postgres()?, plan.safety)?;
    let picture = folder.path().join("picture");
    let schemas = schemas();
    let (db, nats) = tokio::join!(TestDb::durable(&schemas, &shim.bin), TestNats::start());
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
    let mut dice = Dice::of(plan.seed, STREAM);
    let mut cuts = Vec::new();
    for _ in 0..plan.cuts {
        let (before, after, wait_ms) = (5 + dice.below(15), 3 + dice.below(10), dice.below(100));
        let store_deleted = dice.chance(40);
        progress(&mut fleet, &ledger, before, 0).await;
        cut::picture(&stage, &picture).await?;
        progress(&mut fleet, &ledger, after, wait_ms).await;
        let mut cut = power_off(&mut stage, &mut fleet, &shim, &ledger).await?;
        cut.store_deleted = store_deleted;
        if store_deleted {
            stage.nats.start_again_empty().await;
        } else {
            cut::throw_back(&stage, &picture)?;
            stage.nats.start_again().await;
        }
        stage.db.start_again().await;
        cut.missing = missing(&stage, &ledger).await?;
        tell(&format!(
            "{:>7.1} s  {:>5} acknowledged  power cut: {} unsynced changes in {} files dropped, broker's store {}; {} missing",
            begin.elapsed().as_secs_f64(),
            cut.acknowledged,
            cut.dropped.changes,
            cut.dropped.files,
            if store_deleted { "deleted" } else { "thrown back" },
            cut.missing.len()
        ));
        cuts.push(cut);
        for target in Target::all() {
            if target.service().is_some() {
                fleet.start_again(target);
            }
        }
    }
    load.stop().await;
    let verdict = match plan.safety {
        Safety::AsShipped => {
            tell("the load has stopped; waiting until nothing moves");
            let moving = quiet(&stage).await;
            let mut verdict = judge(&stage, &ledger).await.context("the judge cannot read")?;
            verdict.stuck.extend(moving);
            Some(verdict)
        }
        Safety::CommitsUnsynced => None,
    };
    let mut outcome = Outcome {
        seed: plan.seed,
        safety: plan.safety,
        cuts,
        verdict,
        logs: None,
    };
    if !outcome.good() && plan.safety == Safety::AsShipped {
        outcome.logs = Some(folder.keep());
    }
    Ok(outcome)
}

/// Everything at once. What reaches a client afterwards was on its way already.
async fn power_off(
    stage: &mut Stage,
    fleet: &mut Fleet,
    shim: &Shim,
    ledger: &Ledger,
) -> anyhow::Result<Cut> {
    let dropped = cut::database(stage, shim).await?;
    stage.nats.kill9().await;
    for target in Target::all() {
        fleet.kill9(target).await;
    }
    // An answer that was sent before the cut may still be on its way to the person.
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(Cut {
        acknowledged: ledger.counts().acknowledged,
        dropped,
        store_deleted: false,
        missing: Vec::new(),
    })
}

/// The acknowledged messages that stand in no stored delivery.
async fn missing(stage: &Stage, ledger: &Ledger) -> anyhow::Result<Vec<String>> {
    let bodies: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT body FROM ingress.deliveries WHERE verification = 'verified'")
            .fetch_all(&stage.db.admin())
            .await
            .context("the deliveries cannot be read after the cut")?;
    let mut stored = HashSet::new();
    for (body,) in bodies {
        let text = String::from_utf8_lossy(&body).into_owned();
        for rest in text.split("wamid.").skip(1) {
            let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
            stored.insert(format!("wamid.{id}"));
        }
    }
    let gone = ledger
        .messages()
        .into_iter()
        .filter(|message| !stored.contains(&message.id));
    Ok(gone.map(|message| message.id).collect())
}
