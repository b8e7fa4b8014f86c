//! Signature requests and accounts.

use puente_proto::documents::Document;
use puente_proto::signature::get_signature_request::Key;
use puente_proto::signature::signature_commands_server::SignatureCommands;
use puente_proto::signature::signature_queries_server::SignatureQueries;
use puente_proto::signature::*;
use puente_proto::timestamp;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{Desk, tenant};
use crate::support::NOW;

pub(crate) const SAMPLE: &[u8] = b"%PDF-1.7 a sample";

#[async_trait]
impl SignatureQueries for Desk {
    async fn get_signature(
        &self,
        request: Request<GetSignatureRequest>,
    ) -> Result<Response<GetSignatureResponse>, Status> {
        let whose = tenant(&request)?;
        let key = request.into_inner().key;
        let tables = self.tables.lock().unwrap();
        let fits = |one: &Signature| match &key {
            Some(Key::RequestId(id)) => one.request_id == *id,
            Some(Key::OrderId(id)) => one.order_id == *id,
            None => false,
        };
        let found = tables
            .signatures
            .iter()
            .find(|(of, one)| *of == whose && fits(one));
        let signature = found.map(|(_, one)| one.clone());
        let signature = signature.ok_or_else(|| Status::not_found("no such request"))?;
        Ok(Response::new(GetSignatureResponse {
            signature: Some(signature),
        }))
    }

    async fn list_signatures(
        &self,
        request: Request<ListSignaturesRequest>,
    ) -> Result<Response<ListSignaturesResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let tables = self.tables.lock().unwrap();
        let fits = |one: &Signature| {
            (wanted.states.is_empty() || wanted.states.contains(&one.state))
                && (wanted.order_id.is_empty() || wanted.order_id == one.order_id)
                && (!wanted.needs_person || needs_person(one))
        };
        let found = tables
            .signatures
            .iter()
            .filter(|(of, one)| *of == whose && fits(one));
        Ok(Response::new(ListSignaturesResponse {
            signatures: found.map(|(_, one)| one.clone()).collect(),
            next_cursor: String::new(),
        }))
    }

    async fn count_signatures(
        &self,
        request: Request<CountSignaturesRequest>,
    ) -> Result<Response<CountSignaturesResponse>, Status> {
        let whose = tenant(&request)?;
        let tables = self.tables.lock().unwrap();
        let count = |fits: &dyn Fn(&Signature) -> bool| {
            let found = tables
                .signatures
                .iter()
                .filter(|(of, one)| *of == whose && fits(one));
            u64::try_from(found.count()).unwrap()
        };
        Ok(Response::new(CountSignaturesResponse {
            troubled: count(&|one| !one.problem_code.is_empty()),
            manual: count(&|one| one.step == "manual"),
            in_process: count(&|one| one.state == "EnProceso"),
            signed: count(&|one| one.state == "Firmado"),
            rejected: count(&|one| one.state == "Rechazado"),
            untold: count(&|one| one.signers.iter().any(|signer| signer.notice == "failed")),
        }))
    }

    async fn list_accounts(
        &self,
        request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        let whose = tenant(&request)?;
        let tables = self.tables.lock().unwrap();
        let accounts = tables.accounts.iter().filter(|(of, _)| *of == whose);
        Ok(Response::new(ListAccountsResponse {
            accounts: accounts.map(|(_, one)| one.clone()).collect(),
        }))
    }

    async fn preview_contract(
        &self,
        request: Request<PreviewContractRequest>,
    ) -> Result<Response<PreviewContractResponse>, Status> {
        tenant(&request)?;
        Ok(Response::new(PreviewContractResponse { pdf: SAMPLE.to_vec() }))
    }
}

fn needs_person(one: &Signature) -> bool {
    !one.problem_code.is_empty() || one.step == "manual"
}

impl Desk {
    fn change(
        &self,
        whose: &str,
        id: &str,
        told: String,
        change: impl FnOnce(&mut Signature),
    ) -> Result<Signature, Status> {
        let mut tables = self.tables.lock().unwrap();
        let found = tables
            .signatures
            .iter_mut()
            .find(|(of, one)| of == whose && one.request_id == id);
        let (_, one) = found.ok_or_else(|| Status::not_found("no such request"))?;
        change(one);
        one.version += 1;
        let one = one.clone();
        tables.done.push(told);
        Ok(one)
    }
}

#[async_trait]
impl SignatureCommands for Desk {
    async fn resend_signature(
        &self,
        request: Request<ResendSignatureRequest>,
    ) -> Result<Response<ResendSignatureResponse>, Status> {
        let whose = tenant(&request)?;
        let id = request.into_inner().request_id;
        let signature = self.change(&whose, &id, "resend".to_owned(), |_| ())?;
        Ok(Response::new(ResendSignatureResponse {
            signature: Some(signature),
        }))
    }

