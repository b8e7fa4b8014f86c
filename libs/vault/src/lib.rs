//! Tenants' connections to providers: sealed at rest and on the way, opened in memory only.
//!
//! Who is who:
//! - An operator writes a [`ConnectionsFile`]; [`publish::apply`] seals each connection with the first of the
//!   [`MasterKeys`] and puts it into the key-value bucket `connections` of the broker, under the connection's id.
//! - Every service holds one [`Connections`]: it opens what the bucket holds, serves it from memory, and keeps a
//!   last-seen copy, still sealed, in the table `connection_copies` of its own schema. So it starts and works
//!   without the broker, and without whoever publishes.
//! - A service that calls in the name of an account keeps its OAuth tokens in an [`oauth::TokenStore`], sealed likewise in
//!   its own schema.
//! - Master keys are a file's, the environment's, or stay in Azure Key Vault ([`azure`]). [`reseal`] seals everything anew
//!   after a change; [`expiry`] warns of secrets that end.
//!
//! Rules that hold everywhere here:
//! - The bucket is the truth about what it names, and says nothing about what it does not name: only a delete
//!   marker removes a connection. A broker that lost its disk therefore changes nothing.
//! - A copy is replaced only by something this service could open. What it could not open is kept aside as a
//!   [`Problem`], and the former connection goes on.
//! - No error, log line or `Debug` output carries a secret, a sealed value or a master key.

mod account;
pub mod azure;
mod book;
mod bucket;
mod choose;
mod copies;
mod data_key;
mod entry;
pub mod expiry;
mod file;
mod master;
mod masters;
pub mod oauth;
pub mod publish;
pub mod reseal;
mod seal;
mod snapshot;
mod store;
mod watch;

pub use bucket::BUCKET;
pub use choose::Unclear;
pub use file::{ConnectionsFile, FileError, FileErrors};
pub use master::{MasterKey, MasterKeyError};
pub use masters::{Master, MasterKeys};
pub use seal::{SealError, Sealed, open, seal};
pub use snapshot::{Problem, ProblemKind};
pub use store::{Connections, StoreError};
