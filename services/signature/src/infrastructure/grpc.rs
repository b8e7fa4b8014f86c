//! Questions and commands of other services, as gRPC: decode, ask or do, encode. Whose data is read or changed is what the
//! caller's token says.

mod accounts;
mod ask;
mod commands;
mod made;
mod queries;
mod scan;
mod shown;

use std::sync::Arc;

use puente_blob::Blobs;
use puente_documents::Documents;
use puente_effects::Wake;
use puente_outbox::Outbox;
use puente_proto::signature::signature_commands_server::SignatureCommandsServer;
use puente_proto::signature::signature_queries_server::SignatureQueriesServer;
use puente_service::Readers;
use puente_typeset::Templates;
use tokio::sync::Semaphore;
use tonic::service::Routes;

use crate::infrastructure::access::Access;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::poller::Poller;

/// A question is a key, a filter or a cursor.
const MAX_QUESTION: usize = 8 * 1024;
/// A command may hold all of a summary.
const MAX_COMMAND: usize = 512 * 1024;

/// What answers need.
pub(crate) struct Answers {
    pub(crate) readers: Readers,
    pub(crate) outbox: Outbox,
    pub(crate) desk: Arc<Desk>,
    pub(crate) poller: Arc<Poller>,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    pub(crate) templates: Templates,
    /// Documents set at the same time for callers.
    pub(crate) setting: Arc<Semaphore>,
    /// Wakes the effects.
    pub(crate) wake: Wake,
}

/// Everything that is answered.
pub(crate) fn routes(answers: Answers) -> Routes {
    let answers = Arc::new(answers);
    let queries = queries::Queries(Arc::clone(&answers));
    let commands = commands::Commands(answers);
    Routes::new(SignatureQueriesServer::new(queries).max_decoding_message_size(MAX_QUESTION))
        .add_service(SignatureCommandsServer::new(commands).max_decoding_message_size(MAX_COMMAND))
}
