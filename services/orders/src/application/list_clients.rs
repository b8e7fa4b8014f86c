//! Lists a tenant's clients, newest first.

use puente_types::TenantId;

use crate::application::page::Page;
use crate::domain::error::StoreError;
use crate::domain::queries::ClientQueries;
use crate::domain::view::{ClientFilter, ClientView, Place};

/// The newest clients that fit, before `after` if a place is given; `size` 0 is the usual size.
///
/// # Errors
/// The store's answer.
pub async fn list_clients<Q: ClientQueries>(
    queries: &Q,
    tenant: &TenantId,
    filter: &ClientFilter,
    after: Option<Place>,
    size: u32,
) -> Result<Page<ClientView>, StoreError> {
    let read = queries
        .newest(tenant, filter, after, Page::<ClientView>::to_read(size))
        .await?;
    Ok(Page::cut(read, size))
}
