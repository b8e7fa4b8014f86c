//! Documents as bytes: five private containers in a folder, in Azure Blob Storage or in a store that speaks S3.
//!
//! # How a document is kept
//! 1. What comes in is judged by its content ([`content::check`]), never by its name or what its sender says it is.
//! 2. It is stored once under a key of ours ([`BlobKey`]). Writing creates only: repeating the same write succeeds, and
//!    nothing that was stored is ever replaced.
//! 3. The caller records key, kind, size and hash ([`Stored`]) in its own tables, in one transaction with what it means.
//!    No link is ever recorded.
//! 4. Whoever may see it is given a [`Link`]: for one object, one permission and a short time. Links are answered by the
//!    gateway or, where we can sign for it, by the store itself.
//! 5. Reading compares with the recorded hash: a file that was altered is [`BlobError::Tampered`], never served.
//!
//! # Never
//! A link, an account's key or a document's content in a log, error or span; a public container; plain HTTP beyond this
//! machine.

mod azure;
mod blobs;
mod cloud;
pub mod content;
mod error;
mod hash;
mod key;
mod link;
mod list;
mod local;
mod media;
pub mod name;
mod open;
mod road;
#[cfg(feature = "s3")]
mod s3;
mod sas;
mod settings;
mod store;

pub use blobs::{Blobs, MAX_OBJECT_BYTES, Stored};
pub use error::{BlobError, Cause, OpenError};
pub use hash::{HashError, Sha256Hash};
pub use key::{BlobKey, BlobKeyError};
pub use link::{Link, LinkClaims, LinkError, PATH as LINK_PATH, Permission, READ_FOR, WRITE_FOR};
pub use list::{MOST_LISTED, Object, Page};
pub use media::{MediaType, MediaTypeError};
pub use puente_types::{Container, ContainerError};
pub use settings::{DEFAULTS, Links, StorageKind, StorageSettings};
