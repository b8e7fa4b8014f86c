//! Making contracts: set, stored under a key that follows from the request, recorded, and its sending queued.
//!
//! Killed between storing and recording, the next worker finds the file that is there, and records that one: there never
//! are two contracts of one request.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use puente_blob::{Blobs, Stored};
use puente_documents::Documents;
use puente_effects::Wake;
use puente_outbox::Outbox;
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_types::{Currency, Money};
use puente_typeset::{ContractData, Party as Printed, Templates, TypesetError};
use time::Date;
use time::macros::format_description;

use crate::domain::signer::Role;
use crate::domain::state::Step;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::documents;
use crate::infrastructure::files::{self, Part};
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::wanted::Party;
use crate::infrastructure::work::{Job, Trouble, locked};

/// Makes contracts.
pub(crate) struct Preparer {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    pub(crate) templates: Templates,
    /// Where contracts are made out.
    pub(crate) city: String,
    /// Wakes the effects.
    pub(crate) wake: Wake,
}

#[async_trait]
impl Job for Preparer {
    const STEP: Step = Step::Preparing;
    const NAME: &'static str = "contract.prepare";

    async fn work(&self, row: Row) -> Result<(), Trouble> {
        let stored = self.contract(&row).await?;
        let (mut tx, found) = locked(&self.outbox, &row.claimed(), Step::Preparing).await?;
        let Some(mut row) = found else { return Ok(()) };
        let now = self.desk.clock.now();
        let id = documents::record(&self.documents, &mut tx, &row, Part::Contract, &stored).await?;
        row.contract = Some((stored.key.to_string(), stored.sha256.to_string()));
        row.tries = 0;
        row.signature.contract_stored(id, now);
        self.desk.send(&mut tx, &mut row, false, None).await?;
        let cause = id.to_string();
        row::save(&mut tx, &mut row, &cause, now).await?;
        tx.commit().await?;
        (self.wake)();
        Ok(())
    }
}

impl Preparer {
    /// The stored contract: the one that is there, or one that is made now.
    async fn contract(&self, row: &Row) -> Result<Stored, Trouble> {
        let there = files::kept(&self.blobs, row, Part::Contract).await;
        if let Some(there) = there.map_err(ProviderError::from)? {
            return Ok(there);
        }
        let (templates, tenant) = (self.templates.clone(), row.tenant.clone());
        let data = self.data(row)?;
        let set = tokio::task::spawn_blocking(move || templates.contract(&tenant, &data)).await;
        let set = set.map_err(|_| {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            ProviderError::new(kind, "typeset_stopped", "the contract was not set to its end")
        })?;
        let pdf = Bytes::from(set.map_err(|error| refused(&error))?.pdf);
        Ok(files::keep(&self.blobs, row, Part::Contract, pdf).await?)
    }

    fn data(&self, row: &Row) -> Result<ContractData, ProviderError> {
        let wanted = &row.wanted;
        let offset = self.templates.brand(&row.tenant).utc_offset;
        let price = wanted.price.as_ref();
        Ok(ContractData {
            number: format!("CT-{}-{}", row.number, row.attempt),
            order_number: row.number.clone(),
            city: self.city.clone(),
            issued_on: row.requested_at.to_offset(offset).date(),
            client: printed(wanted.party(Role::Client)),
            provider: printed(wanted.party(Role::ServiceProvider)),
            agent: printed(wanted.party(Role::Agent)),
            service: wanted.service.clone(),
            description: wanted.description.clone(),
            location: wanted.location.clone(),
            amount: price
                .map(|price| money(price.minor, &price.currency))
                .transpose()?,
            valid_until: price
                .map(|price| price.valid_until.as_str())
                .filter(|date| !date.is_empty())
                .map(day)
                .transpose()?,
            quotation_note: price
                .map(|price| price.note.clone())
                .filter(|note| !note.is_empty()),
        })
    }
}

/// The price as it is printed.
pub(crate) fn money(minor: i64, currency: &str) -> Result<Money, ProviderError> {
    let currency: Currency = currency
        .parse()
        .map_err(|_| ProviderError::malformed("the currency of the price is none"))?;
    Ok(Money { minor, currency })
}

fn day(text: &str) -> Result<Date, ProviderError> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| ProviderError::malformed("the last day of the quotation is none"))
}

fn printed(party: Party) -> Printed {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    Printed {
        name: party.name,
        tax_id: given(party.tax_id),
        email: given(party.email),
        phone: given(party.phone),
        address: given(party.address),
    }
}

/// A contract that cannot be set: the data or the template has to be mended.
pub(crate) fn refused(error: &TypesetError) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Rejected, "contract_refused", error.to_string())
}
