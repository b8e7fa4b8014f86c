//! Lists a tenant's orders, newest first, in parts of a bounded size.

use puente_types::TenantId;

use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::ports::OrderQueries;
use crate::domain::view::OrderView;

/// Orders in one part when nobody says how many.
const USUAL: u32 = 50;
/// Orders in one part at most, so that an answer stays within a message.
const MOST: u32 = 100;

/// A part of the list.
#[derive(Debug)]
pub struct Page {
    /// Newest first.
    pub orders: Vec<OrderView>,
    /// Orders below this number follow; `None` when there are none.
    pub next: Option<OrderNumber>,
}

/// The newest `size` orders below the number `below`, or of all; 0 is the usual size.
///
/// # Errors
/// The store's answer.
pub async fn list_orders<Q: OrderQueries>(
    queries: &Q,
    tenant: &TenantId,
    below: Option<OrderNumber>,
    size: u32,
) -> Result<Page, StoreError> {
    let size = if size == 0 { USUAL } else { size.min(MOST) };
    // One more than wanted tells whether others follow.
    let mut orders = queries.newest(tenant, below, size + 1).await?;
    let more = orders.len() > size as usize;
    orders.truncate(size as usize);
    let next = orders.last().map(|order| order.number).filter(|_| more);
    Ok(Page { orders, next })
}
