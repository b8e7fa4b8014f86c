//! What happens to an order, journalled and queued for the relay in one transaction with it.

use puente_outbox::{NewEvent, Tx};
use puente_types::TenantId;
use time::OffsetDateTime;

use super::people;
use super::price::PriceColumns;
use crate::domain::directory::{Kind, Person};
use crate::domain::error::StoreError;
use crate::domain::event::{Event, Fact};
use crate::domain::order::Assignment;
use crate::domain::skill::SkillSet;
use crate::domain::state::Transition;
use crate::infrastructure::wire::{Newcomers, Published, published};

/// What an event comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The event, or the key of the command, that led to it.
    pub(super) cause: Option<&'a str>,
    /// Who did it; empty when a conversation did.
    pub(super) by: &'a str,
    /// The trace of the order; `None` while it is being opened.
    pub(super) trace: Option<&'a str>,
    /// The trace of a person's request.
    pub(super) asked_in: Option<&'a str>,
}

/// Journals an order's event and queues it for the relay, in the caller's transaction.
pub(super) async fn tell(
    tx: &mut Tx,
    tenant: &TenantId,
    event: &Event,
    set: &SkillSet,
    at: OffsetDateTime,
    origin: Origin<'_>,
) -> Result<(), StoreError> {
    let (order, id) = (&event.order, event.order.id);
    let newcomers = match &event.fact {
        Fact::Assigned { before } => newcomers(tx, tenant, before, &order.assignment).await?,
        Fact::Opened | Fact::ClientChecked | Fact::Moved { .. } => Newcomers::default(),
    };
    let outgoing = match published(event, set, at, newcomers) {
        Published::Opened(event) => NewEvent::new(tenant, id, &event),
        Published::Moved(event) => NewEvent::new(tenant, id, &event),
        Published::Assigned(event) => NewEvent::new(tenant, id, &event),
        Published::Checked(event) => NewEvent::new(tenant, id, &event),
    };
    let (fact, transition, before, reason) = match &event.fact {
        Fact::Opened => ("opened", None, None, ""),
        Fact::Assigned { .. } => ("assigned", None, Some(order.state), ""),
        Fact::ClientChecked => ("client_checked", None, Some(order.state), order.check.name()),
        Fact::Moved {
            before,
            transition,
            reason,
            ..
        } => ("moved", Some(*transition), Some(*before), reason.as_str()),
    };
    let sent = order.quotation.as_ref();
    let price = PriceColumns::of(sent.filter(|_| transition == Some(Transition::SendQuotation)));
    let document = match transition {
        Some(Transition::CompleteSignature) => order.signed_document.as_str(),
        _ => "",
    };
    sqlx::query!(
        "INSERT INTO order_journal (order_id, version, tenant, event_id, fact, transition, before, after, reason,
                                    agent, service_provider, at, changed_by, asked_in, document_id, quotation_minor,
                                    quotation_currency, quotation_note, quotation_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        id.uuid(),
        order.version,
        tenant.as_str(),
        outgoing.id.uuid(),
        fact,
        transition.map(Transition::name),
        before.map(|state| state.name()),
        order.state.name(),
        reason,
        order.assignment.agent,
        order.assignment.service_provider,
        at,
        origin.by,
        origin.asked_in,
        document,
        price.minor,
        price.currency,
        price.note,
        price.until
    )
    .execute(&mut **tx)
    .await?;
    let outgoing = outgoing.version(order.version);
    tx.append(origin.marks(outgoing));
    Ok(())
}

/// Those of the assignment who were not in it before, by the directory of this moment: who is told of it is who they
/// were when they were assigned, whatever becomes of the directory later.
async fn newcomers(
    tx: &mut Tx,
    tenant: &TenantId,
    before: &Assignment,
    now: &Assignment,
) -> Result<Newcomers, StoreError> {
    let places = [
        (Kind::Agent, &before.agent, &now.agent),
        (
            Kind::ServiceProvider,
            &before.service_provider,
            &now.service_provider,
        ),
    ];
    let mut newcomers = Newcomers::default();
    for (kind, before, now) in places {
        let found = match now {
            Some(id) if now != before => people::find(tx, tenant, id).await?,
            _ => None,
        };
        let found: Option<Person> = found.map(|view| view.person).filter(|person| person.kind == kind);
        match kind {
            Kind::Agent => newcomers.agent = found,
            Kind::ServiceProvider => newcomers.service_provider = found,
        }
    }
    Ok(newcomers)
}

impl Origin<'_> {
    /// An event with its cause, in the trace of its order.
    pub(super) fn marks(&self, event: NewEvent) -> NewEvent {
        let event = event.in_trace(self.trace.map(str::to_owned));
        match self.cause {
            Some(cause) => event.caused_by(cause),
            None => event,
        }
    }
}
