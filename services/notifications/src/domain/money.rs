//! A price as people read it in a message.

use puente_types::Money;

/// Currencies without minor units that are used where the product is.
const WHOLE: [&str; 3] = ["CLP", "PYG", "JPY"];

/// `: *$ 350.000 COP*`, to be put behind a sentence; nothing for what is no price.
pub(crate) fn price(money: Money) -> String {
    let Ok(minor) = u64::try_from(money.minor) else {
        return String::new();
    };
    let (units, cents) = if WHOLE.contains(&money.currency.as_str()) {
        (minor, 0)
    } else {
        (minor / 100, minor % 100)
    };
    let mut text = format!(": *$ {}", grouped(units));
    if cents > 0 {
        text.push_str(&format!(",{cents:02}"));
    }
    text.push_str(&format!(" {}*", money.currency));
    text
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_its_thousands_apart_and_cents_only_where_there_are_some() {
        let written = |minor, currency: &str| {
            price(Money {
                minor,
                currency: currency.parse().unwrap(),
            })
        };
        assert_eq!(written(35_000_000, "COP"), ": *$ 350.000 COP*");
        assert_eq!(written(99_905, "USD"), ": *$ 999,05 USD*");
        assert_eq!(written(1_250_000, "CLP"), ": *$ 1.250.000 CLP*");
        assert_eq!(written(7, "COP"), ": *$ 0,07 COP*");
        assert_eq!(written(-1, "COP"), "");
    }
}
