//! Who asks, and how much may be shown.

use std::fmt;
use std::str::FromStr;

use puente_types::TenantId;
use tonic::Status;

/// Whose data an answer may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One tenant's.
    Tenant(TenantId),
    /// Everything of this installation: for those who operate it, never for a tenant's own people.
    Installation,
}

impl Scope {
    /// The one tenant, or `None` for the whole installation.
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Installation => None,
        }
    }
}

/// Who asks, and whose data may be shown: what a valid token says, and the only source of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data the answer may hold.
    pub scope: Scope,
    /// The person or service that asks, by its id; never a name or an address.
    pub subject: String,
    /// What the subject may do, in one word.
    pub role: String,
}

impl Caller {
    /// The one tenant that is asked about.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a caller of the whole installation: what belongs to a tenant is asked for in its name.
    pub fn tenant(&self) -> Result<&TenantId, Status> {
        match &self.scope {
            Scope::Tenant(tenant) => Ok(tenant),
            Scope::Installation => Err(Status::invalid_argument("ask for one tenant")),
        }
    }
}

const TENANT: &str = "tenant:";
const INSTALLATION: &str = "installation";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "{TENANT}{tenant}"),
            Self::Installation => f.write_str(INSTALLATION),
        }
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is `tenant:<id>` or `installation`")]
pub struct ScopeError;

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text == INSTALLATION {
            return Ok(Self::Installation);
        }
        let tenant = text.strip_prefix(TENANT).and_then(|tenant| tenant.parse().ok());
        tenant.map(Self::Tenant).ok_or(ScopeError)
    }
}
