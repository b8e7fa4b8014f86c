//! Questions and commands of other services, as gRPC: decode, ask or do, encode. Whose data is read or changed is what the
//! caller's token says.

mod ask;
mod commands;
mod photo;
mod queries;
mod recognize;
mod samples;
mod shown;

use std::sync::Arc;

use puente_blob::Blobs;
use puente_documents::Documents;
use puente_outbox::Outbox;
use puente_proto::ocr::capture_commands_server::CaptureCommandsServer;
use puente_proto::ocr::capture_queries_server::CaptureQueriesServer;
use puente_service::Readers;
use tokio::sync::Semaphore;
use tonic::service::Routes;

use crate::infrastructure::desk::Desk;

/// A question is a key, a filter or a cursor; a command is little more.
const MAX_QUESTION: usize = 16 * 1024;

/// What answers need.
pub(crate) struct Answers {
    pub(crate) readers: Readers,
    pub(crate) outbox: Outbox,
    pub(crate) desk: Arc<Desk>,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    /// Callers that may wait for a reading.
    pub(crate) waiting: Arc<Semaphore>,
    /// Photographs of a tenant that may wait to be read.
    pub(crate) most: i64,
}

/// Everything that is answered.
pub(crate) fn routes(answers: Answers) -> Routes {
    let answers = Arc::new(answers);
    let queries = queries::Queries(Arc::clone(&answers));
    let commands = commands::Commands(answers);
    Routes::new(CaptureQueriesServer::new(queries).max_decoding_message_size(MAX_QUESTION))
        .add_service(CaptureCommandsServer::new(commands).max_decoding_message_size(MAX_QUESTION))
}
