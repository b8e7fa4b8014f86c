//! Today's access to the accounts at signature providers: what a call needs besides the connection, and how a person
//! grants it.

use async_trait::async_trait;
use puente_ports::{CallCtx, Connection, ProviderError, ProviderErrorKind};
use puente_types::{ConnectionId, Secret, TenantId};
use time::OffsetDateTime;

/// An account as people are shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The connection.
    pub connection: ConnectionId,
    /// The provider's slug.
    pub provider: String,
    /// `active`, `needs_consent` or `never`.
    pub state: &'static str,
    /// What is wrong, for the person who mends it; no secret.
    pub problem: String,
    /// When the access token ends.
    pub expires_at: Option<OffsetDateTime>,
    /// Its id at the provider; empty when unknown.
    pub account_id: String,
    /// What was granted, in the provider's words.
    pub scope: String,
}

/// Why an account cannot be shown or granted.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The tenant has no such connection, or it grants nothing by OAuth.
    #[error("there is no such account")]
    NoAccount,
    /// No such authorisation is under way: never begun, used, too old, or somebody else's.
    #[error("no such authorisation is under way; begin again")]
    Unknown,
    /// The provider refused, or the connection is not set up as it must be.
    #[error("{0}")]
    Provider(ProviderError),
    /// The database, or what it holds sealed.
    #[error("accounts cannot be reached now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Access to accounts.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// The connection as a call needs it: with today's access token, the account's id and the root of its interface.
    ///
    /// # Errors
    /// `consent_required` when a person has to grant access again, else why the provider gave no token.
    async fn ready(&self, connection: &Connection) -> Result<Connection, ProviderError>;

    /// The provider refused the token of this connection: the next [`Access::ready`] brings another one.
    async fn refused(&self, ready: &Connection);

    /// Begins to authorise: the page of the provider to which the person `by` is sent.
    ///
    /// # Errors
    /// [`AccessError`].
    async fn begin(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        redirect_uri: &str,
        by: &str,
    ) -> Result<String, AccessError>;

    /// Ends it with what the provider sent back.
    ///
    /// # Errors
    /// [`AccessError`].
    async fn complete(
        &self,
        tenant: &TenantId,
        state: &Secret,
        code: &Secret,
    ) -> Result<Account, AccessError>;

    /// The tenant's accounts.
    ///
    /// # Errors
    /// [`AccessError`].
    async fn list(&self, tenant: &TenantId) -> Result<Vec<Account>, AccessError>;
}

/// The call over another connection: the same one, with today's access.
pub(crate) const fn over<'a>(ctx: CallCtx<'a>, ready: &'a Connection) -> CallCtx<'a> {
    CallCtx {
        connection: ready,
        ..ctx
    }
}

/// The connection to make a call over once more, if its token was refused; `None` when the answer stands. `base` is the
/// connection as it is set up.
///
/// # Errors
/// Why there is no other token.
pub(crate) async fn renewed<T: Sync>(
    access: &dyn Access,
    base: &Connection,
    ready: &Connection,
    called: &Result<T, ProviderError>,
) -> Result<Option<Connection>, ProviderError> {
    match called {
        Err(error) if *error.kind() == ProviderErrorKind::Auth => {
            access.refused(ready).await;
            access.ready(base).await.map(Some)
        }
        _ => Ok(None),
    }
}
