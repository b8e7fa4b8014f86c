//! A service provider's paper that ends, in the words of whoever has to renew it; pure.

/// The text before the last day is over, and after it.
const EXPIRING: &str = "paper_expiring";
const EXPIRED: &str = "paper_expired";

/// The key of the text.
pub(crate) const fn key(days_left: i32) -> &'static str {
    if days_left < 0 { EXPIRED } else { EXPIRING }
}

/// How people call this kind of paper.
pub(crate) fn name(kind: &str, language: &str) -> String {
    let spanish = language == "es";
    let word = match kind {
        "camara_comercio" if spanish => "certificado de Cámara de Comercio",
        "camara_comercio" => "Chamber of Commerce certificate",
        "policy" if spanish => "póliza",
        "policy" => "policy",
        "certificate" if spanish => "certificado",
        "certificate" => "certificate",
        // Abbreviations that are the same in every language: ARL, EPS, RUT.
        "arl" | "eps" | "rut" => return kind.to_uppercase(),
        _ if spanish => "documento",
        _ => "document",
    };
    word.to_owned()
}

/// A day as people write it: `31/12/2026`. What is none stays as it is.
pub(crate) fn day(iso: &str, language: &str) -> String {
    let parts: Vec<&str> = iso.split('-').collect();
    match parts.as_slice() {
        [year, month, day] if language == "es" => format!("{day}/{month}/{year}"),
        _ => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_still_a_good_one() {
        assert_eq!([key(7), key(0), key(-1)], [EXPIRING, EXPIRING, EXPIRED]);
    }

    #[test]
    fn papers_and_days_are_named_as_people_do() {
        assert_eq!(name("arl", "es"), "ARL");
        assert_eq!(name("camara_comercio", "es"), "certificado de Cámara de Comercio");
        assert_eq!(name("new_kind", "en"), "document");
        assert_eq!(day("2026-12-31", "es"), "31/12/2026");
        assert_eq!(day("2026-12-31", "en"), "2026-12-31");
        assert_eq!(day("soon", "es"), "soon");
    }
}
