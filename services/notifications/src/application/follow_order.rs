//! Following an order: one event after the other, one message per visible change.

/// What to do with an event of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is the next one.
    Now,
    /// It was applied before.
    Seen,
    /// One before it is missing.
    Early,
}

/// Whether version `version` may be applied after `applied`; the first version is 1.
pub(crate) const fn turn(applied: i64, version: i64) -> Turn {
    if version <= applied {
        Turn::Seen
    } else if version == applied + 1 {
        Turn::Now
    } else {
        Turn::Early
    }
}

/// The key of the text that tells of a new state: `PolizaAsignada` gives `order_state_poliza_asignada`.
pub(crate) fn state_key(state: &str) -> String {
    let mut key = String::from("order_state");
    let mut apart = true;
    let mut after_lower = false;
    for c in state.chars() {
        let folded = fold(c);
        if !folded.is_ascii_alphanumeric() {
            apart = true;
            continue;
        }
        if apart || (folded.is_ascii_uppercase() && after_lower) {
            key.push('_');
        }
        key.push(folded.to_ascii_lowercase());
        apart = false;
        after_lower = folded.is_ascii_lowercase() || folded.is_ascii_digit();
    }
    key
}

const fn fold(c: char) -> char {
    match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        'Á' => 'A',
        'É' => 'E',
        'Í' => 'I',
        'Ó' => 'O',
        'Ú' | 'Ü' => 'U',
        'Ñ' => 'N',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_applied_one_after_the_other() {
        assert_eq!([turn(0, 1), turn(0, 2), turn(2, 2), turn(2, 1), turn(2, 3)], [
            Turn::Now,
            Turn::Early,
            Turn::Seen,
            Turn::Seen,
            Turn::Now
        ]);
    }

    #[test]
    fn states_become_keys() {
        assert_eq!(state_key("PolizaAsignada"), "order_state_poliza_asignada");
        assert_eq!(state_key("En Ejecución"), "order_state_en_ejecucion");
        assert_eq!(state_key("Nueva"), "order_state_nueva");
    }
}
