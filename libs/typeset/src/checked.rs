//! Data on its way into a layout: bounded, then cleaned.

use puente_types::Money;
use serde::Serialize;

use crate::clean;
use crate::data::Party;
use crate::error::TypesetError;
use crate::fonts::Fonts;
use crate::limits;
use crate::spanish;

/// One line; may be empty.
pub(crate) fn line(field: &'static str, text: &str, max: usize) -> Result<String, TypesetError> {
    bounded(field, text, max)?;
    Ok(clean::line(Fonts::get(), text))
}

/// One line that says something.
pub(crate) fn required(field: &'static str, text: &str) -> Result<String, TypesetError> {
    let text = line(field, text, limits::LINE)?;
    if text.is_empty() {
        Err(TypesetError::Empty { field })
    } else {
        Ok(text)
    }
}

/// One line, where there is one; an empty one is none.
pub(crate) fn optional(
    field: &'static str,
    text: Option<&str>,
    max: usize,
) -> Result<Option<String>, TypesetError> {
    let text = text.map(|text| line(field, text, max)).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// Paragraphs; may be none.
pub(crate) fn paragraphs(field: &'static str, text: &str, max: usize) -> Result<Vec<String>, TypesetError> {
    bounded(field, text, max)?;
    let paragraphs = clean::paragraphs(Fonts::get(), text);
    list(field, &paragraphs, limits::PARAGRAPHS)?;
    Ok(paragraphs)
}

/// A list that is not too long.
pub(crate) fn list<T>(field: &'static str, list: &[T], max: usize) -> Result<(), TypesetError> {
    let found = list.len();
    if found > max {
        Err(TypesetError::TooMany { field, found, max })
    } else {
        Ok(())
    }
}

/// A price in figures and in words.
pub(crate) fn amount(money: Money) -> Result<(String, String), TypesetError> {
    spanish::amount(money)
        .zip(spanish::amount_in_words(money))
        .ok_or(TypesetError::Invalid {
            field: "amount",
            reason: "must not be negative, and must be in COP, USD or EUR",
        })
}

fn bounded(field: &'static str, text: &str, max: usize) -> Result<(), TypesetError> {
    let found = text.chars().count();
    if found > max {
        Err(TypesetError::TooLong { field, found, max })
    } else {
        Ok(())
    }
}

/// A party as the layouts read it.
#[derive(Serialize)]
pub(crate) struct CheckedParty {
    pub(crate) name: String,
    pub(crate) tax_id: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) address: Option<String>,
}

/// The names of a party's fields, for errors.
pub(crate) struct PartyFields {
    name: &'static str,
    tax_id: &'static str,
    email: &'static str,
    phone: &'static str,
    address: &'static str,
}

/// The fields of the client.
pub(crate) const CLIENT: PartyFields = PartyFields {
    name: "client.name",
    tax_id: "client.tax_id",
    email: "client.email",
    phone: "client.phone",
    address: "client.address",
};

/// The fields of the provider.
pub(crate) const PROVIDER: PartyFields = PartyFields {
    name: "provider.name",
    tax_id: "provider.tax_id",
    email: "provider.email",
    phone: "provider.phone",
    address: "provider.address",
};

/// The fields of the agent.
pub(crate) const AGENT: PartyFields = PartyFields {
    name: "agent.name",
    tax_id: "agent.tax_id",
    email: "agent.email",
    phone: "agent.phone",
    address: "agent.address",
};

impl CheckedParty {
    pub(crate) fn new(fields: &PartyFields, party: &Party) -> Result<Self, TypesetError> {
        Ok(Self {
            name: required(fields.name, &party.name)?,
            tax_id: optional(fields.tax_id, party.tax_id.as_deref(), limits::LINE)?,
            email: optional(fields.email, party.email.as_deref(), limits::LINE)?,
            phone: optional(fields.phone, party.phone.as_deref(), limits::LINE)?,
            address: optional(fields.address, party.address.as_deref(), limits::SHORT_TEXT)?,
        })
    }
}
