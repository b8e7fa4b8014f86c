//! The order: opened once, then moved along the table of [`crate::domain::state`].
//!
//! Every change raises the version by one and makes exactly one event with that version, so that whoever follows the
//! events can tell a repeated one from a missing one.

use puente_types::{ClientId, OrderId};

use crate::domain::company::Check;
use crate::domain::error::Refused;
use crate::domain::event::{Event, Fact};
use crate::domain::number::OrderNumber;
use crate::domain::quotation::Quotation;
use crate::domain::signing::Parties;
use crate::domain::state::{State, Transition};

/// A reason is a sentence, not a document.
const MAX_REASON: usize = 500;

/// How an order came in. Orders behave alike whatever the channel; it is only recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A conversation over a WhatsApp provider.
    Whatsapp,
    /// The native app.
    App,
    /// The client's own ERP.
    Erp,
    /// An agent typed it.
    Console,
}

impl Channel {
    const ALL: [Self; 4] = [Self::Whatsapp, Self::App, Self::Erp, Self::Console];

    /// Its name in events and rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::App => "app",
            Self::Erp => "erp",
            Self::Console => "console",
        }
    }

    /// The channel of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// Where a person is reached: the way of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The provider's slug; empty for orders without a conversation.
    pub provider: String,
    /// The tenant's connection.
    pub connection: String,
    /// The contact's id at the provider.
    pub contact_id: String,
}

/// The client of an order as the order keeps it: later changes of the client's data do not rewrite old orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who it is.
    pub client_id: ClientId,
    /// The name at the time of opening.
    pub name: String,
    /// E.164; empty when unknown.
    pub phone: String,
    /// Where answers go.
    pub reach: Reach,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The kind of service.
    pub service: String,
    /// The request in the client's words.
    pub description: String,
    /// Where the service is wanted.
    pub location: String,
}

/// Who works on it: people and companies by their ids in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignment {
    /// The agent who answers for it.
    pub agent: Option<String>,
    /// The contractor who does the job.
    pub service_provider: Option<String>,
}

/// Everything there is to know about an order: what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: OrderId,
    /// Its number.
    pub number: OrderNumber,
    /// 1 when opened, one more with every event.
    pub version: i64,
    /// Where it stands.
    pub state: State,
    /// Its client.
    pub contact: Contact,
    /// What is asked for.
    pub request: Request,
    /// How it came in.
    pub channel: Channel,
    /// Who works on it.
    pub assignment: Assignment,
    /// The price that stands: sent to the client, and not taken back by work on another one.
    pub quotation: Option<Quotation>,
    /// Times that its documents were sent to signature.
    pub attempts: u32,
    /// The document that holds the signatures, once all have signed.
    pub signed_document: String,
    /// What came of checking its client in the ERP.
    pub check: Check,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(Snapshot);

impl Order {
    /// Opens an order. Its event is version 1.
    #[must_use]
    pub fn open(
        id: OrderId,
        number: OrderNumber,
        contact: Contact,
        request: Request,
        channel: Channel,
    ) -> (Self, Event) {
        Self::open_with(id, number, contact, request, channel, Check::None)
    }

    /// The same, for a client whose check may still be pending.
    #[must_use]
    pub fn open_with(
        id: OrderId,
        number: OrderNumber,
        contact: Contact,
        request: Request,
        channel: Channel,
        check: Check,
    ) -> (Self, Event) {
        let order = Self(Snapshot {
            id,
            number,
            version: 1,
            state: State::Nueva,
            contact,
            request,
            channel,
            assignment: Assignment::default(),
            quotation: None,
            attempts: 0,
            signed_document: String::new(),
            check,
        });
        let event = order.event(Fact::Opened);
        (order, event)
    }

    /// The order as it was stored.
    #[must_use]
    pub const fn restore(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }

