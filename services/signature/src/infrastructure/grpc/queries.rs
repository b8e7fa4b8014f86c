//! The service `SignatureQueries`.

use std::sync::Arc;

use puente_proto::signature::get_signature_request::Key;
use puente_proto::signature::signature_queries_server::SignatureQueries as Service;
use puente_proto::signature::{
    CountSignaturesRequest, CountSignaturesResponse, GetSignatureRequest, GetSignatureResponse,
    ListAccountsRequest, ListAccountsResponse, ListSignaturesRequest, ListSignaturesResponse,
    PreviewContractRequest, PreviewContractResponse,
};
use puente_rpc::{Caller, answer, cursor};
use puente_types::OrderId;
use tonic::{Request, Response, Status};

use super::{Answers, accounts, ask, made, shown};
use crate::domain::state::State;
use crate::infrastructure::store::query::{self, Filter};
use crate::infrastructure::store::row;

/// Requests in one part when nobody says how many.
const USUAL: u32 = 50;
/// Requests in one part at most.
const MOST: u32 = 100;
/// The kind of cursors of requests: when the last one was asked for, and its id.
const CURSOR: u8 = 1;

/// Answers questions.
pub(super) struct Queries(pub(super) Arc<Answers>);

#[tonic::async_trait]
impl Service for Queries {
    async fn get_signature(
        &self,
        request: Request<GetSignatureRequest>,
    ) -> Result<Response<GetSignatureResponse>, Status> {
        answer("SignatureQueries/GetSignature", request, |caller, question| {
            get(&self.0, caller, question)
        })
        .await
    }

    async fn list_signatures(
        &self,
        request: Request<ListSignaturesRequest>,
    ) -> Result<Response<ListSignaturesResponse>, Status> {
        answer("SignatureQueries/ListSignatures", request, |caller, question| {
            list(&self.0, caller, question)
        })
        .await
    }

    async fn count_signatures(
        &self,
        request: Request<CountSignaturesRequest>,
    ) -> Result<Response<CountSignaturesResponse>, Status> {
        answer("SignatureQueries/CountSignatures", request, |caller, _| {
            count(&self.0, caller)
        })
        .await
    }

    async fn list_accounts(
        &self,
        request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        answer("SignatureQueries/ListAccounts", request, |caller, _| {
            accounts::list(&self.0, caller)
        })
        .await
    }

    async fn preview_contract(
        &self,
        request: Request<PreviewContractRequest>,
    ) -> Result<Response<PreviewContractResponse>, Status> {
        answer("SignatureQueries/PreviewContract", request, |caller, _| {
            made::preview(&self.0, caller)
        })
        .await
    }
}

async fn get(
    answers: &Answers,
    caller: Caller,
    question: GetSignatureRequest,
) -> Result<GetSignatureResponse, Status> {
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let id = match question.key {
        Some(Key::RequestId(id)) => Some(ask::id(&id, "a request")?),
        Some(Key::OrderId(id)) => {
            let order = OrderId::from(ask::id(&id, "an order")?);
            query::of_order(&mut tx, tenant, order)
                .await
                .map_err(ask::failed)?
        }
        None => return Err(Status::invalid_argument("give the id of a request or an order")),
    };
    let id = id.ok_or_else(ask::unknown)?;
    let found = row::read(&mut tx, tenant, id).await.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let row = found.ok_or_else(ask::unknown)?;
    Ok(GetSignatureResponse {
        signature: Some(shown::signature(row)),
    })
}

async fn list(
    answers: &Answers,
    caller: Caller,
    question: ListSignaturesRequest,
) -> Result<ListSignaturesResponse, Status> {
    let size = match question.page_size {
        0 => USUAL,
        asked => asked.min(MOST),
    };
    let states: Result<Vec<State>, _> = question.states.iter().map(|state| state.parse()).collect();
    let order = Some(question.order_id.as_str()).filter(|id| !id.is_empty());
    let filter = Filter {
        states: states.map_err(|_| Status::invalid_argument("one of the states is none of a request"))?,
        order: order
            .map(|id| ask::id(id, "an order").map(OrderId::from))
            .transpose()?,
        needs_person: question.needs_person,
        after: cursor::moment(CURSOR, &question.cursor)?,
    };
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    // One more than is shown tells whether others follow.
    let found = query::newest(&mut tx, tenant, &filter, i64::from(size) + 1).await;
    let mut found = found.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let last = found.last().filter(|_| more);
    Ok(ListSignaturesResponse {
        next_cursor: last
            .map(|last| cursor::of_moment(CURSOR, last.requested_at, last.id))
            .unwrap_or_default(),
        signatures: found.into_iter().map(shown::signature).collect(),
    })
}

async fn count(answers: &Answers, caller: Caller) -> Result<CountSignaturesResponse, Status> {
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let counts = query::count(&mut tx, tenant).await.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    Ok(CountSignaturesResponse {
        troubled: counts.troubled.unsigned_abs(),
        manual: counts.manual.unsigned_abs(),
        in_process: counts.in_process.unsigned_abs(),
        signed: counts.signed.unsigned_abs(),
        rejected: counts.rejected.unsigned_abs(),
        untold: counts.untold.unsigned_abs(),
    })
}
