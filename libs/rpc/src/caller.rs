//! Who asks.

use puente_types::TenantId;

/// Who asks, and for which tenant: what a valid token says, and the only source of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose data the answer may hold.
    pub tenant: TenantId,
    /// The person or service that asks, by its id; never a name or an address.
    pub subject: String,
    /// What the subject may do, in one word.
    pub role: String,
}
