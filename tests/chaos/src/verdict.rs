//! What was acknowledged against what the services and the simulators' journal hold.
//!
//! * **Lost**: an acknowledged message that orders never got; a complete conversation without its order; a message
//!   without an answer that reached the phone or is parked; an answer that is called sent and is not in the journal; a
//!   contract whose sending was answered, and that is not signed and stored as it was recorded; an order of the tenant with a
//!   task manager that has no task there.
//! * **Doubled**: two entries of the journal with one reference of ours; more answers than messages; two orders; two
//!   envelopes of one request; two tasks of one order.
//!   A parked call whose message reached the phone once is not doubled: nobody repeated it.
//! * **Stuck**: whatever still waits when nothing moves any more.
//! * **Parked**: calls whose outcome nobody can know; both providers offer neither an idempotency key nor a look-up.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use puente_e2e::{CONVERSATION, Stage};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use crate::ledger::{Counts, Ledger};
use crate::load::PROVIDERS;

/// The tenant whose orders are tasks.
const TASK_TENANT: &str = "norte";

/// Texts that tell of an order's way to the signed contract: nobody asked for them.
const NEWS: [&str; 7] = [
    "order_state_changed",
    "order_assigned",
    "order_quotation_sent",
    "order_quotation_approved",
    "order_signing",
    "order_policy_assigned",
    "order_documents_rejected",
];

/// A call whose outcome is in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Parked {
    /// Who was called.
    pub provider: String,
    /// What was asked for.
    pub operation: String,
    /// Our reference.
    pub reference: String,
    /// Whether it is in the simulator's journal.
    #[sqlx(skip)]
    pub reached: bool,
}

/// The end of a run.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// What the load saw.
    pub load: Counts,
    /// Orders that were opened.
    pub orders: u64,
    /// Messages in the simulators' journals.
    pub at_providers: u64,
    /// Envelopes in DocuSign's journal.
    pub envelopes: u64,
    /// Tasks in Asana's journal.
    pub tasks: u64,
    /// Acknowledged and gone.
    pub lost: Vec<String>,
    /// Done twice.
    pub doubled: Vec<String>,
    /// Neither done nor given up.
    pub stuck: Vec<String>,
    /// Given up.
    pub dead: Vec<String>,
    /// In doubt, and shown.
    pub parked: Vec<Parked>,
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub fn good(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.stuck.is_empty() && self.dead.is_empty()
    }
}

/// What the simulators carried out.
struct Journal {
    /// Our references, with how often each is there.
    references: BTreeMap<String, usize>,
    /// The vendors' ids of the messages.
    ids: HashSet<String>,
    /// References by phone.
    phones: HashMap<String, BTreeSet<String>>,
}

impl Journal {
    fn read(stage: &Stage) -> Self {
        let mut journal = Self {
            references: BTreeMap::new(),
            ids: HashSet::new(),
            phones: HashMap::new(),
        };
        for entry in PROVIDERS.iter().flat_map(|provider| stage.hub.journal(provider)) {
            let reference = entry
                .reference
                .unwrap_or_else(|| entry.provider_message_id.clone());
            *journal.references.entry(reference.clone()).or_default() += 1;
            journal.ids.insert(entry.provider_message_id);
            journal
                .phones
                .entry(entry.recipient)
                .or_default()
                .insert(reference);
        }
        journal
    }
}

/// Judges a fleet that is quiet, or should be.
pub async fn judge(stage: &Stage, ledger: &Ledger) -> Result<Verdict, sqlx::Error> {
    let pool = stage.db.admin();
    let journal = Journal::read(stage);
    let mut verdict = Verdict {
        load: ledger.counts(),
        at_providers: journal.references.values().sum::<usize>() as u64,
        parked: parked(&pool, &journal).await?,
        ..Verdict::default()
    };
    for (reference, times) in &journal.references {
        if *times > 1 {
            verdict
                .doubled
                .push(format!("{reference} is {times} times in the journal"));
        }
    }
    messages(&pool, ledger, &mut verdict).await?;
    orders(&pool, ledger, &mut verdict).await?;
    contracts(stage, &pool, ledger, &mut verdict).await?;
    tasks(stage, &pool, &mut verdict).await?;
    answers(&pool, ledger, &journal, &mut verdict).await?;
    calls(&pool, &mut verdict).await?;
    Ok(verdict)
}

