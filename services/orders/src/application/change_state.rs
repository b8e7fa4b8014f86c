//! Moves or assigns an order at the wish of another part of the program.

use puente_types::{OrderId, TenantId};
use uuid::Uuid;

use crate::domain::error::{Refused, StoreError};
use crate::domain::event::Event;
use crate::domain::order::{Assignment, Order};
use crate::domain::ports::{Decided, OrderStore, Saved};
use crate::domain::quotation::Quotation;
use crate::domain::signing::{Parties, SignatureRequest};
use crate::domain::state::Transition;

/// How often a change is decided anew when somebody else was faster. An order has few writers.
const ATTEMPTS: usize = 5;

/// What is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A transition of the table, with its reason.
    Move(Transition, Option<String>),
    /// A price goes to the client, with words about it.
    Quote(Quotation, Option<String>),
    /// The documents go to these, with words about it.
    Sign(Box<Parties>, Option<String>),
    /// Who works on it.
    Assign(Assignment),
}

/// Why nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The tenant has no such order.
    #[error("there is no such order")]
    Unknown,
    /// The order's rules.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Others kept changing it.
    #[error("the order is being changed by others; try again")]
    Busy,
    /// The store's answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes an order; returns it as it stands after, with the events that were stored.
///
/// # Errors
/// [`ChangeError`]; nothing has changed then.
pub async fn change_state<S: OrderStore>(
    store: &S,
    tenant: &TenantId,
    id: OrderId,
    change: &Change,
) -> Result<(Order, Vec<Event>), ChangeError> {
    for _ in 0..ATTEMPTS {
        let mut order = store.load(tenant, id).await?.ok_or(ChangeError::Unknown)?;
        let since = order.version();
        let decided = decide(&mut order, change, "")?;
        if decided.events.is_empty()
            || store.save(tenant, &order, since, &decided, None).await? == Saved::Applied
        {
            return Ok((order, decided.events));
        }
    }
    Err(ChangeError::Busy)
}

/// Changes the order as far as its rules allow. `by` is who wants it.
pub(crate) fn decide(order: &mut Order, change: &Change, by: &str) -> Result<Decided, Refused> {
    let moved = |event| Decided {
        events: vec![event],
        request: None,
    };
    match change {
        Change::Move(transition, _) if transition.comes_from_signers() => {
            Err(Refused::ComesFromSigners(*transition))
        }
        Change::Move(Transition::SendToSignature, reason) => {
            // Where it stands comes before who is missing.
            order
                .clone()
                .apply(Transition::SendToSignature, reason.as_deref())?;
            Err(Refused::NobodySigns)
        }
        Change::Move(transition, reason) => Ok(moved(order.apply(*transition, reason.as_deref())?)),
        Change::Quote(quotation, reason) => Ok(moved(order.quote(quotation.clone(), reason.as_deref())?)),
        Change::Assign(assignment) => Ok(Decided {
            events: order.assign(assignment)?,
            request: None,
        }),
        Change::Sign(parties, reason) => {
            let event = order.send_to_signature(parties, reason.as_deref())?;
            Ok(Decided {
                request: Some(SignatureRequest {
                    id: Uuid::now_v7(),
                    order: event.order.clone(),
                    parties: (**parties).clone(),
                    by: by.to_owned(),
                }),
                events: vec![event],
            })
        }
    }
}
