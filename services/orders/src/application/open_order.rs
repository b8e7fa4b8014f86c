//! Opens an order for a client.

use crate::domain::error::StoreError;
use crate::domain::order::{Channel, Contact, Order, Request};
use crate::domain::ports::Turn;

/// Opens an order; whoever asked for it is told through its event.
///
/// # Errors
/// The store's answer.
pub async fn open_order<T: Turn>(
    turn: &mut T,
    contact: Contact,
    request: Request,
    channel: Channel,
) -> Result<Order, StoreError> {
    turn.open(contact, request, channel).await
}
