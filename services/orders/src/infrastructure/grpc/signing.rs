//! What commands say of prices and signers, read.

use puente_proto::orders::{Quotation as Priced, SigningParty};
use puente_types::Region;
use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};
use tonic::Status;

use super::ask;
use crate::domain::papers::today;
use crate::domain::quotation::Quotation;
use crate::domain::signing::{Parties, Party};

/// Longer than any field of a party; what is too long for the field is refused in its words.
const MAX_FIELD: usize = 1_000;
/// Three sign; more are refused by their roles.
const MAX_PARTIES: usize = 8;

/// A price that is sent at `now`, by the calendar of the tenants' country.
pub(super) fn quotation(price: &Priced, now: OffsetDateTime, region: Region) -> Result<Quotation, Status> {
    let until = Some(price.valid_until.as_str())
        .filter(|text| !text.is_empty())
        .map(date)
        .transpose()?;
    let today = today(now, region);
    Quotation::new(price.amount_minor, &price.currency, &price.note, until, today)
        .map_err(|bad| Status::invalid_argument(bad.to_string()))
}

fn date(text: &str) -> Result<Date, Status> {
    Date::parse(text, &Iso8601::DATE)
        .ok()
        .filter(|date| date.to_string() == text)
        .ok_or_else(|| Status::invalid_argument("quotation.valid_until must be a date: 2026-12-31"))
}

/// Those who sign, as far as the request says.
pub(super) fn parties(said: Vec<SigningParty>) -> Result<Parties, Status> {
    if said.len() > MAX_PARTIES {
        return Err(Status::invalid_argument("a contract has three parties"));
    }
    let mut read = Vec::with_capacity(said.len());
    for party in said {
        let field = |text: String| ask::text(text, "a field of a party", MAX_FIELD);
        read.push((
            party.role,
            Party {
                name: field(party.name)?,
                email: field(party.email)?,
                phone: field(party.phone)?,
                tax_id: field(party.tax_id)?,
                address: field(party.address)?,
            },
        ));
    }
    Parties::read(read).map_err(|bad| Status::invalid_argument(bad.to_string()))
}
