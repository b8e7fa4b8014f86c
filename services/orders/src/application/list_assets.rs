//! Lists a tenant's assets, the one last changed first.

use puente_types::TenantId;

use crate::application::page::Page;
use crate::domain::error::StoreError;
use crate::domain::queries::AssetQueries;
use crate::domain::view::{AssetFilter, AssetView, Place};

/// The assets last changed that fit, of those after a place if one is given; `size` 0 is the usual size.
///
/// # Errors
/// The store's answer.
pub async fn list_assets<Q: AssetQueries>(
    queries: &Q,
    tenant: &TenantId,
    filter: &AssetFilter,
    after: Option<Place>,
    size: u32,
) -> Result<Page<AssetView>, StoreError> {
    let read = queries
        .latest(tenant, filter, after, Page::<AssetView>::to_read(size))
        .await?;
    Ok(Page::cut(read, size))
}
