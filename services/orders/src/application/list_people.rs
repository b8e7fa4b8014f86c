//! The directory, by name, a page at a time.

use puente_types::TenantId;

use crate::application::page::Page;
use crate::domain::directory::{Kind, PersonView};
use crate::domain::error::StoreError;
use crate::domain::queries::DirectoryQueries;

/// A page of the tenant's people, after the one of the id `after` if it is given.
///
/// # Errors
/// When the store does not answer.
pub async fn list_people<Q: DirectoryQueries>(
    queries: &Q,
    tenant: &TenantId,
    kind: Option<Kind>,
    after: Option<&str>,
    size: u32,
) -> Result<Page<PersonView>, StoreError> {
    let read = queries
        .by_name(tenant, kind, after, Page::<PersonView>::to_read(size))
        .await?;
    Ok(Page::cut(read, size))
}
