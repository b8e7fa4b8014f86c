//! A client: who may ask for service, and what registration must bring.

use puente_types::{ClientId, Nit, NitReading, Phone, Region};

use crate::domain::words::tidy;

/// RFC 5321: a longer address cannot be delivered to.
const MAX_EMAIL: usize = 254;
/// RFC 5321: the part before the `@`.
const MAX_LOCAL: usize = 64;

/// What registration brought, every field valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The name given.
    pub name: String,
    /// The e-mail address, its domain in lower case.
    pub email: String,
    /// The number to call.
    pub phone: Phone,
    /// Where the client is, as text.
    pub location: String,
    /// The tax id, where the client has one and gave it.
    pub nit: Option<Nit>,
}

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// What it told of itself.
    pub data: Registration,
}

/// Why an answer is not what was asked for. Holds nothing of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadField {
    /// Too short or too long.
    #[error("has the wrong length")]
    Length,
    /// Not of the form that the field has.
    #[error("does not have the form of the field")]
    Form,
    /// Not one of the choices.
    #[error("is none of the choices")]
    Choice,
}

/// Reads a person's or a company's name.
///
/// # Errors
/// When it is too short or long, or looks like something else: an address, a number, a link.
pub fn name(raw: &str, min: usize, max: usize) -> Result<String, BadField> {
    let name = tidy(raw);
    if !(min..=max).contains(&name.chars().count()) {
        return Err(BadField::Length);
    }
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let foreign = name.contains(['@', '<', '>', '{', '}', '?', '¿']) || name.contains("://");
    if foreign || letters < 2 || digits > letters {
        Err(BadField::Form)
    } else {
        Ok(name)
    }
}

/// Finds an e-mail address in an answer: `mi correo es Ana@Example.com.`
///
/// # Errors
/// When there is none, or more than one.
pub fn email(raw: &str) -> Result<String, BadField> {
    let text = tidy(raw);
    let mut candidates = text
        .split([' ', ',', ';', '<', '>', '(', ')'])
        .filter(|word| word.contains('@'));
    let (Some(word), None) = (candidates.next(), candidates.next()) else {
        return Err(BadField::Form);
    };
    let word = word
        .trim_start_matches("mailto:")
        .trim_matches(['.', ':', '"', '\'', '¡', '!', '¿', '?']);
    let (local, domain) = word.split_once('@').ok_or(BadField::Form)?;
    let domain = domain.to_lowercase();
    if local.is_empty() || local.len() > MAX_LOCAL || word.len() > MAX_EMAIL {
        return Err(BadField::Length);
    }
    let local_fits = local
        .chars()
        .all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top_fits = domain
        .rsplit_once('.')
        .is_some_and(|(_, top)| top.len() >= 2 && top.chars().all(char::is_alphabetic));
    if local_fits && top_fits && domain.split('.').all(label_fits) {
        Ok(format!("{local}@{domain}"))
    } else {
        Err(BadField::Form)
    }
}

/// Finds a phone number in an answer: `mi cel es 300 123 4567`.
///
/// # Errors
/// When there is no valid one.
pub fn phone(raw: &str, region: Region) -> Result<Phone, BadField> {
    let text = tidy(raw);
    let start = text
        .char_indices()
        .find(|(_, c)| c.is_ascii_digit() || *c == '+' || *c == '(')
        .map(|(at, _)| at);
    let number = start.and_then(|at| text.get(at..)).unwrap_or_default();
    let end = number
        .char_indices()
        .find(|(_, c)| c.is_alphabetic())
        .map_or(number.len(), |(at, _)| at);
    let number = number
        .get(..end)
        .unwrap_or_default()
        .trim_matches(['.', ',', ' ']);
    Phone::parse(number, region).map_err(|_| BadField::Form)
}

/// Reads a place, or any other text of one line.
///
/// # Errors
/// When it is too short or long, or holds no letter or digit at all.
pub fn line(raw: &str, min: usize, max: usize) -> Result<String, BadField> {
    let text = tidy(raw);
    if !(min..=max).contains(&text.chars().count()) {
        return Err(BadField::Length);
    }
    if text.chars().any(char::is_alphanumeric) {
        Ok(text)
    } else {
        Err(BadField::Form)
    }
}

/// A tax id as somebody wrote it, when it must be checked before it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenNit {
    /// With its check digit, which fits.
    Whole(Nit),
    /// Without it: it counts only where somebody knows it.
    Bare(Nit),
    /// The last digit may be the check digit or not.
    Ambiguous,
}

