//! The columns of a price, in rows of orders and of their journal.

use puente_types::Money;
use time::Date;

use crate::domain::error::StoreError;
use crate::domain::quotation::Quotation;

/// A price as stored.
pub(super) struct PriceColumns {
    pub(super) minor: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) note: String,
    pub(super) until: Option<Date>,
}

impl PriceColumns {
    /// The columns of what is to be stored.
    pub(super) fn of(quotation: Option<&Quotation>) -> Self {
        Self {
            minor: quotation.map(|quotation| quotation.price.minor),
            currency: quotation.map(|quotation| quotation.price.currency.as_str().to_owned()),
            note: quotation
                .map(|quotation| quotation.note.clone())
                .unwrap_or_default(),
            until: quotation.and_then(|quotation| quotation.valid_until),
        }
    }

    /// What is stored. That it was valid when it was sent is not asked again.
    pub(super) fn read(self) -> Result<Option<Quotation>, StoreError> {
        let (Some(minor), Some(currency)) = (self.minor, self.currency) else {
            return Ok(None);
        };
        let currency = currency
            .parse()
            .map_err(|_| StoreError::Corrupt("the currency of a price".into()))?;
        Ok(Some(Quotation {
            price: Money { minor, currency },
            note: self.note,
            valid_until: self.until,
        }))
    }
}
