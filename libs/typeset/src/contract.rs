//! The contract: what its layout is given.

mod sample;
mod values;

use serde::Serialize;
use time::Time;

pub(crate) use sample::sample;

use crate::anchors::ANCHORS;
use crate::checked::{self, AGENT, CLIENT, CheckedParty, PROVIDER};
use crate::data::{ContractData, Rendered};
use crate::engine::{Engine, Job, Layout};
use crate::error::TypesetError;
use crate::letterhead::Letterhead;
use crate::limits;
use crate::spanish;
use crate::templates::{Brand, ContractText, Paragraph};

/// Everything that the layout prints, already written out.
#[derive(Serialize)]
struct Sheet {
    letterhead: Letterhead,
    sample: bool,
    title: String,
    number: String,
    order_number: String,
    city: String,
    date: String,
    parties: Vec<Signer>,
    service: String,
    description: Vec<String>,
    location: String,
    amount: Option<Amount>,
    valid_until: Option<String>,
    quotation_note: Vec<String>,
    preamble: Vec<Paragraph>,
    clauses: Vec<Clause>,
    closing: Vec<Paragraph>,
}

#[derive(Serialize)]
struct Signer {
    role: String,
    #[serde(flatten)]
    party: CheckedParty,
    /// Nothing in a sample.
    anchor: Option<&'static str>,
}

#[derive(Serialize)]
struct Amount {
    figures: String,
    words: String,
}

#[derive(Serialize)]
struct Clause {
    ordinal: String,
    title: String,
    paragraphs: Vec<Paragraph>,
}

/// Sets a contract, or a sample of it.
pub(crate) fn render(
    engine: &Engine,
    brand: &Brand,
    text: &ContractText,
    data: &ContractData,
    sample: bool,
) -> Result<Rendered, TypesetError> {
    engine.render(&Job {
        layout: Layout::Contract,
        data: sheet(brand, text, data, sample)?,
        logo: brand.logo.as_ref(),
        photos: &[],
        created_at: data
            .issued_on
            .with_time(Time::MIDNIGHT)
            .assume_offset(brand.utc_offset),
        offset: brand.utc_offset,
    })
}

fn sheet(
    brand: &Brand,
    text: &ContractText,
    data: &ContractData,
    sample: bool,
) -> Result<Sheet, TypesetError> {
    let city = checked::optional("city", Some(&data.city), limits::LINE)?
        .or_else(|| text.city.clone())
        .ok_or(TypesetError::Empty { field: "city" })?;
    let [client_role, provider_role, agent_role] = text.roles.clone();
    let mut sheet = Sheet {
        letterhead: Letterhead::new(brand),
        sample,
        title: text.title.clone(),
        number: checked::required("number", &data.number)?,
        order_number: checked::required("order_number", &data.order_number)?,
        city,
        date: spanish::date(data.issued_on),
        parties: vec![
            signer(client_role, CheckedParty::new(&CLIENT, &data.client)?, 0, sample),
            signer(
                provider_role,
                CheckedParty::new(&PROVIDER, &data.provider)?,
                1,
                sample,
            ),
            signer(agent_role, CheckedParty::new(&AGENT, &data.agent)?, 2, sample),
        ],
        service: checked::required("service", &data.service)?,
        description: checked::paragraphs("description", &data.description, limits::LONG_TEXT)?,
        location: checked::line("location", &data.location, limits::SHORT_TEXT)?,
        amount: data
            .amount
            .map(checked::amount)
            .transpose()?
            .map(|(figures, words)| Amount { figures, words }),
        valid_until: data.valid_until.map(spanish::date),
        quotation_note: checked::paragraphs(
            "quotation_note",
            data.quotation_note.as_deref().unwrap_or_default(),
            limits::LONG_TEXT,
        )?,
        preamble: Vec::new(),
        clauses: Vec::new(),
        closing: Vec::new(),
    };
    let values = values::of(&sheet, brand, text);
    sheet.preamble = text.preamble.fill(&values);
    sheet.closing = text.closing.fill(&values);
    sheet.clauses = text
        .fill(&values)
        .enumerate()
        .map(|(at, (title, paragraphs))| Clause {
            ordinal: spanish::clause_ordinal(at + 1),
            title: title.to_owned(),
            paragraphs,
        })
        .collect();
    Ok(sheet)
}

fn signer(role: String, party: CheckedParty, at: usize, sample: bool) -> Signer {
    let anchor = ANCHORS.get(at).map(|(_, anchor)| *anchor).filter(|_| !sample);
    Signer { role, party, anchor }
}
