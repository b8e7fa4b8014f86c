//! The record sheet of a piece of equipment ("hoja de vida"): what its layout is given.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::checked;
use crate::data::{Rendered, SheetData, SheetFact, SheetPhoto};
use crate::engine::{Engine, Job, Layout, photo_path};
use crate::error::TypesetError;
use crate::letterhead::Letterhead;
use crate::limits;
use crate::photo;
use crate::spanish;
use crate::templates::{Brand, SheetText};

/// Hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;
/// How the person of a chat is called in data.
const CONTACT: &str = "contact";

#[derive(Serialize)]
struct Sheet {
    letterhead: Letterhead,
    title: String,
    number: String,
    serial: String,
    origin: String,
    confidence: Option<String>,
    by: Option<String>,
    order_number: Option<String>,
    registered_at: String,
    as_of: String,
    values: Vec<Value>,
    photos: Vec<Photo>,
    more_photos: usize,
    no_photo: String,
    history: Vec<Fact>,
}

#[derive(Serialize)]
struct Value {
    label: String,
    value: String,
}

#[derive(Serialize)]
struct Photo {
    name: String,
    sha256: String,
    /// Nothing when it cannot be shown.
    file: Option<String>,
}

#[derive(Serialize)]
struct Fact {
    at: String,
    title: String,
    detail: Vec<String>,
}

/// Sets a record sheet.
pub(crate) fn render(
    engine: &Engine,
    brand: &Brand,
    text: &SheetText,
    data: &SheetData,
) -> Result<Rendered, TypesetError> {
    checked::list("photos", &data.photos, limits::PHOTOS)?;
    let mut printed = Vec::new();
    let photos = data
        .photos
        .iter()
        .map(|photo| self::photo(photo, &mut printed))
        .collect::<Result<_, _>>()?;
    engine.render(&Job {
        layout: Layout::Sheet,
        data: sheet(brand, text, data, photos)?,
        logo: brand.logo.as_ref(),
        photos: &printed,
        created_at: data.as_of,
        offset: brand.utc_offset,
    })
}

fn sheet(
    brand: &Brand,
    text: &SheetText,
    data: &SheetData,
    photos: Vec<Photo>,
) -> Result<Sheet, TypesetError> {
    checked::list("history", &data.history, limits::FACTS)?;
    let confidence = match data.confidence_permille {
        0 => None,
        permille if permille <= 1_000 => Some(format!("{} %", permille / 10)),
        _ => {
            return Err(TypesetError::Invalid {
                field: "confidence_permille",
                reason: "must be at most 1000",
            });
        }
    };
    Ok(Sheet {
        letterhead: Letterhead::new(brand),
        title: text.title.clone(),
        number: checked::required("number", &data.number)?,
        serial: checked::required("serial", &data.serial)?,
        origin: text.origin(data.origin).to_owned(),
        confidence,
        by: checked::optional("by", who(text, &data.by), limits::LINE)?,
        order_number: checked::optional("order_number", data.order_number.as_deref(), limits::LINE)?,
        registered_at: spanish::moment(data.registered_at, brand.utc_offset),
        as_of: spanish::moment(data.as_of, brand.utc_offset),
        values: values(text, "data", &data.data)?,
        photos,
        more_photos: data.more_photos,
        no_photo: text.words.no_photo.clone(),
        history: data
            .history
            .iter()
            .map(|fact| self::fact(brand, text, fact))
            .collect::<Result<_, _>>()?,
    })
}

/// Values with their labels; those that have a label of their own in the order of their names, like the rest.
fn values(
    text: &SheetText,
    field: &'static str,
    data: &BTreeMap<String, String>,
) -> Result<Vec<Value>, TypesetError> {
    if data.len() > limits::VALUES {
        let (found, max) = (data.len(), limits::VALUES);
        return Err(TypesetError::TooMany { field, found, max });
    }
    let value = |(name, value): (&String, &String)| {
        Ok(Value {
            label: checked::line(field, &text.label(name), limits::LINE)?,
            value: checked::line(field, value, limits::SHORT_TEXT)?,
        })
    };
    data.iter().map(value).collect()
}

fn photo(photo: &SheetPhoto, printed: &mut Vec<Vec<u8>>) -> Result<Photo, TypesetError> {
    let sha256 = photo.sha256.to_ascii_lowercase();
    if sha256.len() != SHA256_DIGITS || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(TypesetError::Invalid {
            field: "photos.sha256",
            reason: "must be 64 hexadecimal digits",
        });
    }
    let file = photo.bytes.as_deref().and_then(photo::printable).map(|jpeg| {
        printed.push(jpeg);
        photo_path(printed.len() - 1)
    });
    Ok(Photo {
        name: checked::required("photos.name", &photo.name)?,
        sha256,
        file,
    })
}

fn fact(brand: &Brand, text: &SheetText, fact: &SheetFact) -> Result<Fact, TypesetError> {
    let mut detail = Vec::new();
    if !fact.serial.is_empty() {
        detail.push(format!("Serial {}", fact.serial));
    }
    if let Some(order) = &fact.order_number {
        detail.push(format!("Orden {order}"));
    }
    if let Some(by) = who(text, &fact.by) {
        detail.push(format!("Por {by}"));
    }
    let mut detail: Vec<String> = detail
        .iter()
        .map(|line| checked::line("history.detail", line, limits::SHORT_TEXT))
        .collect::<Result<_, _>>()?;
    for value in values(text, "history.data", &fact.data)? {
        let shown = Some(value.value).filter(|value| !value.is_empty());
        let shown = shown.unwrap_or_else(|| text.words.removed.clone());
        detail.push(format!("{}: {shown}", value.label));
    }
    Ok(Fact {
        at: spanish::moment(fact.at, brand.utc_offset),
        title: text.fact(fact.kind).to_owned(),
        detail,
    })
}

fn who<'t>(text: &'t SheetText, by: &'t str) -> Option<&'t str> {
    match by {
        "" => None,
        CONTACT => Some(&text.words.contact),
        by => Some(by),
    }
}
