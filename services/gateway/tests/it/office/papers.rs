//! Documents of either service.

use puente_proto::documents::documents_server::Documents;
use puente_proto::documents::{
    Document, FindRecordedRequest, FindRecordedResponse, GetDocumentRequest, GetDocumentResponse,
    ListDocumentsRequest, ListDocumentsResponse, RecordDocumentRequest, RecordDocumentResponse,
};
use puente_proto::timestamp;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{Desk, tenant};
use crate::support::NOW;

#[async_trait]
impl Documents for Desk {
    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let tables = self.tables.lock().unwrap();
        let fits = |one: &Document| {
            (wanted.about_kind.is_empty() || wanted.about_kind == one.about_kind)
                && (wanted.about_id.is_empty() || wanted.about_id == one.about_id)
                && (wanted.kinds.is_empty() || wanted.kinds.contains(&one.kind))
                && (wanted.expires_until.is_empty()
                    || !one.expires_on.is_empty() && one.expires_on <= wanted.expires_until)
        };
        let documents = tables
            .documents
            .iter()
            .rev()
            .filter(|(service, of, one)| *service == self.name && *of == whose && fits(one))
            .map(|(_, _, one)| one.clone())
            .collect();
        let next_cursor = String::new();
        Ok(Response::new(ListDocumentsResponse {
            documents,
            next_cursor,
        }))
    }

    async fn get_document(
        &self,
        request: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        let whose = tenant(&request)?;
        let id = request.into_inner().document_id;
        let tables = self.tables.lock().unwrap();
        let found = tables
            .documents
            .iter()
            .find(|(service, of, one)| *service == self.name && *of == whose && one.document_id == id);
        let document = found.map(|(_, _, one)| one.clone());
        let document = document.ok_or_else(|| Status::not_found("no such document"))?;
        Ok(Response::new(GetDocumentResponse {
            document: Some(document),
        }))
    }

    async fn record_document(
        &self,
        request: Request<RecordDocumentRequest>,
    ) -> Result<Response<RecordDocumentResponse>, Status> {
        let whose = tenant(&request)?;
        let new = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        if new.note == "morir" {
            return Err(Status::unavailable("died before it was recorded"));
        }
        if new.note == "rechazar" {
            return Err(Status::failed_precondition("the order is closed"));
        }
        let known = tables.made.get(&new.idempotency_key).cloned();
        let document = Document {
            document_id: known.clone().unwrap_or_else(|| Uuid::now_v7().to_string()),
            about_kind: new.about_kind,
            about_id: new.about_id,
            kind: new.kind,
            container: new.container,
            key: new.key,
            file_name: new.file_name,
            media_type: new.media_type,
            bytes: new.bytes,
            sha256: new.sha256,
            stored_at: Some(timestamp(NOW)),
            expires_on: new.expires_on,
            note: new.note,
            ..Document::default()
        };
        if known.is_none() {
            let id = document.document_id.clone();
            tables.made.insert(new.idempotency_key, id);
            tables.documents.push((self.name, whose, document.clone()));
            tables.done.push("record_document".to_owned());
        }
        Ok(Response::new(RecordDocumentResponse {
            document: Some(document),
        }))
    }

    async fn find_recorded(
        &self,
        request: Request<FindRecordedRequest>,
    ) -> Result<Response<FindRecordedResponse>, Status> {
        let wanted = request.into_inner();
        let tables = self.tables.lock().unwrap();
        let recorded = |key: &&String| {
            let mut documents = tables.documents.iter();
            documents.any(|(service, _, one)| {
                *service == self.name && one.container == wanted.container && one.key == **key
            })
        };
        let keys = wanted.keys.iter().filter(recorded).cloned().collect();
        Ok(Response::new(FindRecordedResponse { keys }))
    }
}
