//! Lists a tenant's conversations, the one last written to first.

use puente_types::TenantId;

use crate::application::page::Page;
use crate::domain::error::StoreError;
use crate::domain::queries::ConversationQueries;
use crate::domain::view::{ConversationFilter, ConversationView, Place};

/// The conversations last written to that fit, before `after` if a place is given; `size` 0 is the usual size.
///
/// # Errors
/// The store's answer.
pub async fn list_conversations<Q: ConversationQueries>(
    queries: &Q,
    tenant: &TenantId,
    filter: &ConversationFilter,
    after: Option<Place>,
    size: u32,
) -> Result<Page<ConversationView>, StoreError> {
    let read = queries
        .latest(tenant, filter, after, Page::<ConversationView>::to_read(size))
        .await?;
    Ok(Page::cut(read, size))
}
