//! The gRPC service: a tenant's documents, asked for and recorded.

use puente_blob::{Blobs, Container, Sha256Hash, Stored, content};
use puente_outbox::Outbox;
use puente_proto::documents::documents_server::Documents as Service;
use puente_proto::documents::{
    FindRecordedRequest, FindRecordedResponse, GetDocumentRequest, GetDocumentResponse, ListDocumentsRequest,
    ListDocumentsResponse, RecordDocumentRequest, RecordDocumentResponse,
};
use puente_rpc::cursor::{of_key, read};
use puente_rpc::{Caller, answer};
use puente_service::Readers;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{About, Documents, NewDocument, Wanted, failure, wire};

/// Documents in an answer, usually and at most.
const USUAL: u32 = 50;
const MOST: u32 = 100;
/// Kinds that may be named in one question.
const MOST_KINDS: usize = 50;
/// Keys that may be named in one question.
const MOST_KEYS: usize = 200;
/// Tells cursors of this list from others.
const CURSOR: u8 = b'd';

/// One service's documents, being served.
pub struct Server {
    documents: Documents,
    readers: Readers,
    outbox: Outbox,
    blobs: Blobs,
}

impl Server {
    pub(crate) fn new(documents: Documents, readers: Readers, outbox: Outbox, blobs: Blobs) -> Self {
        Self {
            documents,
            readers,
            outbox,
            blobs,
        }
    }

    async fn list(
        &self,
        caller: Caller,
        question: ListDocumentsRequest,
    ) -> Result<ListDocumentsResponse, Status> {
        let tenant = caller.tenant()?;
        if question.about_kind.is_empty() && !question.about_id.is_empty() {
            return Err(Status::invalid_argument("about_id needs about_kind"));
        }
        if question.kinds.len() > MOST_KINDS {
            return Err(Status::invalid_argument("name at most 50 kinds"));
        }
        let size = match question.page_size {
            0 => USUAL,
            wanted => wanted.min(MOST),
        };
        // No row holds this character, and the database takes none of it.
        let plain = |text: String| text.replace('\0', "\u{fffd}");
        let wanted = Wanted {
            about_kind: plain(question.about_kind),
            about_id: plain(question.about_id),
            kinds: question.kinds.into_iter().map(plain).collect(),
            expires_until: wire::date(&question.expires_until)?,
            before: read(CURSOR, &question.cursor, |key| Uuid::from_slice(key).ok())?,
            limit: size + 1,
        };
        let mut tx = self
            .readers
            .begin(Some(tenant))
            .await
            .map_err(|e| failure::database(&e))?;
        let found = self.documents.list(&mut tx, tenant, &wanted).await;
        let mut found = found.map_err(|error| failure::database(&error))?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more);
        Ok(ListDocumentsResponse {
            next_cursor: last
                .map(|last| of_key(CURSOR, last.id.as_bytes()))
                .unwrap_or_default(),
            documents: found.into_iter().map(Into::into).collect(),
        })
    }

    async fn get(&self, caller: Caller, question: GetDocumentRequest) -> Result<GetDocumentResponse, Status> {
        let tenant = caller.tenant()?;
        let id = Uuid::try_parse(&question.document_id)
            .map_err(|_| Status::invalid_argument("an id is a UUID"))?;
        let mut tx = self
            .readers
            .begin(Some(tenant))
            .await
            .map_err(|e| failure::database(&e))?;
        let found = self.documents.get(&mut tx, tenant, id).await;
        let found = found.map_err(|error| failure::database(&error))?;
        let found = found.ok_or_else(|| Status::not_found("there is no such document"))?;
        Ok(GetDocumentResponse {
            document: Some(found.into()),
        })
    }

    async fn find_recorded(
        &self,
        caller: Caller,
        question: FindRecordedRequest,
    ) -> Result<FindRecordedResponse, Status> {
        let container: Container = question
            .container
            .parse()
            .map_err(|_| Status::invalid_argument("there is no such container"))?;
        if question.keys.len() > MOST_KEYS || question.keys.iter().any(|key| key.contains('\0')) {
            return Err(Status::invalid_argument("name at most 200 keys"));
        }
        let begun = self.readers.begin(caller.scope.tenant()).await;
        let mut tx = begun.map_err(|error| failure::database(&error))?;
        let keys = Documents::recorded(&mut tx, container, &question.keys).await;
        Ok(FindRecordedResponse {
            keys: keys.map_err(|error| failure::database(&error))?,
        })
    }

    async fn record(
        &self,
        caller: Caller,
        command: RecordDocumentRequest,
    ) -> Result<RecordDocumentResponse, Status> {
        let new = new(&caller, command)?;
        let kept = self.documents.allowed(&new).map_err(failure::record)?;
        if !kept.from_people {
            return Err(Status::invalid_argument(
                "documents of this kind are brought by nobody",
            ));
        }
        let mut tx = self
            .outbox
            .begin()
            .await
            .map_err(|error| failure::database(&error))?;
        let before = Documents::by_key(&mut tx, &new.tenant, &new.idempotency_key).await;
        if let Some(document) = before.map_err(|error| failure::database(&error))? {
            return Ok(RecordDocumentResponse {
                document: Some(document.into()),
            });
        }
        if let Some(subjects) = &self.documents.subjects {
            let there = subjects.exists(&mut tx, &new.tenant, &new.about).await;
            if !there.map_err(|error| failure::database(&error))? {
                return Err(Status::not_found("what the document is about is not there"));
            }
        }
        // No connection is held while the store is asked.
        drop(tx);
        self.look_at(&new.stored, kept.max_bytes).await?;
        let mut tx = self
            .outbox
            .begin()
            .await
            .map_err(|error| failure::database(&error))?;
        let recorded = self.documents.record(&mut tx, &new).await;
        let document = recorded.map_err(failure::record)?.document();
        tx.commit().await.map_err(|error| failure::outbox(&error))?;
        Ok(RecordDocumentResponse {
            document: Some(document.into()),
        })
    }

    /// The stored file must be what is claimed of it.
    async fn look_at(&self, stored: &Stored, max_bytes: usize) -> Result<(), Status> {
        let Stored { container, key, .. } = stored;
        let bytes = self
            .blobs
            .get(*container, key, max_bytes, Some(&stored.sha256))
            .await;
        let bytes = bytes.map_err(|error| failure::blob(&error))?;
        let is = content::check(&bytes, &[stored.media_type], max_bytes).is_ok();
        let long = u64::try_from(bytes.len()).is_ok_and(|length| length == stored.bytes);
        (is && long).then_some(()).ok_or_else(failure::not_as_claimed)
    }
}

