//! All envelopes of the simulator, and what people do with them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;

use super::connect::Event;
use super::envelope::{Envelope, Signer};
use super::{SLUG, connect, number};
use crate::sim::{Account, Effect, Hub, Limit};

/// Envelopes that are kept; the oldest goes first.
const MAX_ENVELOPES: usize = 20_000;

/// The desk; empty at first.
#[derive(Default)]
pub(super) struct Desk(Mutex<Shelf>);

#[derive(Default)]
pub(super) struct Shelf {
    /// Ids rise with time, so the first is the oldest.
    pub(super) envelopes: BTreeMap<String, Envelope>,
    /// Events that wait to be sent, by envelope; while there is an entry, somebody sends them.
    pub(super) queues: BTreeMap<String, VecDeque<Event>>,
    /// Events that are held back until the envelope has ended.
    pub(super) held: BTreeMap<String, Vec<Event>>,
}

/// What a signer does.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Opens the documents.
    Open,
    /// Signs.
    Sign,
    /// Refuses.
    Decline {
        /// Why.
        #[serde(default)]
        reason: String,
    },
}

/// Why a signer cannot do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActError {
    /// There is no such envelope, or it has no such signer.
    Unknown,
    /// It is not the signer's turn, or the envelope has ended.
    NotNow,
}

impl Desk {
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        *self.shelf() = Shelf::default();
    }

    pub(super) fn find(&self, account: &str, id: &str) -> Option<Envelope> {
        let shelf = self.shelf();
        shelf
            .envelopes
            .get(id)
            .filter(|found| found.account == account)
            .cloned()
    }
}

/// Takes an envelope in and sends it. The journal gets an entry for it, and one for each person who is asked.
pub(super) fn take(hub: &Hub, account: &Arc<Account>, mut envelope: Envelope) -> Result<Envelope, Limit> {
    let effect = Effect {
        operation: "envelopes.create",
        recipient: account.account.clone(),
        text: envelope.subject.clone(),
        reference: Some(envelope.transaction_id.clone()),
        idempotency_key: Some(envelope.transaction_id.clone()),
        provider_message_id: envelope.id.clone(),
        ..Effect::default()
    };
    hub.carry_out(SLUG, account, effect)?;
    let now = hub.now();
    envelope.turn("created", now);
    envelope.turn("sent", now);
    let mut events = vec![Event::of(&envelope, "envelope-sent", None, now)];
    ask(hub, account, &mut envelope, &mut events, now);
    {
        let desk = hub.own::<Desk>();
        let mut shelf = desk.shelf();
        if shelf.envelopes.len() >= MAX_ENVELOPES {
            shelf.envelopes.pop_first();
        }
        shelf.envelopes.insert(envelope.id.clone(), envelope.clone());
    }
    connect::tell(hub, account, &envelope, events);
    let pause = number(account, "auto_sign_ms", 0);
    if pause > 0 {
        hub.in_background(
            SLUG,
            sign_all(hub.clone(), envelope.clone(), Duration::from_millis(pause)),
        );
    }
    Ok(envelope)
}

/// One signer opens, signs or refuses; Connect tells of it.
///
/// # Errors
/// [`ActError`].
pub fn act(hub: &Hub, envelope: &str, signer: &str, act: &Act) -> Result<(), ActError> {
    let now = hub.now();
    let desk = hub.own::<Desk>();
    let mut shelf = desk.shelf();
    let found = shelf.envelopes.get_mut(envelope).ok_or(ActError::Unknown)?;
    let account = hub.account(SLUG, &found.account).ok_or(ActError::Unknown)?;
    let ended = found.has_ended();
    let one = found
        .signers
        .iter_mut()
        .find(|one| one.id == signer)
        .ok_or(ActError::Unknown)?;
    if ended || !matches!(one.status, "sent" | "delivered") {
        return Err(ActError::NotNow);
    }
    let mut events = Vec::new();
    if one.status == "sent" {
        one.turn("delivered", now);
        events.push(("recipient-delivered", Some(signer)));
        if found.status == "sent" {
            found.turn("delivered", now);
            events.push(("envelope-delivered", None));
        }
    }
    let mut told: Vec<Event> = Vec::new();
    for (kind, of) in events {
        told.push(Event::of(found, kind, of, now));
    }
    match act {
        Act::Open => {}
        Act::Sign => {
            finish(found, signer, |one| one.turn("completed", now));
            told.push(Event::of(found, "recipient-completed", Some(signer), now));
            if found.signers.iter().all(|one| one.status == "completed") {
                found.turn("completed", now);
                told.push(Event::of(found, "envelope-completed", None, now));
            } else {
                ask(hub, &account, found, &mut told, now);
            }
        }
        Act::Decline { reason } => {
            finish(found, signer, |one| {
                one.turn("declined", now);
                one.declined_reason.clone_from(reason);
            });
            found.turn("declined", now);
            told.push(Event::of(found, "recipient-declined", Some(signer), now));
            told.push(Event::of(found, "envelope-declined", None, now));
        }
    }
    let envelope = found.clone();
    drop(shelf);
    connect::tell(hub, &account, &envelope, told);
    Ok(())
}

