//! The state of all simulators, and the in-process way to steer and read it.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use puente_types::{Clock, SystemClock};
use time::OffsetDateTime;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::sim::callback::{Counts, Job, Poster};
use crate::sim::{Account, Effect, Entry, Fault, Inbound, SimError, Webhook, find};

/// Effects kept per simulator; a test that makes more must read and reset in between.
const MAX_ENTRIES: usize = 1_000_000;
/// People whose last message is remembered.
const MAX_SESSIONS: usize = 100_000;
/// The time within which a person's last message allows free text.
const SESSION: Duration = Duration::from_secs(24 * 3600);
/// The least time between two messages to one person.
const PAIR: Duration = Duration::from_secs(6);

/// The shared state of all simulators; cloning shares it.
#[derive(Clone)]
pub struct Hub(pub(super) Arc<Inner>);

pub(super) struct Inner {
    state: Mutex<State>,
    own: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    clock: Arc<dyn Clock>,
    pub(super) poster: Poster,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<String, Vec<Arc<Account>>>,
    journal: BTreeMap<String, Vec<Entry>>,
    faults: BTreeMap<String, Vec<Fault>>,
    taken: BTreeMap<(String, String), VecDeque<OffsetDateTime>>,
    heard: BTreeMap<(String, String, String), OffsetDateTime>,
    told: BTreeMap<(String, String, String), OffsetDateTime>,
    sequence: u64,
    dice: u64,
}

