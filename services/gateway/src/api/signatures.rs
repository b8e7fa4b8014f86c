//! Signature requests: what there is, and what people do to them.

use axum::Json;
use axum::extract::Path;
use puente_proto::signature::{
    CheckSignatureRequest, ListAccountsRequest, ListAccountsResponse, ListSignaturesRequest,
    ListSignaturesResponse, MarkToldRequest, ResendSignatureRequest, RetrySignatureRequest, Signature,
    TakeManuallyRequest, VoidSignatureRequest,
};
use serde::Deserialize;
use serde_json::json;
use tonic::Status;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::describe::{Api, doc};
use super::input::{Asking, Body, Form, Maybe, Query};
use super::lists::{Limit, cursor, words};
use super::orders::bounded;
use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::reflect::{Show, json as seen};
use crate::application::signatures::signature;
use crate::documents::{self, By};
use crate::domain::Right;
use crate::web::{Access, Problem};

pub(super) const SIGNATURE: &str = "puente.signature.v1.Signature";
/// Characters of a reason that signers read at most: as many as providers take.
const LONGEST_REASON: usize = 200;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadSignatures);
    let change = Access::Needs(Right::ChangeSignatures);
    api.get(
        "/api/signatures",
        read,
        list,
        doc("listSignatures", "Signature requests, newest first")
            .query::<Wanted>()
            .message("puente.signature.v1.ListSignaturesResponse"),
    )
    .get(
        "/api/signatures/{id}",
        read,
        get,
        doc("getSignature", "One of them, with its signers").message(SIGNATURE),
    )
    .post(
        "/api/signatures/{id}/resend",
        change,
        resend,
        doc(
            "resendSignature",
            "Asks the signers who have not signed again by e-mail",
        )
        .message(SIGNATURE),
    )
    .post(
        "/api/signatures/{id}/void",
        change,
        void,
        doc(
            "voidSignature",
            "Calls a request back for good; the signers read why",
        )
        .body::<Why>()
        .message(SIGNATURE),
    )
    .post(
        "/api/signatures/{id}/check",
        change,
        check,
        doc(
            "checkSignature",
            "Asks the provider for its state now; refused when it was asked just before",
        )
        .message(SIGNATURE),
    )
    .post(
        "/api/signatures/{id}/manual",
        change,
        manual,
        doc(
            "takeManually",
            "Goes on by hand: signatures on paper, and their scan",
        )
        .may_body::<MayWhy>()
        .message(SIGNATURE),
    )
    .upload(
        "/api/signatures/{id}/scan",
        change,
        scan,
        doc(
            "recordScan",
            "The scan of the signed paper: the request is signed, marked manual",
        )
        .form(&[])
        .message(SIGNATURE),
    )
    .post(
        "/api/signatures/{id}/retry",
        change,
        retry,
        doc("retrySignature", "Goes on after what stopped it was mended").message(SIGNATURE),
    )
    .post(
        "/api/signatures/{id}/told",
        change,
        told,
        doc(
            "markTold",
            "A person has told a signer that another one refused; refused when that signer waits for nobody",
        )
        .body::<Who>()
        .message(SIGNATURE),
    )
    .get(
        "/api/signature-accounts",
        Access::Needs(Right::ReadConnections),
        accounts,
        doc(
            "listSignatureAccounts",
            "Accounts at signature providers, and whether each may be used now",
        )
        .message("puente.signature.v1.ListAccountsResponse"),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Requests in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// `EnProceso`, `Firmado`, `Rechazado`, `Anulado`, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    states: String,
    /// Those of this order, by id or number.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    order: String,
    /// Only those that wait for a person.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    needs_person: bool,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let order_id = if wanted.order.is_empty() {
        String::new()
    } else {
        let found = order(asking.ask(), &asking.principal, &wanted.order).await?;
        found.order_id
    };
    let question = ListSignaturesRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        states: words(&wanted.states),
        order_id,
        needs_person: wanted.needs_person,
    };
    let page: ListSignaturesResponse = asking.ask().list_signatures(question).await.map_err(away)?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen(
        "puente.signature.v1.ListSignaturesResponse",
        &page,
        show,
    )))
}

async fn get(asking: Asking, Path(id): Path<String>) -> Answer {
    let found = signature(asking.ask(), &id).await?;
    Ok(shown(&asking, &found))
}

fn shown(asking: &Asking, found: &Signature) -> Json<serde_json::Value> {
    Json(seen(SIGNATURE, found, Show::to(&asking.principal)))
}