fn finish(envelope: &mut Envelope, signer: &str, change: impl FnOnce(&mut Signer)) {
    if let Some(one) = envelope.signers.iter_mut().find(|one| one.id == signer) {
        change(one);
    }
}

/// Asks those whose turn it is and who were not asked yet: an e-mail each.
fn ask(hub: &Hub, account: &Account, envelope: &mut Envelope, events: &mut Vec<Event>, now: OffsetDateTime) {
    let Some(order) = envelope.current_order() else {
        return;
    };
    let mut asked = Vec::new();
    for signer in &mut envelope.signers {
        if signer.order == order && signer.status == "created" {
            signer.turn("sent", now);
            asked.push((signer.id.clone(), signer.email.clone()));
        }
    }
    for (id, email) in asked {
        mail(hub, account, envelope, &email);
        events.push(Event::of(envelope, "recipient-sent", Some(&id), now));
    }
}

/// Sends everyone who was asked and has not answered the request once more.
pub(super) fn resend(hub: &Hub, account: &Account, envelope: &Envelope) {
    for signer in &envelope.signers {
        if matches!(signer.status, "sent" | "delivered") {
            mail(hub, account, envelope, &signer.email);
        }
    }
}

fn mail(hub: &Hub, account: &Account, envelope: &Envelope, email: &str) {
    let effect = Effect {
        operation: "signers.ask",
        recipient: email.to_owned(),
        text: envelope.subject.clone(),
        reference: Some(envelope.transaction_id.clone()),
        provider_message_id: envelope.id.clone(),
        ..Effect::default()
    };
    let _full = hub.carry_out(SLUG, account, effect);
}

/// Calls an envelope back. `None` when it is not there, `Some(false)` when its state forbids it.
pub(super) fn void(hub: &Hub, account: &Arc<Account>, id: &str, reason: &str) -> Option<bool> {
    let now = hub.now();
    let desk = hub.own::<Desk>();
    let mut shelf = desk.shelf();
    let found = shelf
        .envelopes
        .get_mut(id)
        .filter(|found| found.account == account.account)?;
    if !matches!(found.status, "sent" | "delivered") {
        return Some(false);
    }
    found.turn("voided", now);
    reason.clone_into(&mut found.voided_reason);
    let envelope = found.clone();
    drop(shelf);
    let effect = Effect {
        operation: "envelopes.void",
        recipient: account.account.clone(),
        text: reason.to_owned(),
        reference: Some(envelope.transaction_id.clone()),
        provider_message_id: envelope.id.clone(),
        ..Effect::default()
    };
    let _full = hub.carry_out(SLUG, account, effect);
    let event = Event::of(&envelope, "envelope-voided", None, now);
    connect::tell(hub, account, &envelope, vec![event]);
    Some(true)
}

/// All signers do what is asked of them, each act after a pause.
async fn sign_all(hub: Hub, envelope: Envelope, pause: Duration) -> bool {
    let mut signers: Vec<_> = envelope
        .signers
        .iter()
        .map(|signer| (signer.order, &signer.id))
        .collect();
    signers.sort();
    for (_, signer) in signers {
        for step in [Act::Open, Act::Sign] {
            tokio::time::sleep(pause).await;
            if act(&hub, &envelope.id, signer, &step).is_err() {
                return false;
            }
        }
    }
    true
}