    /// Everything about it.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.0
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.0.state
    }

    /// How many events it has had.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.0.version
    }

    /// Moves it by a transition of the table.
    ///
    /// # Errors
    /// [`Refused`] says why not; the order is then as it was.
    pub fn apply(&mut self, transition: Transition, reason: Option<&str>) -> Result<Event, Refused> {
        let before = self.0.state;
        let after = before
            .after(transition)
            .ok_or_else(|| illegal(before, transition))?;
        let reason = reason.map(str::trim).unwrap_or_default();
        if reason.is_empty() && transition.needs_reason() {
            return Err(Refused::ReasonMissing(transition));
        }
        if reason.chars().count() > MAX_REASON {
            return Err(Refused::ReasonTooLong(MAX_REASON));
        }
        self.0.state = after;
        self.0.version += 1;
        match transition {
            // A price that is worked on anew, or sent without a figure, no longer stands.
            Transition::StartQuotation | Transition::SendQuotation => self.0.quotation = None,
            Transition::SendToSignature => self.0.attempts += 1,
            _ => {}
        }
        Ok(self.event(Fact::Moved {
            before,
            after,
            transition,
            reason: reason.to_owned(),
        }))
    }

    /// Sends a price to the client.
    ///
    /// # Errors
    /// [`Refused`] says why not; the order is then as it was.
    pub fn quote(&mut self, quotation: Quotation, reason: Option<&str>) -> Result<Event, Refused> {
        let mut event = self.apply(Transition::SendQuotation, reason)?;
        self.0.quotation = Some(quotation);
        event.order = self.0.clone();
        Ok(event)
    }

    /// Sends its documents to those who sign them.
    ///
    /// # Errors
    /// [`Refused`] says why not, where it stands before who is missing; the order is then as it was.
    pub fn send_to_signature(&mut self, parties: &Parties, reason: Option<&str>) -> Result<Event, Refused> {
        if self.0.state.after(Transition::SendToSignature).is_some() {
            parties.complete()?;
        }
        self.apply(Transition::SendToSignature, reason)
    }

    /// All have signed, and `document` holds the signatures.
    ///
    /// # Errors
    /// [`Refused`] says why not; the order is then as it was.
    pub fn signed(&mut self, document: &str) -> Result<Event, Refused> {
        let mut event = self.apply(Transition::CompleteSignature, None)?;
        self.0.signed_document = document.to_owned();
        event.order = self.0.clone();
        Ok(event)
    }

    /// Names who works on it. `None` leaves a place as it is; a new order becomes `Asignada` by it.
    ///
    /// # Errors
    /// [`Refused`] when nobody is named, or the order is finished.
    pub fn assign(&mut self, change: &Assignment) -> Result<Vec<Event>, Refused> {
        let named = |who: &Option<String>| {
            who.as_deref()
                .map(str::trim)
                .filter(|who| !who.is_empty())
                .map(str::to_owned)
        };
        let (agent, service_provider) = (named(&change.agent), named(&change.service_provider));
        if agent.is_none() && service_provider.is_none() {
            return Err(Refused::NobodyAssigned);
        }
        if self.0.state.is_final() {
            return Err(Refused::Finished(self.0.state));
        }
        let before = self.0.assignment.clone();
        let after = Assignment {
            agent: agent.or_else(|| before.agent.clone()),
            service_provider: service_provider.or_else(|| before.service_provider.clone()),
        };
        let mut events = Vec::new();
        if after != before {
            self.0.assignment = after;
            self.0.version += 1;
            events.push(self.event(Fact::Assigned { before }));
        }
        if self.0.state.after(Transition::Assign).is_some() {
            events.push(self.apply(Transition::Assign, None)?);
        }
        Ok(events)
    }

    /// Its client was checked in the ERP, or this was given up; `None` when nothing waited for it. Where it stands does
    /// not matter: who it was for is worth knowing also of a finished order.
    pub fn client_checked(&mut self, outcome: Check) -> Option<Event> {
        let settles = !matches!(outcome, Check::None | Check::Pending);
        if self.0.check != Check::Pending || !settles {
            return None;
        }
        self.0.check = outcome;
        self.0.version += 1;
        Some(self.event(Fact::ClientChecked))
    }

    fn event(&self, fact: Fact) -> Event {
        Event {
            order: self.0.clone(),
            fact,
        }
    }
}

fn illegal(state: State, transition: Transition) -> Refused {
    if state.is_final() {
        return Refused::Finished(state);
    }
    let quotation_open = matches!(
        state,
        State::Nueva
            | State::Asignada
            | State::EnCotizacion
            | State::CotizacionEnviada
            | State::CotizacionRechazada
    );
    if transition == Transition::SendToSignature && quotation_open {
        return Refused::QuotationNotApproved(state);
    }
    let possible = state
        .open_to_people()
        .map(Transition::name)
        .collect::<Vec<_>>()
        .join(", ");
    Refused::Illegal {
        state,
        transition,
        possible,
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