/// Finds a tax id in an answer: `es el 900.373.115-3`.
///
/// # Errors
/// When there is none, or its check digit does not fit.
pub fn written_nit(raw: &str) -> Result<WrittenNit, BadField> {
    let text = tidy(raw);
    let start = text.find(|c: char| c.is_ascii_digit());
    let number = start.and_then(|at| text.get(at..)).unwrap_or_default();
    let end = number.find(char::is_alphabetic).unwrap_or(number.len());
    let number = number.get(..end).unwrap_or_default();
    match Nit::parse(number.trim_matches(|c: char| !c.is_ascii_digit())) {
        Ok(NitReading::Verified(nit)) => Ok(WrittenNit::Whole(nit)),
        Ok(NitReading::Derived(nit)) => Ok(WrittenNit::Bare(nit)),
        Ok(NitReading::Ambiguous { .. }) => Ok(WrittenNit::Ambiguous),
        Err(_) => Err(BadField::Form),
    }
}

/// Reads a tax id. An ambiguous spelling is refused: the client is asked for the check digit.
///
/// # Errors
/// When it is none, or when its last digit may or may not be the check digit.
pub fn nit(raw: &str) -> Result<Nit, BadField> {
    match Nit::parse(raw.trim()) {
        Ok(NitReading::Verified(nit) | NitReading::Derived(nit)) => Ok(nit),
        Ok(NitReading::Ambiguous { .. }) | Err(_) => Err(BadField::Form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied_and_other_things_are_refused() {
        assert_eq!(name("  María   José\nÑáñez ", 2, 80).unwrap(), "María José Ñáñez");
        assert_eq!(name("Aires 24 S.A.S.", 2, 80).unwrap(), "Aires 24 S.A.S.");
        for bad in [
            "",
            "x",
            "12345",
            "ana@example.com",
            "https://example.com",
            "¿qué?",
            "🙂🙂",
        ] {
            assert!(name(bad, 2, 80).is_err(), "{bad}");
        }
        assert_eq!(name(&"a".repeat(81), 2, 80), Err(BadField::Length));
    }

    #[test]
    fn an_address_is_found_in_a_sentence() {
        assert_eq!(
            email("Mi correo es Laura.Gomez@Example.COM.co.").unwrap(),
            "Laura.Gomez@example.com.co"
        );
        assert_eq!(email("mailto:ana+casa@correo.co").unwrap(), "ana+casa@correo.co");
        for bad in [
            "",
            "laura",
            "laura@",
            "@example.com",
            "laura@example",
            "a b@c",
            "a@b.c",
            "a@b..co",
            "a@-b.co",
            "a@b.co c@d.co",
            "a@1.2.3.4",
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn phones_come_out_in_one_form() {
        for good in [
            "300 123 4567",
            "(+57) 300-123-4567",
            "mi cel es 3001234567 gracias",
            "+573001234567.",
        ] {
            assert_eq!(
                phone(good, Region::Co).unwrap().as_e164(),
                "+573001234567",
                "{good}"
            );
        }
        for bad in ["", "no tengo", "123", "30012345678901234"] {
            assert!(phone(bad, Region::Co).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_must_say_something() {
        assert_eq!(
            line("Cra 7 # 12-34,\nBogotá", 4, 200).unwrap(),
            "Cra 7 # 12-34, Bogotá"
        );
        assert!(line("...", 1, 200).is_err());
        assert!(line("ab", 4, 200).is_err());
    }

    #[test]
    fn a_tax_id_is_found_in_a_sentence_and_one_without_its_check_digit_is_told_apart() {
        let whole =
            |raw: &str| matches!(written_nit(raw), Ok(WrittenNit::Whole(nit)) if nit.body() == "900373115");
        for good in [
            "900.373.115-3",
            "Es el NIT 900373115 - 3, gracias",
            "9003731153",
            "nit: 900 373 115 — 3.",
        ] {
            assert!(whole(good), "{good}");
        }
        assert!(matches!(written_nit("900373115"), Ok(WrittenNit::Bare(_))));
        assert_eq!(written_nit("7000029"), Ok(WrittenNit::Ambiguous));
        for bad in [
            "",
            "no sé",
            "900373115-4",
            "123",
            "-",
            "900373115-33",
            &"9".repeat(70),
        ] {
            assert_eq!(written_nit(bad), Err(BadField::Form), "{bad}");
        }
    }

    #[test]
    fn a_tax_id_with_two_readings_is_asked_for_again() {
        assert_eq!(nit("900.373.115-3").unwrap().body(), "900373115");
        assert!(nit("900373115-4").is_err());
    }
}
