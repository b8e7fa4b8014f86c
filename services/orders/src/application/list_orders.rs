//! Lists a tenant's orders, newest first.

use puente_types::TenantId;

use crate::application::page::Page;
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::queries::OrderQueries;
use crate::domain::view::{OrderFilter, OrderView};

/// The newest orders that fit, below the number `below` if one is given; `size` 0 is the usual size.
///
/// # Errors
/// The store's answer.
pub async fn list_orders<Q: OrderQueries>(
    queries: &Q,
    tenant: &TenantId,
    filter: &OrderFilter,
    below: Option<OrderNumber>,
    size: u32,
) -> Result<Page<OrderView>, StoreError> {
    let read = queries
        .newest(tenant, filter, below, Page::<OrderView>::to_read(size))
        .await?;
    Ok(Page::cut(read, size))
}
