//! Moves or assigns an order at the wish of another part of the program.

use puente_types::{OrderId, TenantId};

use crate::domain::error::{Refused, StoreError};
use crate::domain::event::Event;
use crate::domain::order::{Assignment, Order};
use crate::domain::ports::{OrderStore, Saved};
use crate::domain::state::Transition;

/// How often a change is decided anew when somebody else was faster. An order has few writers.
const ATTEMPTS: usize = 5;

/// What is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A transition of the table, with its reason.
    Move(Transition, Option<String>),
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
        let events = decide(&mut order, change)?;
        if events.is_empty() || store.save(tenant, &order, since, &events, None).await? == Saved::Applied {
            return Ok((order, events));
        }
    }
    Err(ChangeError::Busy)
}

/// Changes the order as far as its rules allow.
pub(crate) fn decide(order: &mut Order, change: &Change) -> Result<Vec<Event>, Refused> {
    match change {
        Change::Move(transition, reason) => Ok(vec![order.apply(*transition, reason.as_deref())?]),
        Change::Assign(assignment) => order.assign(assignment),
    }
}
