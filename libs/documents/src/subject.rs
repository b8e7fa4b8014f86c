//! Whether what a document is said to be about is there.

use puente_types::TenantId;
use sqlx::PgConnection;

use crate::About;

/// What a service knows of the things that its documents are about.
#[tonic::async_trait]
pub trait Subjects: Send + Sync + 'static {
    /// Whether the tenant has this one.
    async fn exists(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        about: &About,
    ) -> Result<bool, sqlx::Error>;
}