fn away(status: Status) -> Problem {
    Failure::of("signature", &status).into()
}

/// Does something to a request, with its row in the audit trail before.
async fn change<F>(
    asking: &Asking,
    action: &'static str,
    id: &str,
    reason: Option<&str>,
    doing: impl FnOnce(String) -> F,
) -> Answer
where
    F: Future<Output = Result<Option<Signature>, Status>>,
{
    let found = signature(asking.ask(), id).await?;
    let before = json!({ "state": found.state, "step": found.step, "version": found.version });
    let doing = doing(found.request_id.clone());
    let doing = async { doing.await.map_err(away) };
    let done = asking
        .recorded(action, &found.request_id, (Some(before), None), reason, doing)
        .await?;
    Ok(shown(asking, &done.unwrap_or(found)))
}

async fn resend(asking: Asking, Path(id): Path<String>) -> Answer {
    let doing = |request_id| async {
        let idempotency_key = asking.key.clone();
        let command = ResendSignatureRequest {
            request_id,
            idempotency_key,
        };
        Ok(asking.ask().resend_signature(command).await?.signature)
    };
    change(&asking, "signature.resent", &id, None, doing).await
}

/// Who was told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Who {
    /// `client`, `service_provider` or `agent`.
    #[schema(min_length = 1, max_length = 20)]
    role: String,
}

async fn told(asking: Asking, Path(id): Path<String>, Body(Who { role }): Body<Who>) -> Answer {
    bounded("role", &role, 1, 20)?;
    let doing = |request_id| async {
        let command = MarkToldRequest {
            request_id,
            role: role.clone(),
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().mark_told(command).await?.signature)
    };
    change(&asking, "signature.told", &id, Some(&role), doing).await
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// Why; the signers read it.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

async fn void(asking: Asking, Path(id): Path<String>, Body(Why { reason }): Body<Why>) -> Answer {
    let reason = reason.trim().to_owned();
    bounded("reason", &reason, 1, LONGEST_REASON)?;
    let doing = |request_id| async {
        let command = VoidSignatureRequest {
            request_id,
            reason: reason.clone(),
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().void_signature(command).await?.signature)
    };
    change(&asking, "signature.voided", &id, Some(&reason), doing).await
}

async fn check(asking: Asking, Path(id): Path<String>) -> Answer {
    let doing = |request_id| async {
        let command = CheckSignatureRequest { request_id };
        Ok(asking.ask().check_signature(command).await?.signature)
    };
    change(&asking, "signature.checked", &id, None, doing).await
}

/// Why, where one wants to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MayWhy {
    /// Why.
    #[serde(default)]
    #[schema(max_length = 200)]
    reason: String,
}

async fn manual(asking: Asking, Path(id): Path<String>, Maybe(MayWhy { reason }): Maybe<MayWhy>) -> Answer {
    let reason = reason.trim().to_owned();
    bounded("reason", &reason, 0, LONGEST_REASON)?;
    let doing = |request_id| async {
        let command = TakeManuallyRequest {
            request_id,
            reason: reason.clone(),
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().take_manually(command).await?.signature)
    };
    let said = Some(reason.as_str()).filter(|reason| !reason.is_empty());
    change(&asking, "signature.taken_manually", &id, said, doing).await
}

async fn scan(asking: Asking, Path(id): Path<String>, form: Form) -> Answer {
    form.only(&["file"])?;
    let file = form.file()?;
    let found = signature(asking.ask(), &id).await?;
    let by = By {
        principal: &asking.principal,
        trace: &asking.trace,
        key: &asking.key,
    };
    let done = documents::scan(&asking.app, asking.ask(), by, &found.request_id, file).await?;
    Ok(shown(&asking, &done))
}

async fn retry(asking: Asking, Path(id): Path<String>) -> Answer {
    let doing = |request_id| async {
        let idempotency_key = asking.key.clone();
        let command = RetrySignatureRequest {
            request_id,
            idempotency_key,
        };
        Ok(asking.ask().retry_signature(command).await?.signature)
    };
    change(&asking, "signature.retried", &id, None, doing).await
}

async fn accounts(asking: Asking) -> Answer {
    let found: ListAccountsResponse = asking
        .ask()
        .list_accounts(ListAccountsRequest {})
        .await
        .map_err(away)?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen(
        "puente.signature.v1.ListAccountsResponse",
        &found,
        show,
    )))
}
