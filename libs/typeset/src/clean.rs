//! Makes text from outside fit for print: one form of Unicode, no invisible characters, nothing that the fonts cannot
//! show, and never a signature anchor.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::anchors::defuse;
use crate::fonts::Fonts;

/// Stands for a character that no embedded font has, such as an emoji: PDF/A allows no missing glyphs, and a letter that
/// vanished without a trace would be worse than a box.
const MISSING: char = '□';

/// A word may be broken inside once it is longer than this: the columns of tables are not wider.
const UNBROKEN: usize = 22;

/// After these, a long word breaks best: addresses of all kinds are read in such parts.
const BREAK_AFTER: [char; 9] = ['@', '.', '/', '-', '_', ':', '?', '&', '='];

/// A part of a long word that has none of those breaks anywhere, in steps of so many letters: few enough for the
/// narrowest column, if all are as wide as `W`.
const STEP: usize = 6;

/// Marks a place where a word may break. The layouts take it out again: it is not in the text of the PDF, where it would
/// be copied along with an address.
pub(crate) const BREAK: char = '\u{200b}';

/// One line: every white space is a space.
pub(crate) fn line(fonts: &Fonts, text: &str) -> String {
    let text = printable(fonts, text);
    defuse(&joined(text.split_whitespace()))
}

/// Words with spaces between them: no-break ones where a line should not end, as in `S. A. S.`, `D. C.` or `15 # 24-30`.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut result = String::new();
    let mut before = "";
    for word in words {
        if !before.is_empty() {
            let glued = word == "#" || before == "#" || (is_initial(before) && is_initial(word));
            result.push(if glued { '\u{a0}' } else { ' ' });
        }
        result.push_str(&breakable(word));
        before = word;
    }
    result
}

/// A single letter with a full stop, and perhaps a comma after it.
fn is_initial(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.next() == Some('.') && letters.count() <= 1
}

/// Paragraphs: line breaks separate them, empty ones are dropped.
pub(crate) fn paragraphs(fonts: &Fonts, text: &str) -> Vec<String> {
    text.split(['\n', '\r', '\u{2028}', '\u{2029}'])
        .map(|text| line(fonts, text))
        .filter(|text| !text.is_empty())
        .collect()
}

/// One line of a template, whose braces are still to be read: it is made breakable afterwards.
pub(crate) fn template(fonts: &Fonts, text: &str) -> String {
    let text = printable(fonts, text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A part of a line: the spaces at its ends are kept.
pub(crate) fn breakable_text(text: &str) -> String {
    text.split(' ').map(breakable).collect::<Vec<_>>().join(" ")
}

/// What is left of a text when everything is taken out that cannot be seen, and the rest is put into one form.
fn printable(fonts: &Fonts, text: &str) -> String {
    let mut base = None;
    let mut result = String::with_capacity(text.len());
    for c in text.nfc() {
        if c.is_whitespace() || c == BREAK {
            result.push(' ');
            base = None;
        } else if c.is_control() || is_invisible(c) {
        } else if is_combining_mark(c) {
            // A mark is drawn by the font of its letter or not at all.
            if base.is_some_and(|base| fonts.draw_together(base, c)) {
                result.push(c);
            }
        } else {
            let shown = if fonts.draw(c) { c } else { MISSING };
            result.push(shown);
            base = Some(shown);
        }
    }
    result
}

/// Characters that change how others are read without being seen: joiners, directions, selectors, tags. Text with them
/// can look like another text. Private use and non-characters have no meaning that a reader could know.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// A long word with places where it may break.
fn breakable(word: &str) -> String {
    if word.chars().count() <= UNBROKEN {
        return word.to_owned();
    }
    let mut result = String::with_capacity(word.len() * 2);
    for part in word.split_inclusive(BREAK_AFTER) {
        if !result.is_empty() {
            result.push(BREAK);
        }
        let long = part.chars().count() > UNBROKEN;
        for (at, c) in part.chars().enumerate() {
            if long && at > 0 && at.is_multiple_of(STEP) && !is_combining_mark(c) {
                result.push(BREAK);
            }
            result.push(c);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        line(Fonts::get(), text)
    }

    #[test]
    fn what_cannot_be_seen_is_taken_out() {
        assert_eq!(
            shown("  Ana\u{0}\u{7}\tMaría \u{202e}\u{feff}P\u{e9}rez\u{ad} "),
            "Ana María Pérez"
        );
        assert_eq!(shown("Jose\u{301}"), "José", "one form for one letter");
    }

    #[test]
    fn what_no_font_has_becomes_a_box() {
        assert_eq!(shown("Taller 🔧👨‍👩‍👧"), "Taller □□□□");
        assert_eq!(
            shown("a\u{20e3}\u{e123}b"),
            "ab",
            "marks and private letters leave none"
        );
    }

    #[test]
    fn letters_of_other_alphabets_are_kept_where_a_font_has_them() {
        for text in ["Ñandú & Übermaß Žižek", "Ελλάδα", "Москва", "שלום", "→ № € ½ «»"]
        {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn long_words_may_break_and_short_ones_may_not() {
        assert_eq!(
            shown(&"x".repeat(500)).split(BREAK).map(str::len).max(),
            Some(STEP)
        );
        assert_eq!(
            shown("mantenimiento@clinica-ejemplo.co").replace(BREAK, "|"),
            "mantenimiento@|clinica-|ejemplo.|co"
        );
        assert!(!shown("internacionalización").contains(BREAK));
    }

    #[test]
    fn initials_and_house_numbers_stay_in_one_line() {
        assert_eq!(
            shown("Ana S. A. S., Calle 8 # 2-3"),
            "Ana S.\u{a0}A.\u{a0}S., Calle 8\u{a0}#\u{a0}2-3"
        );
    }

    #[test]
    fn line_breaks_make_paragraphs() {
        assert_eq!(
            paragraphs(Fonts::get(), "uno\r\n\n  \ndos\u{2028}tres"),
            ["uno", "dos", "tres"]
        );
        assert_eq!(shown("uno\ndos"), "uno dos");
    }
}
