//! The summary of an order: what its layout is given.

use serde::Serialize;

use crate::checked::{self, CLIENT, CheckedParty};
use crate::data::{Rendered, SummaryData, SummaryDocument, SummaryStep};
use crate::engine::{Engine, Job, Layout};
use crate::error::TypesetError;
use crate::letterhead::Letterhead;
use crate::limits;
use crate::spanish;
use crate::templates::Brand;

/// Hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

#[derive(Serialize)]
struct Sheet {
    letterhead: Letterhead,
    order_number: String,
    state: String,
    as_of: String,
    opened_at: String,
    client: CheckedParty,
    service: String,
    description: Vec<String>,
    location: String,
    agent: Option<String>,
    provider: Option<String>,
    amount: Option<String>,
    steps: Vec<Step>,
    documents: Vec<Document>,
}

#[derive(Serialize)]
struct Step {
    at: String,
    title: String,
    detail: Vec<String>,
}

#[derive(Serialize)]
struct Document {
    name: String,
    sha256: String,
}

/// Sets a summary.
pub(crate) fn render(engine: &Engine, brand: &Brand, data: &SummaryData) -> Result<Rendered, TypesetError> {
    engine.render(&Job {
        layout: Layout::Summary,
        data: sheet(brand, data)?,
        logo: brand.logo.as_ref(),
        photos: &[],
        created_at: data.as_of,
        offset: brand.utc_offset,
    })
}

fn sheet(brand: &Brand, data: &SummaryData) -> Result<Sheet, TypesetError> {
    checked::list("steps", &data.steps, limits::STEPS)?;
    checked::list("documents", &data.documents, limits::DOCUMENTS)?;
    Ok(Sheet {
        letterhead: Letterhead::new(brand),
        order_number: checked::required("order_number", &data.order_number)?,
        state: checked::required("state_label", &data.state_label)?,
        as_of: spanish::moment(data.as_of, brand.utc_offset),
        opened_at: spanish::moment(data.opened_at, brand.utc_offset),
        client: CheckedParty::new(&CLIENT, &data.client)?,
        service: checked::required("service", &data.service)?,
        description: checked::paragraphs("description", &data.description, limits::LONG_TEXT)?,
        location: checked::line("location", &data.location, limits::SHORT_TEXT)?,
        agent: checked::optional("agent", data.agent.as_deref(), limits::LINE)?,
        provider: checked::optional("provider", data.provider.as_deref(), limits::LINE)?,
        amount: data
            .amount
            .map(checked::amount)
            .transpose()?
            .map(|(figures, _)| figures),
        steps: data
            .steps
            .iter()
            .map(|step| self::step(brand, step))
            .collect::<Result<_, _>>()?,
        documents: data.documents.iter().map(document).collect::<Result<_, _>>()?,
    })
}

fn step(brand: &Brand, step: &SummaryStep) -> Result<Step, TypesetError> {
    Ok(Step {
        at: spanish::moment(step.at, brand.utc_offset),
        title: checked::required("steps.title", &step.title)?,
        detail: checked::paragraphs("steps.detail", &step.detail, limits::SHORT_TEXT)?,
    })
}

fn document(document: &SummaryDocument) -> Result<Document, TypesetError> {
    let hash = document.sha256.to_ascii_lowercase();
    if hash.len() != SHA256_DIGITS || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(TypesetError::Invalid {
            field: "documents.sha256",
            reason: "must be 64 hexadecimal digits",
        });
    }
    Ok(Document {
        name: checked::required("documents.name", &document.name)?,
        sha256: hash,
    })
}
