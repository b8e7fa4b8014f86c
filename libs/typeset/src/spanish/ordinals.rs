//! Ordinals of clauses.

/// `Primera`, `Decimotercera`, `Vigésima primera`; plain figures from 100 on.
pub(crate) fn clause_ordinal(number: usize) -> String {
    let unit = unit(number % 10);
    match number {
        0 | 100.. => number.to_string(),
        1..=9 => capitalised(unit),
        10 => "Décima".to_owned(),
        11 => "Undécima".to_owned(),
        12 => "Duodécima".to_owned(),
        18 => "Decimoctava".to_owned(),
        13..=19 => format!("Decimo{unit}"),
        20.. => {
            let ten = match number / 10 {
                2 => "Vigésima",
                3 => "Trigésima",
                4 => "Cuadragésima",
                5 => "Quincuagésima",
                6 => "Sexagésima",
                7 => "Septuagésima",
                8 => "Octogésima",
                _ => "Nonagésima",
            };
            if unit.is_empty() {
                ten.to_owned()
            } else {
                format!("{ten} {unit}")
            }
        }
    }
}

const fn unit(digit: usize) -> &'static str {
    match digit {
        1 => "primera",
        2 => "segunda",
        3 => "tercera",
        4 => "cuarta",
        5 => "quinta",
        6 => "sexta",
        7 => "séptima",
        8 => "octava",
        9 => "novena",
        _ => "",
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_counted_in_words() {
        let words: Vec<_> = [1, 7, 10, 11, 12, 13, 17, 18, 20, 21, 40, 99, 100]
            .into_iter()
            .map(clause_ordinal)
            .collect();
        assert_eq!(
            words,
            [
                "Primera",
                "Séptima",
                "Décima",
                "Undécima",
                "Duodécima",
                "Decimotercera",
                "Decimoséptima",
                "Decimoctava",
                "Vigésima",
                "Vigésima primera",
                "Cuadragésima",
                "Nonagésima novena",
                "100"
            ]
        );
    }
}
