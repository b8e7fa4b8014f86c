//! Looks a client up in the tenant's ERP. Whoever owns the ERP's connection is asked, and answers within its quota; here
//! stands only what is wanted of it.

use async_trait::async_trait;
use puente_types::{Nit, TenantId};
use time::OffsetDateTime;

use crate::domain::company::Company;

/// The ERPs of the tenants.
#[async_trait]
pub trait Companies: Send + Sync {
    /// The client of a tax id; `None` when the tenant's ERP knows none. Ends within a deadline of its own, and is not
    /// called inside a transaction.
    ///
    /// # Errors
    /// When there is no ERP, or no answer.
    async fn look_up(&self, tenant: &TenantId, nit: &Nit) -> Result<Option<Company>, NoAnswer>;
}

/// Why an ERP said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The tenant has none.
    #[error("the tenant has no ERP")]
    Off,
    /// It, or whoever asks it, is away, refuses, or says what cannot be read. Asking later may help.
    #[error("the ERP gives no answer")]
    Unreachable,
}

/// What is known of a tax id, as it is shown to who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What the ERP last said; `None` when it never said anything.
    pub answer: Option<Answer>,
    /// When it said so.
    pub known_at: Option<OffsetDateTime>,
}

/// An answer of an ERP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It knows the client.
    Found(Company),
    /// It does not.
    Unknown,
    /// There is none.
    Off,
}
