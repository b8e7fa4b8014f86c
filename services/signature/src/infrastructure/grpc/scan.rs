//! The scan of a signed paper: looked at before it counts.

use puente_blob::content::{self, ContentError};
use puente_blob::{BlobError, BlobKey, Container, MediaType, Sha256Hash, Stored};
use puente_documents::{About, NewDocument, RecordError};
use puente_outbox::Tx;
use puente_proto::signature::RecordScanRequest;
use puente_rpc::Caller;
use tonic::Status;
use uuid::Uuid;

use super::{Answers, ask};
use crate::infrastructure::documents::{ORDER, SCAN};
use crate::infrastructure::files::MAX_BYTES;
use crate::infrastructure::store::command::Issued;
use crate::infrastructure::store::row::Row;

/// Longest name of a file.
const MAX_NAME: usize = 200;

/// A scan that was stored, and is what is claimed of it.
pub(super) struct Scan {
    stored: Stored,
    file_name: String,
}

impl Scan {
    /// Looks at the stored file: its kind is told by its content.
    pub(super) async fn read(
        answers: &Answers,
        caller: &Caller,
        wish: RecordScanRequest,
    ) -> Result<Self, Status> {
        let tenant = caller.tenant()?;
        let key = BlobKey::parse(&wish.key).map_err(|_| Status::invalid_argument("the key is none"))?;
        if key.tenant().as_ref() != Some(tenant) {
            return Err(Status::invalid_argument("the key belongs to another tenant"));
        }
        let sha256: Sha256Hash = wish
            .sha256
            .parse()
            .map_err(|_| Status::invalid_argument("sha256 has 64 hexadecimal digits"))?;
        let file_name = ask::needed(wish.file_name, "a file name", MAX_NAME)?;
        let container = Container::Contracts;
        let read = answers.blobs.get(container, &key, MAX_BYTES, Some(&sha256)).await;
        let bytes = read.map_err(unread)?;
        if u64::try_from(bytes.len()) != Ok(wish.bytes) {
            return Err(Status::failed_precondition("the stored file has another length"));
        }
        let media_type = content::check(&bytes, &MediaType::SCANS, MAX_BYTES)
            .map_err(|error: ContentError| Status::invalid_argument(error.to_string()))?;
        Ok(Self {
            stored: Stored {
                container,
                key,
                media_type,
                bytes: wish.bytes,
                sha256,
            },
            file_name,
        })
    }

    /// Records it with the command.
    pub(super) async fn record(
        self,
        answers: &Answers,
        tx: &mut Tx,
        row: &Row,
        issued: &Issued,
    ) -> Result<Uuid, Status> {
        let new = NewDocument {
            tenant: row.tenant.clone(),
            idempotency_key: format!("scan:{}", row.id),
            about: About::new(ORDER, row.order),
            kind: SCAN.to_owned(),
            stored: self.stored,
            file_name: self.file_name,
            by: issued.by.clone(),
            expires_on: None,
            note: String::new(),
            cause: Some(row.id.to_string()),
        };
        match answers.documents.record(tx, &new).await {
            Ok(recorded) => Ok(recorded.document().id),
            Err(RecordError::Refused(reason)) => Err(Status::invalid_argument(reason)),
            Err(RecordError::Database(error)) => Err(ask::failed(error)),
        }
    }
}

fn unread(error: BlobError) -> Status {
    match error {
        BlobError::NotFound | BlobError::Tampered => {
            Status::failed_precondition("the stored file is not what is claimed of it")
        }
        BlobError::TooLarge { .. } => Status::invalid_argument(error.to_string()),
        other => ask::provider(&other.into()),
    }
}