    async fn void_signature(
        &self,
        request: Request<VoidSignatureRequest>,
    ) -> Result<Response<VoidSignatureResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let told = format!("void {}", wanted.reason);
        let signature = self.change(&whose, &wanted.request_id, told, |one| {
            one.state = "Anulado".to_owned();
            one.actions.clear();
        })?;
        Ok(Response::new(VoidSignatureResponse {
            signature: Some(signature),
        }))
    }

    async fn check_signature(
        &self,
        request: Request<CheckSignatureRequest>,
    ) -> Result<Response<CheckSignatureResponse>, Status> {
        let whose = tenant(&request)?;
        let id = request.into_inner().request_id;
        if self.tables.lock().unwrap().done.contains(&"check".to_owned()) {
            return Err(Status::failed_precondition(
                "it was asked just before; again after 12:15",
            ));
        }
        let signature = self.change(&whose, &id, "check".to_owned(), |one| {
            one.checked_at = Some(timestamp(NOW));
        })?;
        Ok(Response::new(CheckSignatureResponse {
            signature: Some(signature),
        }))
    }

    async fn take_manually(
        &self,
        request: Request<TakeManuallyRequest>,
    ) -> Result<Response<TakeManuallyResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let told = format!("manual {}", wanted.reason);
        let signature = self.change(&whose, &wanted.request_id, told, |one| {
            one.step = "manual".to_owned();
            one.manual = true;
            one.actions = vec!["scan".to_owned(), "void".to_owned()];
        })?;
        Ok(Response::new(TakeManuallyResponse {
            signature: Some(signature),
        }))
    }

    async fn record_scan(
        &self,
        request: Request<RecordScanRequest>,
    ) -> Result<Response<RecordScanResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let id = Uuid::now_v7().to_string();
        {
            let tables = self.tables.lock().unwrap();
            let one = tables
                .signatures
                .iter()
                .find(|(_, one)| one.request_id == wanted.request_id);
            if one.is_none_or(|(_, one)| one.step != "manual") {
                return Err(Status::failed_precondition("the manual way was not taken"));
            }
        }
        let signature = self.change(&whose, &wanted.request_id, "scan".to_owned(), |one| {
            one.state = "Firmado".to_owned();
            one.step = "ended".to_owned();
            one.signed_id = id.clone();
            one.actions.clear();
        })?;
        let document = Document {
            document_id: id,
            about_kind: "order".to_owned(),
            about_id: signature.order_id.clone(),
            kind: "scan".to_owned(),
            container: "contracts".to_owned(),
            key: wanted.key,
            file_name: wanted.file_name,
            media_type: "application/pdf".to_owned(),
            bytes: wanted.bytes,
            sha256: wanted.sha256,
            stored_at: Some(timestamp(NOW)),
            ..Document::default()
        };
        self.tables
            .lock()
            .unwrap()
            .documents
            .push((self.name, whose, document));
        Ok(Response::new(RecordScanResponse {
            signature: Some(signature),
        }))
    }

    async fn retry_signature(
        &self,
        request: Request<RetrySignatureRequest>,
    ) -> Result<Response<RetrySignatureResponse>, Status> {
        let whose = tenant(&request)?;
        let id = request.into_inner().request_id;
        let signature = self.change(&whose, &id, "retry".to_owned(), |one| one.problem_code.clear())?;
        Ok(Response::new(RetrySignatureResponse {
            signature: Some(signature),
        }))
    }

    async fn mark_told(
        &self,
        request: Request<MarkToldRequest>,
    ) -> Result<Response<MarkToldResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let told = format!("told {}", wanted.role);
        let signature = self.change(&whose, &wanted.request_id, told, |one| {
            let signer = one.signers.iter_mut().find(|one| one.role == wanted.role);
            if let Some(signer) = signer {
                "by_hand".clone_into(&mut signer.notice);
            }
        })?;
        Ok(Response::new(MarkToldResponse {
            signature: Some(signature),
        }))
    }

    async fn begin_authorization(
        &self,
        request: Request<BeginAuthorizationRequest>,
    ) -> Result<Response<BeginAuthorizationResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        if wanted.connection != "docusign-algesta" {
            return Err(Status::not_found("no such connection"));
        }
        tables.state = Some("estado".to_owned());
        tables.redirect_uri = wanted.redirect_uri;
        let url = "https://account.docusign.example/oauth/auth?state=estado".to_owned();
        Ok(Response::new(BeginAuthorizationResponse { url }))
    }

    async fn complete_authorization(
        &self,
        request: Request<CompleteAuthorizationRequest>,
    ) -> Result<Response<CompleteAuthorizationResponse>, Status> {
        let whose = tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        if tables.state.take().as_deref() != Some(wanted.state.as_str()) {
            return Err(Status::failed_precondition(
                "the state is unknown, used or run out",
            ));
        }
        tables.done.push(format!("authorized {}", wanted.code));
        let account = tables.accounts.iter_mut().find(|(of, _)| *of == whose);
        let account = account.map(|(_, one)| {
            one.state = "active".to_owned();
            one.problem.clear();
            one.clone()
        });
        Ok(Response::new(CompleteAuthorizationResponse { account }))
    }

    async fn make_summary(
        &self,
        request: Request<MakeSummaryRequest>,
    ) -> Result<Response<MakeSummaryResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let mut tables = self.tables.lock().unwrap();
        let steps: Vec<_> = wanted.steps.iter().map(|step| step.title.as_str()).collect();
        let told = format!("summary {} {} {:?}", wanted.number, wanted.state_label, steps);
        tables.done.push(told);
        let document_id = Uuid::now_v7().to_string();
        Ok(Response::new(MakeSummaryResponse { document_id }))
    }
}
