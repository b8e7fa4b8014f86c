//! What callers may read, as the role that answers callers: row policies hold each transaction to the caller's tenant.
//!
//! One statement serves all filters of a list. Plans are made for the values given (`puente_service::db`), so that a
//! filter that is not used costs nothing, and one that is used finds its index.

mod assets;
mod clients;
mod conversations;
mod orders;
mod people;

pub(super) use assets::by_id as asset_by_id;
use std::sync::Arc;

use puente_service::Readers;
use puente_types::{Clock, PhoneEnding, Region};

/// Queries in the database.
#[derive(Clone)]
pub(crate) struct PgQueries {
    readers: Readers,
    clock: Arc<dyn Clock>,
    /// Where the tenants' days begin.
    zone: &'static str,
}

impl PgQueries {
    /// Queries through these readers, for tenants of a country.
    pub(crate) fn new(readers: Readers, clock: Arc<dyn Clock>, region: Region) -> Self {
        // The zone of most people there; the database knows when its clocks change.
        let zone = match region {
            Region::Ar => "America/Argentina/Buenos_Aires",
            Region::Cl => "America/Santiago",
            Region::Co => "America/Bogota",
            Region::Mx => "America/Mexico_City",
            Region::Pe => "America/Lima",
        };
        Self { readers, clock, zone }
    }
}

/// Between which reversed numbers, or ids, to look.
fn bounds(
    phone: Option<&PhoneEnding>,
    among: impl Fn(&PhoneEnding) -> (String, String),
) -> (Option<String>, Option<String>) {
    phone.map(among).unzip()
}
