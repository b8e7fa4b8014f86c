//! What a message costs, from the price list of the installation.

use puente_types::Currency;

/// The price of one message.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// The provider's slug.
    provider: String,
    /// The price category as the provider's receipts name it.
    category: String,
    /// In minor units.
    minor: u32,
    /// ISO 4217.
    currency: Currency,
}

/// The cost of a message by what its receipt says. `None` while it is not known.
pub(crate) fn cost(
    prices: &[Price],
    provider: &str,
    billable: Option<bool>,
    category: &str,
) -> Option<(i64, Option<Currency>)> {
    match billable? {
        false => Some((0, None)),
        true => prices
            .iter()
            .find(|price| price.provider == provider && price.category.eq_ignore_ascii_case(category))
            .map(|price| (i64::from(price.minor), Some(price.currency))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receipt_decides_and_the_list_prices() {
        let currency: Currency = "USD".parse().unwrap();
        let price = Price {
            provider: "chat".into(),
            category: "utility".into(),
            minor: 2,
            currency,
        };
        let prices = [price];
        assert_eq!(
            cost(&prices, "chat", Some(true), "UTILITY"),
            Some((2, Some(currency)))
        );
        assert_eq!(cost(&prices, "chat", Some(false), "utility"), Some((0, None)));
        assert_eq!(cost(&prices, "chat", Some(true), "service"), None);
        assert_eq!(cost(&prices, "chat", None, "utility"), None);
    }
}