/// Why an effect was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Too many messages of the account within a second.
    Rate,
    /// Too soon after the last message to the same person.
    Pair,
    /// The person has not written within 24 hours.
    Session,
    /// The journal is full: the test outgrew its judge.
    JournalFull,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    /// A hub without accounts, on the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// A hub on another clock, for tests about time.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            dice: 0x9e37_79b9_7f4a_7c15,
            ..State::default()
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            own: Mutex::default(),
            clock,
            poster: Poster::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current instant of the hub's clock.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.0.clock.now()
    }

    /// A new id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Adds an account, or replaces the one of its id.
    pub fn put_account(&self, slug: &str, account: Account) {
        let mut state = self.state();
        let accounts = state.accounts.entry(slug.to_owned()).or_default();
        accounts.retain(|known| known.account != account.account);
        accounts.push(Arc::new(account));
    }

    /// The accounts of a simulator.
    #[must_use]
    pub fn accounts(&self, slug: &str) -> Vec<Arc<Account>> {
        self.state().accounts.get(slug).cloned().unwrap_or_default()
    }

    /// The account of an id.
    #[must_use]
    pub fn account(&self, slug: &str, account: &str) -> Option<Arc<Account>> {
        self.state()
            .accounts
            .get(slug)?
            .iter()
            .find(|known| known.account == account)
            .cloned()
    }

    /// Everything that a simulator carried out since the last reset, in order.
    #[must_use]
    pub fn journal(&self, slug: &str) -> Vec<Entry> {
        self.state().journal.get(slug).cloned().unwrap_or_default()
    }

    /// How a simulator's callbacks fared.
    #[must_use]
    pub fn callbacks(&self, slug: &str) -> Counts {
        self.0.poster.counts(slug)
    }

    /// Adds a fault; faults apply in the order in which they were added.
    pub fn fault(&self, slug: &str, fault: Fault) {
        self.state()
            .faults
            .entry(slug.to_owned())
            .or_default()
            .push(fault);
    }

    /// Takes all faults away.
    pub fn clear_faults(&self, slug: &str) {
        self.state().faults.remove(slug);
    }

    /// Forgets journal, faults, limits and counts of a simulator; accounts stay.
    pub fn reset(&self, slug: &str) {
        let mut state = self.state();
        state.journal.remove(slug);
        state.faults.remove(slug);
        state.taken.retain(|(of, _), _| of != slug);
        state.heard.retain(|(of, _, _), _| of != slug);
        state.told.retain(|(of, _, _), _| of != slug);
        drop(state);
        self.0.poster.reset(slug);
        crate::sim::media::forget(self, slug);
        crate::sim::reading::forget(self, slug);
        if let Some(simulator) = find(slug) {
            simulator.reset(self);
        }
    }

    /// What one simulator keeps for itself, found by its type; empty at first.
    pub(crate) fn own<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = own
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        Arc::clone(slot).downcast().unwrap_or_default()
    }

    /// Posts a webhook once, and returns the HTTP status.
    pub(crate) async fn post(&self, webhook: &Webhook) -> Result<u16, SimError> {
        self.0.poster.post(webhook).await
    }

    /// Posts a webhook once, and returns status and headers of the answer.
    pub(crate) async fn ask(&self, webhook: &Webhook) -> Result<(u16, HeaderMap), SimError> {
        self.0.poster.ask(webhook).await
    }

    /// Works in the background, and counts the work as a callback that was delivered or given up. Ends with the runtime.
    pub(crate) fn in_background(
        &self,
        slug: &'static str,
        work: impl Future<Output = bool> + Send + 'static,
    ) {
        Poster::spawn(Arc::clone(&self.0), slug, work);
    }

    /// Builds the signed webhook of a person who writes; nothing is sent. Opens the person's session.
    ///
    /// # Errors
    /// [`SimError`] when the simulator or the account is not there, or lacks URL or secret.
    pub fn webhook(&self, slug: &str, message: &Inbound) -> Result<Webhook, SimError> {
        let simulator = find(slug).ok_or(SimError::NoProvider)?;
        let account = self.account(slug, &message.account).ok_or(SimError::NoAccount)?;
        let webhook = simulator.inbound(self, &account, message)?;
        let mut state = self.state();
        if state.heard.len() >= MAX_SESSIONS {
            state.heard.pop_first();
        }
        state.heard.insert(
            (slug.to_owned(), message.account.clone(), message.from.clone()),
            self.now(),
        );
        Ok(webhook)
    }

    /// Carries an effect out: checks the account's limits, and writes the journal.
    ///
    /// # Errors
    /// The limit that forbids it; then nothing was carried out.
    pub fn carry_out(&self, slug: &str, account: &Account, effect: Effect) -> Result<Entry, Limit> {
        let limit = account
            .rate_per_second
            .or_else(|| find(slug).map(|s| s.rate_per_second()))
            .unwrap_or_default();
        let now = self.now();
        let mut state = self.state();
        let person = (slug.to_owned(), account.account.clone(), effect.recipient.clone());
        let within = |at: Option<&OffsetDateTime>, span: Duration| at.is_some_and(|at| now - *at < span);
        // The window in which people may be written to is one of chats.
        let chat = crate::find(slug).is_none_or(|provider| provider.message().is_some());
        let written_to = within(state.heard.get(&person), SESSION);
        if chat && account.enforce_session && effect.template.is_none() && !written_to {
            return Err(Limit::Session);
        }
        if account.enforce_pair_rate && within(state.told.get(&person), PAIR) {
            return Err(Limit::Pair);
        }
        if state
            .journal
            .get(slug)
            .is_some_and(|entries| entries.len() >= MAX_ENTRIES)
        {
            return Err(Limit::JournalFull);
        }
        if limit > 0 {
            let taken = state
                .taken
                .entry((slug.to_owned(), account.account.clone()))
                .or_default();
            while taken
                .front()
                .is_some_and(|at| now - *at >= Duration::from_secs(1))
            {
                taken.pop_front();
            }
            if taken.len() >= limit as usize {
                return Err(Limit::Rate);
            }
            taken.push_back(now);
        }
        if account.enforce_pair_rate {
            if state.told.len() >= MAX_SESSIONS {
                state.told.pop_first();
            }
            state.told.insert(person, now);
        }
        state.sequence += 1;
        let id = effect.provider_message_id;
        let entry = Entry {
            sequence: state.sequence,
            account: account.account.clone(),
            tenant: account.tenant.clone(),
            operation: effect.operation,
            recipient: effect.recipient,
            text: effect.text,
            template: effect.template,
            reference: effect.reference,
            opaque: effect.opaque,
            idempotency_key: effect.idempotency_key,
            provider_message_id: if id.is_empty() { self.id().to_string() } else { id },
            received_ms: now.unix_timestamp_nanos() / 1_000_000,
        };
        state
            .journal
            .entry(slug.to_owned())
            .or_default()
            .push(entry.clone());
        Ok(entry)
    }

    /// Reports on a sent message to the account's webhook URL, in the background. Waits only while very many wait.
    pub async fn report(&self, slug: &'static str, account: Arc<Account>, sent: Entry) {
        if account.webhook_url.is_some() && !account.callbacks.states.is_empty() {
            self.0.poster.queue(Job { slug, account, sent }).await;
        }
    }

    /// Starts the sender of callbacks, once per hub.
    pub(super) fn start_callbacks(&self) {
        self.0.poster.start(Arc::downgrade(&self.0));
    }

    /// The faults that strike now: each is rolled for, counted down, and dropped when used up.
    pub(super) fn strike(&self, slug: &str) -> Vec<Fault> {
        let mut state = self.state();
        let mut dice = state.dice;
        let mut struck = Vec::new();
        if let Some(faults) = state.faults.get_mut(slug) {
            for fault in faults.iter_mut() {
                dice = roll(dice);
                // 53 bits make an exact fraction between 0 and 1.
                let chance = (dice >> 11) as f64 / (1u64 << 53) as f64;
                if chance >= fault.probability {
                    continue;
                }
                struck.push(fault.clone());
                fault.count = fault.count.map(|left| left.saturating_sub(1));
                // A fault that ends the request hides those behind it.
                if !matches!(fault.kind, crate::sim::FaultKind::Latency { .. }) {
                    break;
                }
            }
            faults.retain(|fault| fault.count != Some(0));
        }
        state.dice = dice;
        struck
    }
}

impl Inner {
    /// A hub around this state.
    pub(super) fn hub(self: Arc<Self>) -> Hub {
        Hub(self)
    }
}

/// The queue of callbacks, as the poster needs it.
pub(super) type Jobs = mpsc::Sender<Job>;

/// The next of a fixed sequence of numbers, so that a run with faults can be run again alike.
const fn roll(mut dice: u64) -> u64 {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^ (dice << 17)
}
