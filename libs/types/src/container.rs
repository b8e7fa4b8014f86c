//! The five containers of documents. All are private: who may see what is decided by the gateway, per container and role.

use std::fmt;
use std::str::FromStr;

/// A place for one kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Container {
    /// What belongs to an order: photos, scans.
    Orders,
    /// What service providers hand in: ARL, EPS, RUT.
    Providers,
    /// Photos and sheets of equipment.
    Assets,
    /// Contracts, signed and unsigned, with their certificates.
    Contracts,
    /// Reports of work carried out, and summaries.
    Reports,
}

/// A text that names no container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such container")]
pub struct ContainerError;

impl Container {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Orders,
        Self::Providers,
        Self::Assets,
        Self::Contracts,
        Self::Reports,
    ];

    /// Its name, in URLs, in the database and at the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Providers => "providers",
            Self::Assets => "assets",
            Self::Contracts => "contracts",
            Self::Reports => "reports",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Container {
    type Err = ContainerError;

    fn from_str(text: &str) -> Result<Self, ContainerError> {
        let named = Self::ALL.into_iter().find(|container| container.as_str() == text);
        named.ok_or(ContainerError)
    }
}
