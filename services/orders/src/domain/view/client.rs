//! A client as it is shown, and how clients are asked for.

use puente_types::{ClientId, PhoneEnding};
use time::OffsetDateTime;

/// Which clients are wanted. What is empty does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientFilter {
    /// Only those with this number: the one they gave, or the one that their provider vouched for.
    pub phone: Option<PhoneEnding>,
}

/// What is shown of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientView {
    /// Who it is.
    pub id: ClientId,
    /// The name given.
    pub name: String,
    /// The e-mail address given.
    pub email: String,
    /// The number given.
    pub phone: String,
    /// The place given.
    pub location: String,
    /// The tax id with its check digit, or empty.
    pub nit: String,
    /// When it was registered.
    pub registered_at: OffsetDateTime,
}
