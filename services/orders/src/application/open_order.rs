//! Opens an order for a client.

use crate::domain::client::Client;
use crate::domain::error::StoreError;
use crate::domain::order::{Channel, Contact, Order, Reach, Request};
use crate::domain::ports::Turn;

/// Opens an order; the client is told through its event.
///
/// # Errors
/// The store's answer.
pub async fn open_order<T: Turn>(
    turn: &mut T,
    client: &Client,
    reach: Reach,
    request: Request,
    channel: Channel,
) -> Result<Order, StoreError> {
    let contact = Contact {
        client_id: client.id,
        name: client.data.name.clone(),
        phone: client.data.phone.as_e164().to_owned(),
        reach,
    };
    turn.open(contact, request, channel).await
}
