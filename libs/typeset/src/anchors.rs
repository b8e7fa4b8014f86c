//! Where signatures go: words that a signing service looks for in the text of a contract.
//!
//! An anchor must be found exactly once. A text from outside that could be read as one (also with spaces in it, in
//! another case, or put together from neighbouring fields) loses its underscores.

use crate::clean::BREAK;

/// Role and anchor of each signature block: printed in white, once each, at the place where the signature belongs.
pub const ANCHORS: [(&str, &str); 3] = [
    ("client", "/firma_cliente/"),
    ("provider", "/firma_proveedor/"),
    ("agent", "/firma_agente/"),
];

/// The text without any underscore that could be the middle of an anchor.
pub(crate) fn defuse(text: &str) -> String {
    if is_dangerous(text) {
        text.replace('_', "-")
    } else {
        text.to_owned()
    }
}

/// Whether an underscore of the text, with what is around it, could be part of an anchor. What is around it may be in the
/// neighbouring field where the text ends.
pub(crate) fn is_dangerous(text: &str) -> bool {
    if !text.contains('_') {
        return false;
    }
    let squashed: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != BREAK)
        .flat_map(char::to_lowercase)
        .collect();
    squashed.match_indices('_').any(|(at, _)| {
        let (before, rest) = squashed.split_at_checked(at).unwrap_or_default();
        let after = rest.strip_prefix('_').unwrap_or(rest);
        ANCHORS.iter().any(|(_, anchor)| {
            let (left, right) = anchor.split_once('_').unwrap_or_default();
            (before.ends_with(left) || left.ends_with(before))
                && (after.starts_with(right) || right.starts_with(after))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_from_outside_can_be_an_anchor() {
        for text in [
            "/firma_cliente/",
            "x /FIRMA_Proveedor/ y",
            "/ f i r m a _ a g e n t e /",
            "/firma\u{200b}_cliente/",
            "/firma_",
            "rma_cliente/",
            "_",
            "firma_cli",
            "a_b /firma_cliente/",
        ] {
            assert!(!defuse(text).contains('_'), "{text}");
        }
    }

    #[test]
    fn innocent_underscores_stay() {
        for text in [
            "ana_perez@correo.co",
            "firma_digital@correo.co",
            "mi_cliente@correo.co",
            "a_b",
        ] {
            assert_eq!(defuse(text), text);
        }
    }
}