fn new(caller: &Caller, command: RecordDocumentRequest) -> Result<NewDocument, Status> {
    let unreadable = |what: &'static str| move || Status::invalid_argument(what);
    let sha256: Option<Sha256Hash> = command.sha256.parse().ok();
    let stored = Stored {
        container: command
            .container
            .parse()
            .ok()
            .ok_or_else(unreadable("there is no such container"))?,
        key: command
            .key
            .parse()
            .ok()
            .ok_or_else(unreadable("the key is none"))?,
        media_type: command
            .media_type
            .parse()
            .ok()
            .ok_or_else(unreadable("files of this type are not kept"))?,
        bytes: command.bytes,
        sha256: sha256.ok_or_else(unreadable("sha256 has 64 hexadecimal digits"))?,
    };
    Ok(NewDocument {
        tenant: caller.tenant()?.clone(),
        idempotency_key: command.idempotency_key,
        about: About::new(command.about_kind, command.about_id),
        kind: command.kind,
        stored,
        file_name: command.file_name,
        by: caller.subject.clone(),
        expires_on: wire::date(&command.expires_on)?,
        note: command.note.trim().to_owned(),
        cause: None,
    })
}

#[tonic::async_trait]
impl Service for Server {
    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        answer("Documents/ListDocuments", request, |caller, question| {
            self.list(caller, question)
        })
        .await
    }

    async fn get_document(
        &self,
        request: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        answer("Documents/GetDocument", request, |caller, question| {
            self.get(caller, question)
        })
        .await
    }

    async fn record_document(
        &self,
        request: Request<RecordDocumentRequest>,
    ) -> Result<Response<RecordDocumentResponse>, Status> {
        answer("Documents/RecordDocument", request, |caller, command| {
            self.record(caller, command)
        })
        .await
    }
    async fn find_recorded(
        &self,
        request: Request<FindRecordedRequest>,
    ) -> Result<Response<FindRecordedResponse>, Status> {
        answer("Documents/FindRecorded", request, |caller, question| {
            self.find_recorded(caller, question)
        })
        .await
    }
}