/// Every acknowledged message was taken in by orders, and worked.
async fn messages(pool: &PgPool, ledger: &Ledger, verdict: &mut Verdict) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "SELECT provider_message_id, worked_at IS NOT NULL FROM orders.conversation_messages
         WHERE provider_message_id IS NOT NULL",
    )
    .fetch_all(pool)
    .await?;
    let worked: HashMap<String, bool> = rows.into_iter().collect();
    for message in ledger.messages() {
        match worked.get(&message.id) {
            None => verdict.lost.push(format!(
                "{} of {}: never reached orders",
                message.id, message.provider
            )),
            Some(false) => verdict.stuck.push(format!("{}: not worked", message.id)),
            Some(true) => {}
        }
    }
    Ok(())
}

/// Every complete conversation has exactly one order.
async fn orders(pool: &PgPool, ledger: &Ledger, verdict: &mut Verdict) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT contact_id, count(*) FROM orders.orders GROUP BY contact_id")
            .fetch_all(pool)
            .await?;
    verdict.orders = rows.iter().map(|(_, count)| count.unsigned_abs()).sum();
    let opened: HashMap<String, i64> = rows.into_iter().collect();
    for (phone, count) in &opened {
        if *count > 1 {
            verdict.doubled.push(format!("{phone} has {count} orders"));
        }
    }
    for (phone, said) in ledger.by_phone() {
        if said == CONVERSATION.len() && !opened.contains_key(&phone) {
            verdict
                .lost
                .push(format!("{phone} said everything and has no order"));
        }
    }
    Ok(())
}

/// What became of a signature request.
#[derive(sqlx::FromRow)]
struct Outcome {
    request: String,
    /// Of its order.
    state: String,
    /// The signed document's, if it was recorded.
    key: Option<String>,
    sha256: Option<Vec<u8>>,
}

/// Every contract whose sending was answered was signed, once, and its document is what was recorded.
async fn contracts(
    stage: &Stage,
    pool: &PgPool,
    ledger: &Ledger,
    verdict: &mut Verdict,
) -> Result<(), sqlx::Error> {
    let mut envelopes = stage.hub.journal("docusign");
    envelopes.retain(|entry| entry.operation == "envelopes.create");
    verdict.envelopes = envelopes.len() as u64;
    let mut made = HashMap::<String, usize>::new();
    for envelope in envelopes {
        *made.entry(envelope.reference.unwrap_or_default()).or_default() += 1;
    }
    for (reference, times) in &made {
        if *times > 1 {
            verdict
                .doubled
                .push(format!("{times} envelopes of request {reference}"));
        }
    }
    let rows: Vec<Outcome> = sqlx::query_as(
        "SELECT s.id::text AS request, o.state, d.key, d.sha256 FROM signature.signatures s
         JOIN orders.orders o ON o.id = s.order_id LEFT JOIN signature.documents d ON d.id = s.signed_id",
    )
    .fetch_all(pool)
    .await?;
    let known: HashMap<_, _> = rows.into_iter().map(|row| (row.request.clone(), row)).collect();
    for contract in ledger.contracts() {
        let name = format!("contract of {}", contract.number);
        let Some(outcome) = known.get(&contract.request) else {
            verdict.lost.push(format!("{name}: signature never got it"));
            continue;
        };
        if outcome.state != "PolizaAsignada" {
            verdict
                .lost
                .push(format!("{name}: the order is {}", outcome.state));
            continue;
        }
        let (Some(key), Some(hash)) = (&outcome.key, &outcome.sha256) else {
            verdict.lost.push(format!("{name}: signed, and not stored"));
            continue;
        };
        let file = stage.files.path().join("contracts").join(key);
        let content = std::fs::read(&file).unwrap_or_default();
        if Sha256::digest(&content).as_slice() != hash.as_slice() {
            verdict
                .lost
                .push(format!("{name}: the signed document is not what was recorded"));
        }
    }
    Ok(())
}

