//! Names of files, as people gave them: shown and saved under, never used as a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longer names are cut.
const MAX_CHARS: usize = 200;
/// What may stand unescaped in an extended parameter (RFC 8187).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// A name without anything that means more than itself: separators, control and direction characters, quotes.
#[must_use]
pub fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !is_unsafe(*c)).take(MAX_CHARS);
    let name: String = kept.collect();
    let name = name.trim_matches(['.', ' ']);
    if name.is_empty() { "documento" } else { name }.to_owned()
}

/// Besides what file systems refuse: characters that turn the direction of text hide what a name ends with.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*' | ';')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `Content-Disposition` for this name (RFC 6266): a plain form for old programs, the true one for all others.
#[must_use]
pub fn disposition(name: &str) -> String {
    let name = clean(name);
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let plain = plain.replace('%', "_");
    let exact = utf8_percent_encode(&name, PLAIN);
    format!("inline; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header_or_folder() {
        for (given, kept) in [
            ("contrato.pdf", "contrato.pdf"),
            ("Póliza ñandú.pdf", "Póliza ñandú.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\rut.pdf", "rut.pdf"),
            ("a\"; filename=\"b.exe", "a filename=b.exe"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie x"),
            ("factura\u{202e}fdp.exe", "facturafdp.exe"),
            ("...", "documento"),
            ("", "documento"),
            ("x/", "documento"),
        ] {
            assert_eq!(clean(given), kept, "{given:?}");
        }
        assert_eq!(clean(&"ñ".repeat(500)).chars().count(), MAX_CHARS);
    }

    #[test]
    fn the_header_is_plain_ascii_and_keeps_the_name() {
        assert_eq!(
            disposition("Póliza 1.pdf"),
            "inline; filename=\"P_liza 1.pdf\"; filename*=UTF-8''P%C3%B3liza%201.pdf"
        );
        assert!(disposition("x\r\ny\"z").is_ascii());
    }
}
