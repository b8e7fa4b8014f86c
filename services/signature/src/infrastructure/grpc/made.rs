//! Documents that are set for a caller: the sample of a contract, and the summary of an order.

use bytes::Bytes;
use puente_blob::{BlobError, BlobKey, Container, MediaType};
use puente_documents::{About, NewDocument, RecordError};
use puente_ports::ProviderError;
use puente_proto::instant;
use puente_proto::signature::{
    MakeSummaryRequest, MakeSummaryResponse, PreviewContractResponse, SummaryStep,
};
use puente_rpc::Caller;
use puente_types::TenantId;
use puente_typeset::{
    Party, Rendered, SummaryData, SummaryDocument, SummaryStep as Step, Templates, TypesetError,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

use super::{Answers, ask};
use crate::infrastructure::documents::{ORDER, SUMMARY};
use crate::infrastructure::preparer::money;

pub(super) async fn preview(answers: &Answers, caller: Caller) -> Result<PreviewContractResponse, Status> {
    let tenant = caller.tenant()?.clone();
    let rendered = set(answers, move |templates| templates.preview_contract(&tenant)).await?;
    Ok(PreviewContractResponse { pdf: rendered.pdf })
}

/// Sets, stores and records a summary, once per order and version.
pub(super) async fn summary(
    answers: &Answers,
    caller: Caller,
    wish: MakeSummaryRequest,
) -> Result<MakeSummaryResponse, Status> {
    let tenant = caller.tenant()?.clone();
    let order = ask::id(&wish.order_id, "an order")?;
    let key = format!("summary:{order}:{}", wish.version);
    let file_name = format!(
        "resumen-{}-{}.pdf",
        ask::needed(wish.number.clone(), "a number", 60)?,
        wish.version
    );
    let data = data(wish)?;
    let opened_at = data.opened_at;
    let of = tenant.clone();
    let rendered = set(answers, move |templates| templates.summary(&of, &data)).await?;
    let blob = named(&tenant, opened_at, &key, &rendered.pdf);
    let stored = answers
        .blobs
        .put(
            Container::Reports,
            &blob,
            Bytes::from(rendered.pdf),
            MediaType::Pdf,
        )
        .await
        .map_err(|error: BlobError| ask::provider(&ProviderError::from(error)))?;
    let new = NewDocument {
        tenant,
        idempotency_key: key,
        about: About::new(ORDER, order),
        kind: SUMMARY.to_owned(),
        stored,
        file_name,
        by: caller.subject,
        expires_on: None,
        note: String::new(),
        cause: None,
    };
    let mut tx = answers.outbox.begin().await.map_err(ask::failed)?;
    let recorded = answers.documents.record(&mut tx, &new).await;
    let document = match recorded {
        Ok(recorded) => recorded.document(),
        Err(RecordError::Refused(reason)) => return Err(Status::invalid_argument(reason)),
        Err(RecordError::Database(error)) => return Err(ask::failed(error)),
    };
    tx.commit().await.map_err(ask::uncommitted)?;
    Ok(MakeSummaryResponse {
        document_id: document.id.to_string(),
    })
}

/// Follows from the content: the same summary is the same file.
fn named(tenant: &TenantId, at: OffsetDateTime, key: &str, pdf: &[u8]) -> BlobKey {
    let mut hash = Sha256::new();
    hash.update(key.as_bytes());
    hash.update(pdf);
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    BlobKey::named(tenant, at, Uuid::from_bytes(id), "pdf")
}

fn data(wish: MakeSummaryRequest) -> Result<SummaryData, Status> {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let opened_at = wish.opened_at.as_ref().and_then(instant);
    let amount = wish
        .amount_minor
        .map(|minor| money(minor, &wish.currency))
        .transpose()
        .map_err(|error| Status::invalid_argument(error.detail().to_owned()))?;
    let opened_at = opened_at.ok_or_else(|| Status::invalid_argument("say when the order was opened"))?;
    let steps: Vec<Step> = wish.steps.into_iter().map(step).collect::<Result<_, _>>()?;
    // It tells of the last thing that happened, whenever it is set: a repeated command makes the same bytes.
    let as_of = steps.iter().map(|step| step.at).max().unwrap_or(opened_at);
    Ok(SummaryData {
        order_number: wish.number,
        state_label: wish.state_label,
        client: Party {
            name: wish.client_name,
            tax_id: given(wish.client_tax_id),
            email: given(wish.client_email),
            phone: given(wish.client_phone),
            address: None,
        },
        service: wish.service,
        description: wish.description,
        location: wish.location,
        opened_at,
        as_of,
        agent: given(wish.agent),
        provider: given(wish.service_provider),
        amount,
        steps,
        documents: wish
            .documents
            .into_iter()
            .map(|document| SummaryDocument {
                name: document.name,
                sha256: document.sha256,
            })
            .collect(),
    })
}

fn step(step: SummaryStep) -> Result<Step, Status> {
    let at = step.at.as_ref().and_then(instant);
    Ok(Step {
        at: at.ok_or_else(|| Status::invalid_argument("say when each step happened"))?,
        title: step.title,
        detail: step.detail,
    })
}

/// Sets a document; few at the same time, for each takes a processor.
async fn set(
    answers: &Answers,
    make: impl FnOnce(Templates) -> Result<Rendered, TypesetError> + Send + 'static,
) -> Result<Rendered, Status> {
    let permit = answers.setting.clone().acquire_owned().await;
    let permit = permit.map_err(|_| Status::unavailable("the service stops"))?;
    let templates = answers.templates.clone();
    let made = tokio::task::spawn_blocking(move || {
        let made = make(templates);
        drop(permit);
        made
    });
    let made = made
        .await
        .map_err(|_| Status::internal("the document was not set to its end"))?;
    made.map_err(|error| Status::invalid_argument(error.to_string()))
}
