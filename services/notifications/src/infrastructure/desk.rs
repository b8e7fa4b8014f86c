//! Where every message is asked for: reads what the decision needs, decides, and has it written (`write`).
//!
//! All of it happens in the transaction of the event that asks: message, timeline, event, and the effect that will
//! call the provider. Whatever is refused is a message too, failed from the start, with its reason.

mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use puente_bus::{Envelope, topology};
use puente_outbox::{ApplyError, Tx};
use puente_types::{Clock, ConnectionId, EventId, TenantId};
use time::OffsetDateTime;

use crate::application::decide::{Decision, Situation, Standing, decide};
use crate::application::price::Price;
use crate::domain::consent::Words;
use crate::infrastructure::patience::Patience;
use crate::infrastructure::store::{contact, template};
use crate::infrastructure::templates::Requests;
use crate::infrastructure::texts::Texts;
use crate::infrastructure::wire::To;

/// The operation of every effect of this service.
pub(crate) const SEND: &str = "messages.send";

/// The answers to words of consent, which are sent whatever the word was.
pub(crate) const OPT_OUT_CONFIRMED: &str = "opt_out_confirmed";
pub(crate) const OPT_IN_CONFIRMED: &str = "opt_in_confirmed";
pub(crate) const CONSENT_TEXTS: [&str; 2] = [OPT_OUT_CONFIRMED, OPT_IN_CONFIRMED];

/// What an installation may choose about messages.
pub(crate) struct Policy {
    /// The language of tenants that chose none.
    pub(crate) language: String,
    /// Tenants that chose one.
    pub(crate) languages: HashMap<TenantId, String>,
    /// Whether templates may be used whose state nobody knows.
    pub(crate) trust_unknown_templates: bool,
    /// Whether a stop or start word is answered.
    pub(crate) confirm_consent: bool,
    /// Stop and start words.
    pub(crate) words: Words,
    /// What messages cost.
    pub(crate) prices: Vec<Price>,
}

/// What all handlers share.
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) texts: Texts,
    pub(crate) policy: Policy,
    pub(crate) patience: Patience,
    /// The longer one, for a cause that is known and was not handled yet.
    pub(crate) redelivery: Patience,
    pub(crate) listings: Arc<Requests>,
}

/// A message that is asked for.
pub(crate) struct Ask {
    pub(crate) to: To,
    pub(crate) key: String,
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) about: String,
    pub(crate) critical: bool,
    /// It answers a word of consent, and is sent whatever that word was.
    pub(crate) about_consent: bool,
    /// Nothing that the person wrote led to it, so no message of theirs is waited for.
    pub(crate) unprompted: bool,
}

impl Desk {
    /// The tenant's language.
    pub(crate) fn language(&self, tenant: &TenantId) -> &str {
        self.policy.languages.get(tenant).unwrap_or(&self.policy.language)
    }

    /// Takes a message in, or refuses it.
    pub(crate) async fn take(&self, tx: &mut Tx, event: &Envelope, ask: &Ask) -> Result<(), ApplyError> {
        self.take_all(tx, event, std::slice::from_ref(ask)).await
    }

    /// Takes in the messages that one event asks for, each with a text of its own: one event makes one message of a text
    /// at most. All are decided before any is written, so that one that has to wait holds the others without an effect.
    pub(crate) async fn take_all(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        asks: &[Ask],
    ) -> Result<(), ApplyError> {
        let now = self.clock.now();
        let mut decisions = Vec::with_capacity(asks.len());
        // Whether an answer may change, and whether by a message that the person wrote.
        let (mut hopeful, mut answering) = (false, false);
        for ask in asks {
            let decision = self.decide(tx, &event.tenant, ask, now).await?;
            if let Decision::Refused(refusal) = &decision {
                if refusal.is_about_templates()
                    && let Ok(connection) = ask.to.connection.parse()
                {
                    self.listings.ask(connection);
                }
                hopeful |= refusal.may_change() && (!ask.unprompted || refusal.is_about_templates());
                answering |= refusal.may_change() && !ask.unprompted;
            }
            decisions.push(decision);
        }
        let waits = hopeful
            && (self.patience.lasts(event.id) || (answering && self.cause_is_coming(tx, event).await?));
        if waits {
            return Err(ApplyError::Early);
        }
        self.patience.done(event.id);
        self.redelivery.done(event.id);
        for (ask, decision) in asks.iter().zip(decisions) {
            self.write(tx, event, ask, decision, now).await?;
        }
        Ok(())
    }

    /// Whether the contact's message that led here was not handled yet: a replica that dies with it in its hands
    /// keeps it until the broker delivers it again. Ids of events are UUIDs of version 7; other causes are no events.
    async fn cause_is_coming(&self, tx: &mut Tx, event: &Envelope) -> Result<bool, sqlx::Error> {
        let cause = event
            .cause
            .as_deref()
            .and_then(|cause| cause.parse::<EventId>().ok());
        let Some(cause) = cause.filter(|cause| cause.uuid().get_version_num() == 7) else {
            return Ok(false);
        };
        Ok(
            !puente_outbox::handled(tx, topology::NOTIFICATIONS.durable, cause).await?
                && self.redelivery.lasts(event.id),
        )
    }

    async fn decide(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        ask: &Ask,
        now: OffsetDateTime,
    ) -> Result<Decision, sqlx::Error> {
        let text = self.texts.find(tenant, self.language(tenant), &ask.key);
        let known = contact::find(tx, tenant, &ask.to.connection, &ask.to.contact_id).await?;
        let standing = match text.and_then(|text| text.template()) {
            Some(wanted) => template::standing(tx, tenant, &ask.to.connection, wanted).await?,
            None => Standing::Unknown,
        };
        let since_inbound = known
            .last_inbound_at
            .map(|at| std::time::Duration::try_from(now - at).unwrap_or_default());
        Ok(decide(&Situation {
            reachable: ask.to.is_complete() && ask.to.connection.parse::<ConnectionId>().is_ok(),
            text,
            values: &ask.values,
            consent: (!ask.about_consent).then(|| known.consent()),
            since_inbound,
            standing: &standing,
            trust_unknown: self.policy.trust_unknown_templates,
        }))
    }
}
