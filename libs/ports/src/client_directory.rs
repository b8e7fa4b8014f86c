//! Clients as a tenant's ERP knows them.

use async_trait::async_trait;

use crate::{CallCtx, ProviderError};

/// A client of the ERP.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryClient {
    /// The tax id without its check digit, as the ERP has it.
    pub nit: String,
    /// The registered name.
    pub legal_name: String,
    /// Where invoices go; empty when the ERP has none.
    pub email: String,
    /// Numbers as the ERP has them, best first. They prove nothing, and may be spelled in any way.
    pub phones: Vec<String>,
    /// The address as one line; empty when the ERP has none.
    pub address: String,
    /// Whether it may be served.
    pub status: ClientStatus,
    /// Grows with every change there; what has a lower one is older.
    pub version: i64,
}

/// What a client is to the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientStatus {
    /// It is served.
    Active,
    /// It is known, and not served now.
    Inactive,
    /// It was taken out; the ERP remembers that.
    Deleted,
}

// Names, numbers and tax ids of people are not for logs.
impl std::fmt::Debug for DirectoryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryClient")
            .field("status", &self.status)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A provider that knows clients by their tax id. Looking one up changes nothing there, so that it may be repeated.
#[async_trait]
pub trait ClientDirectory: Send + Sync {
    /// The client of a tax id, given as digits without the check digit; `None` when the ERP knows none. That the service
    /// itself was not found is no answer to the question: it is `Configuration`.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn look_up(&self, ctx: CallCtx<'_>, nit: &str) -> Result<Option<DirectoryClient>, ProviderError>;
}
