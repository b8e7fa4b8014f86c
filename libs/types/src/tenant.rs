//! The tenant token: part of every subject, row and log line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A company served by this installation: `[a-z0-9_]`, 1 to 32 characters, usable as a subject token.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

/// A text that cannot name a tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tenant `{0}` must be 1 to 32 characters of a-z, 0-9 and `_`")]
pub struct TenantError(String);

impl TenantId {
    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = TenantError;
    fn from_str(text: &str) -> Result<Self, TenantError> {
        let fits = (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(TenantError(text.chars().take(64).collect()))
        }
    }
}

impl TryFrom<String> for TenantId {
    type Error = TenantError;
    fn try_from(text: String) -> Result<Self, TenantError> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}
