use std::collections::HashSet;

use super::*;

fn money(minor: i64, currency: &str) -> Money {
    Money {
        minor,
        currency: currency.parse().unwrap(),
    }
}

#[test]
fn pesos_are_grouped_by_dots_and_show_centavos_only_where_there_are_any() {
    for (minor, text) in [
        (0, "$\u{a0}0"),
        (99_900, "$\u{a0}999"),
        (100_000, "$\u{a0}1.000"),
        (125_000_000, "$\u{a0}1.250.000"),
        (125_000_005, "$\u{a0}1.250.000,05"),
    ] {
        assert_eq!(amount(money(minor, "COP")).as_deref(), Some(text));
    }
    assert_eq!(
        amount(money(125_000, "USD")).as_deref(),
        Some("US$\u{a0}1.250,00")
    );
}

#[test]
fn what_cannot_be_written_truly_is_not_written() {
    assert_eq!(amount(money(-1, "COP")), None);
    assert_eq!(amount_in_words(money(-1, "COP")), None);
    assert_eq!(
        amount(money(100, "JPY")),
        None,
        "its minor unit is not a hundredth"
    );
}

#[test]
fn amounts_in_words_follow_the_grammar() {
    for (units, text) in [
        (0, "cero pesos"),
        (1, "un peso"),
        (16, "dieciséis pesos"),
        (21, "veintiún pesos"),
        (31, "treinta y un pesos"),
        (100, "cien pesos"),
        (101, "ciento un pesos"),
        (500, "quinientos pesos"),
        (715, "setecientos quince pesos"),
        (999, "novecientos noventa y nueve pesos"),
        (1_000, "mil pesos"),
        (1_001, "mil un pesos"),
        (21_000, "veintiún mil pesos"),
        (100_000, "cien mil pesos"),
        (101_100, "ciento un mil cien pesos"),
        (1_000_000, "un millón de pesos"),
        (1_000_001, "un millón un pesos"),
        (1_250_000, "un millón doscientos cincuenta mil pesos"),
        (2_000_000, "dos millones de pesos"),
        (31_000_000, "treinta y un millones de pesos"),
        (1_000_000_000, "mil millones de pesos"),
        (1_000_000_000_000, "un billón de pesos"),
        (2_001_000_000_003, "dos billones mil millones tres pesos"),
    ] {
        let words = amount_in_words(money(units * 100, "COP")).unwrap();
        let expected = format!("{text} {}", if units == 1 { "colombiano" } else { "colombianos" });
        assert_eq!(words, expected, "{units}");
    }
    assert_eq!(
        amount_in_words(money(150, "USD")).as_deref(),
        Some("un dólar estadounidense con cincuenta centavos")
    );
    assert_eq!(
        amount_in_words(money(201, "EUR")).as_deref(),
        Some("dos euros con un céntimo")
    );
    assert!(
        amount_in_words(money(i64::MAX, "COP"))
            .unwrap()
            .starts_with("noventa y dos mil")
    );
}

#[test]
fn no_two_numbers_share_their_words() {
    let mut seen = HashSet::new();
    for number in (0..30_000).chain((1..3_000).map(|n| n * 1_000_003)) {
        assert!(seen.insert(cardinal(number)), "{number}");
    }
}
