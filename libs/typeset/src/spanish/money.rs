//! Money in figures and in words.

use puente_types::Money;

/// How a currency is written: documents know those in which contracts are made here, and refuse others, whose minor
/// units they would have to guess.
struct Written {
    code: &'static str,
    symbol: &'static str,
    one: &'static str,
    many: &'static str,
    cent: &'static str,
    cents: &'static str,
    /// Whether `,00` is written.
    always_cents: bool,
}

const CURRENCIES: [Written; 3] = [
    Written {
        code: "COP",
        symbol: "$",
        one: "peso colombiano",
        many: "pesos colombianos",
        cent: "centavo",
        cents: "centavos",
        always_cents: false,
    },
    Written {
        code: "USD",
        symbol: "US$",
        one: "dólar estadounidense",
        many: "dólares estadounidenses",
        cent: "centavo",
        cents: "centavos",
        always_cents: true,
    },
    Written {
        code: "EUR",
        symbol: "EUR",
        one: "euro",
        many: "euros",
        cent: "céntimo",
        cents: "céntimos",
        always_cents: true,
    },
];

/// `$ 1.250.000`; nothing for a negative amount or a currency that is not known.
pub(crate) fn amount(money: Money) -> Option<String> {
    let written = known(money)?;
    let (units, cents) = parts(money)?;
    let mut text = format!("{}\u{a0}{}", written.symbol, grouped(units));
    if cents > 0 || written.always_cents {
        text.push_str(&format!(",{cents:02}"));
    }
    Some(text)
}

/// `un millón doscientos cincuenta mil pesos colombianos`; nothing where [`amount`] gives nothing.
pub(crate) fn amount_in_words(money: Money) -> Option<String> {
    let written = known(money)?;
    let (units, cents) = parts(money)?;
    let noun = if units == 1 { written.one } else { written.many };
    // "un millón de pesos", but "un millón un pesos".
    let of = if units >= 1_000_000 && units.is_multiple_of(1_000_000) {
        "de "
    } else {
        ""
    };
    let mut text = format!("{} {of}{noun}", cardinal(units));
    if cents > 0 {
        let noun = if cents == 1 { written.cent } else { written.cents };
        text.push_str(&format!(" con {} {noun}", cardinal(cents)));
    }
    Some(text)
}

fn known(money: Money) -> Option<&'static Written> {
    CURRENCIES
        .iter()
        .find(|known| known.code == money.currency.as_str())
}

fn parts(money: Money) -> Option<(u64, u64)> {
    let minor = u64::try_from(money.minor).ok()?;
    Some((minor / 100, minor % 100))
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

/// A cardinal before a masculine noun: `un`, `veintiún`, `treinta y un`. Long scale: 10¹² is `un billón`.
fn cardinal(number: u64) -> String {
    const MILLION: u64 = 1_000_000;
    const BILLION: u64 = MILLION * MILLION;
    let mut words = Vec::new();
    match number / BILLION {
        0 => {}
        1 => words.push("un billón".to_owned()),
        // 64 bits of minor units end long before a million of these.
        many => words.push(format!("{} billones", below_million(many))),
    }
    match number % BILLION / MILLION {
        0 => {}
        1 => words.push("un millón".to_owned()),
        many => words.push(format!("{} millones", below_million(many))),
    }
    let rest = number % MILLION;
    if rest > 0 || number == 0 {
        words.push(below_million(rest));
    }
    words.join(" ")
}

fn below_million(number: u64) -> String {
    let (thousands, rest) = (number / 1000, number % 1000);
    match (thousands, rest) {
        (0, rest) => below_thousand(rest),
        (1, 0) => "mil".to_owned(),
        (1, rest) => format!("mil {}", below_thousand(rest)),
        (many, 0) => format!("{} mil", below_thousand(many)),
        (many, rest) => format!("{} mil {}", below_thousand(many), below_thousand(rest)),
    }
}

fn below_thousand(number: u64) -> String {
    let hundreds = match number / 100 {
        0 => return below_hundred(number),
        1 if number == 100 => return "cien".to_owned(),
        1 => "ciento",
        2 => "doscientos",
        3 => "trescientos",
        4 => "cuatrocientos",
        5 => "quinientos",
        6 => "seiscientos",
        7 => "setecientos",
        8 => "ochocientos",
        _ => "novecientos",
    };
    match number % 100 {
        0 => hundreds.to_owned(),
        rest => format!("{hundreds} {}", below_hundred(rest)),
    }
}

fn below_hundred(number: u64) -> String {
    let tens = match number / 10 {
        0..=2 => return below_thirty(number).to_owned(),
        3 => "treinta",
        4 => "cuarenta",
        5 => "cincuenta",
        6 => "sesenta",
        7 => "setenta",
        8 => "ochenta",
        _ => "noventa",
    };
    match number % 10 {
        0 => tens.to_owned(),
        unit => format!("{tens} y {}", below_thirty(unit)),
    }
}

const fn below_thirty(number: u64) -> &'static str {
    match number {
        0 => "cero",
        1 => "un",
        2 => "dos",
        3 => "tres",
        4 => "cuatro",
        5 => "cinco",
        6 => "seis",
        7 => "siete",
        8 => "ocho",
        9 => "nueve",
        10 => "diez",
        11 => "once",
        12 => "doce",
        13 => "trece",
        14 => "catorce",
        15 => "quince",
        16 => "dieciséis",
        17 => "diecisiete",
        18 => "dieciocho",
        19 => "diecinueve",
        20 => "veinte",
        21 => "veintiún",
        22 => "veintidós",
        23 => "veintitrés",
        24 => "veinticuatro",
        25 => "veinticinco",
        26 => "veintiséis",
        27 => "veintisiete",
        28 => "veintiocho",
        _ => "veintinueve",
    }
}

#[cfg(test)]
#[path = "money_tests.rs"]
mod tests;