/// Every order of the tenant with a task manager has one task there, the one that sync knows.
async fn tasks(stage: &Stage, pool: &PgPool, verdict: &mut Verdict) -> Result<(), sqlx::Error> {
    let mut made = HashMap::<String, Vec<String>>::new();
    for entry in stage.hub.journal("asana") {
        if entry.operation == "tasks.create" {
            verdict.tasks += 1;
            let reference = entry.reference.unwrap_or_default();
            made.entry(reference).or_default().push(entry.provider_message_id);
        }
    }
    for (reference, tasks) in &made {
        if tasks.len() > 1 {
            verdict
                .doubled
                .push(format!("{} tasks of reference {reference}", tasks.len()));
        }
    }
    let rows: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT o.id::text, t.id::text, t.task_id FROM orders.orders o
         LEFT JOIN sync.tasks t ON t.order_id = o.id WHERE o.tenant = $1",
    )
    .bind(TASK_TENANT)
    .fetch_all(pool)
    .await?;
    for (order, reference, task) in rows {
        let reference = reference.unwrap_or_default();
        let known = made
            .iter()
            .find(|(name, _)| !reference.is_empty() && name.ends_with(&reference));
        let there = known.is_some_and(|(_, tasks)| tasks.first() == task.as_ref());
        if !there {
            verdict
                .lost
                .push(format!("order {order}: no task, or another one than sync knows"));
        }
    }
    Ok(())
}

/// Every message has its answer, once.
async fn answers(
    pool: &PgPool,
    ledger: &Ledger,
    journal: &Journal,
    verdict: &mut Verdict,
) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, String, Option<String>, String, bool, bool)> = sqlx::query_as(
        "SELECT m.effect_key, m.state, m.provider_message_id, m.contact_id, e.id IS NOT NULL,
                m.template = ANY ($1)
         FROM notifications.messages m LEFT JOIN notifications.effects e ON e.key = m.effect_key
         -- Agent and service provider never wrote: that they may not be written to is noted, and no loss.
         WHERE NOT (m.state = 'failed' AND m.template IN ('order_assigned_agent', 'order_assigned_provider'))",
    )
    .bind(&NEWS[..])
    .fetch_all(pool)
    .await?;
    let mut told = journal.phones.clone();
    for (key, state, id, phone, waits, news) in rows {
        if news && let Some(phone) = told.get_mut(&phone) {
            // Nobody asked: it tells of the order's way.
            phone.remove(&key);
        }
        match state.as_str() {
            "queued" if waits && news => {}
            "queued" if waits => {
                told.entry(phone).or_default().insert(key);
            }
            "queued" => verdict
                .stuck
                .push(format!("message {key}: queued, and nothing will send it")),
            "failed" => verdict
                .lost
                .push(format!("message {key}: failed at a provider that works")),
            _ if id.as_ref().is_some_and(|id| journal.ids.contains(id)) => {}
            _ => verdict
                .lost
                .push(format!("message {key}: {state}, and not in the journal")),
        }
    }
    for (phone, said) in ledger.by_phone() {
        let answers = told.get(&phone).map_or(0, BTreeSet::len);
        if answers < said {
            verdict
                .lost
                .push(format!("{phone}: {answers} answers to {said} messages"));
        } else if answers > said + 1 {
            // One message may have been taken in although its answer, 2xx, was cut off at the very end.
            verdict
                .doubled
                .push(format!("{phone}: {answers} answers to {said} messages"));
        }
    }
    Ok(())
}

/// Nothing waits at the provider's door, and nothing was given up.
async fn calls(pool: &PgPool, verdict: &mut Verdict) -> Result<(), sqlx::Error> {
    let open: Vec<(String, String)> = sqlx::query_as(
        "SELECT key, state FROM notifications.effects WHERE state <> 'unknown'
         UNION ALL SELECT key, state FROM signature.effects
         UNION ALL SELECT key, state FROM sync.effects",
    )
    .fetch_all(pool)
    .await?;
    let open = open
        .into_iter()
        .map(|(key, state)| format!("call {key}: {state}"));
    verdict.stuck.extend(open);
    for service in ["ingress", "orders", "notifications", "ocr", "signature", "sync"] {
        let dead: Vec<(String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT event_id::text, consumer, reason FROM {service}.dead_letters"
        )))
        .fetch_all(pool)
        .await?;
        let dead = dead
            .into_iter()
            .map(|(id, consumer, reason)| format!("{id} at {consumer}: {reason}"));
        verdict.dead.extend(dead);
    }
    Ok(())
}

async fn parked(pool: &PgPool, journal: &Journal) -> Result<Vec<Parked>, sqlx::Error> {
    let mut parked: Vec<Parked> = sqlx::query_as(
        "SELECT provider, operation, coalesce(payload ->> 'reference', key) AS reference
         FROM notifications.effects WHERE state = 'unknown' ORDER BY created_at",
    )
    .fetch_all(pool)
    .await?;
    for call in &mut parked {
        call.reached = journal.references.contains_key(&call.reference);
    }
    Ok(parked)
}
