//! The documents of a service: what they are about, who brought them, until when they are valid, and where their bytes
//! are. The bytes themselves are in `puente_blob`.
//!
//! # Protocol
//! 1. A file is stored first, under a key of ours, and recorded then: [`Documents::record`] writes the row and the event
//!    `documents.document.stored` in the transaction of whatever else the document means. A crash between the two leaves
//!    a file that nobody knows, never a row without its file.
//! 2. A repeated record with the same idempotency key changes nothing and is answered with what was recorded first.
//! 3. Of a kind that is in force once ([`Kept::one`]) a newer document about the same thing takes the place of the former
//!    one, which stays, marked. Records of one kind about one thing wait for each other, so that one is in force.
//! 4. Others ask by gRPC ([`Documents::server`]), in the name of a tenant. What people bring is looked at again before it
//!    is recorded: the stored bytes must have the hash, the length and the kind that are claimed.
//! 5. Whoever looks for files that nobody knows asks every service that keeps documents which keys it has recorded: a file
//!    is unknown when it is in none of the answers, and all have answered.
//!
//! # Never
//! A link in a row or an event; a document of another tenant; a file name or a note in the log.

mod document;
mod failure;
mod kept;
mod read;
mod record;
mod server;
mod subject;
mod wire;

pub use document::{About, Document, NewDocument};
pub use kept::Kept;
pub use read::Wanted;
pub use record::{RecordError, Recorded};
pub use server::Server;
pub use subject::Subjects;

use std::sync::Arc;

use puente_blob::Blobs;
use puente_outbox::Outbox;
use puente_proto::documents::documents_server::DocumentsServer;
use puente_service::Readers;
use puente_types::Clock;

/// The largest question: 200 keys, as long as keys can be.
const MAX_QUESTION: usize = 128 * 1024;

/// The documents that one service keeps.
#[derive(Clone)]
pub struct Documents {
    kinds: &'static [Kept],
    clock: Arc<dyn Clock>,
    subjects: Option<Arc<dyn Subjects>>,
}

impl Documents {
    /// Those of these kinds.
    #[must_use]
    pub fn new(kinds: &'static [Kept], clock: Arc<dyn Clock>) -> Self {
        Self {
            kinds,
            clock,
            subjects: None,
        }
    }

    /// What people bring must be about something that is there, as far as `subjects` knows.
    #[must_use]
    pub fn about(self, subjects: Arc<dyn Subjects>) -> Self {
        Self {
            subjects: Some(subjects),
            ..self
        }
    }

    /// The rule for documents of this kind about a thing of that kind; `None` when they are not kept here.
    #[must_use]
    pub fn kept(&self, about_kind: &str, kind: &str) -> Option<&'static Kept> {
        let mut kinds = self.kinds.iter();
        kinds.find(|kept| kept.about == about_kind && kept.kind == kind)
    }

    /// What is served behind the service's door.
    #[must_use]
    pub fn server(self, readers: Readers, outbox: Outbox, blobs: Blobs) -> DocumentsServer<Server> {
        let server = Server::new(self, readers, outbox, blobs);
        DocumentsServer::new(server).max_decoding_message_size(MAX_QUESTION)
    }
}

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents")
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}
