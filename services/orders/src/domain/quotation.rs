//! A price that is offered to a client.

use puente_types::{Currency, Money};
use time::Date;

/// A few words about a price, not a document.
const MAX_NOTE: usize = 500;

/// A price that was offered, valid as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotation {
    /// What it costs; more than nothing.
    pub price: Money,
    /// What the price holds, in a few words.
    pub note: String,
    /// The last day it is good; `None` when it does not end.
    pub valid_until: Option<Date>,
}

/// Why something is no quotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadQuotation {
    /// A gift is no price, and neither is a debt.
    #[error("quotation.amount_minor must be more than 0")]
    Amount,
    /// No currency code.
    #[error("quotation.currency must be an ISO 4217 code such as COP")]
    Currency,
    /// More than a few words.
    #[error("quotation.note has at most {MAX_NOTE} characters, none of them NUL")]
    Note,
    /// It is over before it is sent.
    #[error("quotation.valid_until is in the past")]
    Past,
}

impl Quotation {
    /// A quotation that is made on the day `today`.
    ///
    /// # Errors
    /// [`BadQuotation`] names the field that is not usable.
    pub fn new(
        minor: i64,
        currency: &str,
        note: &str,
        valid_until: Option<Date>,
        today: Date,
    ) -> Result<Self, BadQuotation> {
        let note = note.trim();
        if minor <= 0 {
            return Err(BadQuotation::Amount);
        }
        if note.chars().count() > MAX_NOTE || note.contains('\0') {
            return Err(BadQuotation::Note);
        }
        if valid_until.is_some_and(|last| last < today) {
            return Err(BadQuotation::Past);
        }
        let currency: Currency = currency.parse().map_err(|_| BadQuotation::Currency)?;
        Ok(Self {
            price: Money { minor, currency },
            note: note.to_owned(),
            valid_until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_more_than_nothing_in_a_known_form_of_currency_and_not_over_yet() {
        let today = Date::from_calendar_date(2026, time::Month::March, 10).unwrap();
        let quote =
            |minor, currency: &str, note: &str, until| Quotation::new(minor, currency, note, until, today);
        let good = quote(35_000_000, "COP", "  con repuestos ", Some(today)).unwrap();
        assert_eq!(
            (good.price.minor, good.note.as_str()),
            (35_000_000, "con repuestos")
        );
        assert_eq!(quote(0, "COP", "", None), Err(BadQuotation::Amount));
        assert_eq!(quote(-1, "COP", "", None), Err(BadQuotation::Amount));
        for currency in ["", "cop", "PESO", "C0P"] {
            assert_eq!(
                quote(1, currency, "", None),
                Err(BadQuotation::Currency),
                "{currency}"
            );
        }
        assert!(quote(1, "COP", &"ñ".repeat(500), None).is_ok());
        assert_eq!(quote(1, "COP", &"ñ".repeat(501), None), Err(BadQuotation::Note));
        assert_eq!(quote(1, "COP", "a\0b", None), Err(BadQuotation::Note));
        assert_eq!(quote(1, "COP", "", today.previous_day()), Err(BadQuotation::Past));
    }
}
