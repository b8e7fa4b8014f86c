//! How a tenant's company presents itself: letterhead, logo, and the clocks it lives by.

use puente_types::TenantId;
use serde::Deserialize;
use time::UtcOffset;
use time::macros::{format_description, offset};
use toml::Spanned;

use super::problem::Examined;
use super::{Logo, TemplateProblem};
use crate::clean;
use crate::fonts::Fonts;
use crate::limits;

/// Colombia, which has no daylight saving time.
const BOGOTA: UtcOffset = offset!(-5);

/// What the letterhead says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Company name.
    pub name: String,
    /// Its tax id, as printed.
    pub nit: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Phone, as printed.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Web address, as printed.
    pub web: Option<String>,
    /// A line at the foot of each page: register, tax regime, supervision.
    pub legal_line: Option<String>,
    /// Where its clocks stand; dates and times are printed by them.
    pub utc_offset: UtcOffset,
    /// What stands in the letterhead instead of the name.
    pub logo: Option<Logo>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrandFile {
    format: Spanned<u32>,
    name: Spanned<String>,
    nit: Option<Spanned<String>>,
    address: Option<Spanned<String>>,
    phone: Option<Spanned<String>>,
    email: Option<Spanned<String>>,
    web: Option<Spanned<String>>,
    legal_line: Option<Spanned<String>>,
    utc_offset: Option<Spanned<String>>,
}

impl Brand {
    /// The brand of a tenant that brings none: its id, written as a name.
    pub(crate) fn of_name(tenant: &TenantId) -> Self {
        let words = tenant.as_str().split('_').filter(|word| !word.is_empty());
        let name: Vec<_> = words
            .map(|word| {
                let mut letters = word.chars();
                letters
                    .next()
                    .map(|first| first.to_ascii_uppercase())
                    .into_iter()
                    .chain(letters)
                    .collect::<String>()
            })
            .collect();
        Self {
            name: if name.is_empty() {
                tenant.to_string()
            } else {
                name.join(" ")
            },
            nit: None,
            address: None,
            phone: None,
            email: None,
            web: None,
            legal_line: None,
            utc_offset: BOGOTA,
            logo: None,
        }
    }

    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Vec<TemplateProblem>> {
        let mut examined = Examined::new(name, text);
        let file: BrandFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                examined.syntax(&error);
                return Err(examined.found);
            }
        };
        if *file.format.get_ref() != 1 {
            examined.at(
                &file.format.span(),
                "`format` must be 1: this version knows no other",
            );
        }
        let utc_offset = offset(&mut examined, file.utc_offset.as_ref());
        let mut line = |field: &str, value: &Spanned<String>| line(&mut examined, field, value);
        let mut option = |field: &str, value: Option<Spanned<String>>| value.map(|value| line(field, &value));
        let brand = Self {
            nit: option("nit", file.nit),
            address: option("address", file.address),
            phone: option("phone", file.phone),
            email: option("email", file.email),
            web: option("web", file.web),
            legal_line: option("legal_line", file.legal_line),
            name: line("name", &file.name),
            utc_offset,
            logo: None,
        };
        if examined.found.is_empty() {
            Ok(brand)
        } else {
            Err(examined.found)
        }
    }
}

/// A line that is there: whoever has nothing to say leaves the key out.
fn line(examined: &mut Examined<'_>, field: &str, value: &Spanned<String>) -> String {
    let text = clean::line(Fonts::get(), value.get_ref());
    let found = value.get_ref().chars().count();
    if text.is_empty() {
        examined.at(&value.span(), format!("`{field}` is empty"));
    } else if found > limits::LINE {
        let reason = format!(
            "`{field}` has {found} characters; at most {} are allowed",
            limits::LINE
        );
        examined.at(&value.span(), reason);
    }
    text
}

fn offset(examined: &mut Examined<'_>, value: Option<&Spanned<String>>) -> UtcOffset {
    let Some(value) = value else { return BOGOTA };
    let format = format_description!("[offset_hour sign:mandatory]:[offset_minute]");
    UtcOffset::parse(value.get_ref(), &format).unwrap_or_else(|_| {
        examined.at(&value.span(), "`utc_offset` must look like \"-05:00\"");
        BOGOTA
    })
}
