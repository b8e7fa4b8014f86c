//! What a person's words mean where a serial is wanted: yes, no, "nobody can read it", the serial itself, or something
//! else. Spanish and English, with the polite words around them.
//!
//! A serial is taken from words only when there can be no other: what ends up in a record must not be half of a sentence.

use crate::domain::serial::{NoSerial, Serial};

/// Longer than any answer; what comes after it is not looked at.
const MOST_WORDS: usize = 60;
/// The longest text that is looked at, in characters.
const MOST_CHARACTERS: usize = 400;
/// The longest part of a serial in blanks that is letters alone: `ABC 123 456`.
const LETTERS: usize = 4;

/// What was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    No,
    /// Nobody can read the plate.
    Illegible,
    Serial(Serial),
    /// Meant as a serial, and can be none.
    NoSerial(NoSerial),
    Other,
}

const YES: &[&str] = &[
    "si",
    "sii",
    "s",
    "sip",
    "claro",
    "correcto",
    "correcta",
    "exacto",
    "exactamente",
    "asi",
    "eso",
    "confirmo",
    "confirmado",
    "afirmativo",
    "dale",
    "listo",
    "vale",
    "ok",
    "okay",
    "okey",
    "perfecto",
    "yes",
    "y",
    "yep",
    "yeah",
    "yup",
    "right",
    "correct",
    "confirmed",
    "sure",
    "exactly",
    "👍",
    "👌",
    "✅",
    "✔",
    "1️⃣",
];
const NO: &[&str] = &[
    "no",
    "n",
    "nop",
    "nope",
    "nel",
    "negativo",
    "incorrecto",
    "incorrecta",
    "equivocado",
    "equivocada",
    "mal",
    "errado",
    "errada",
    "wrong",
    "incorrect",
    "not",
    "👎",
    "❌",
];
/// Phrases, in words without accents.
const ILLEGIBLE: &[&[&str]] = &[
    &["ilegible"],
    &["ilejible"],
    &["illegible"],
    &["unreadable"],
    &["no", "se", "lee"],
    &["no", "se", "ve"],
    &["no", "se", "puede", "leer"],
    &["no", "se", "alcanza", "a", "leer"],
    &["no", "se", "alcanza", "a", "ver"],
    &["no", "es", "legible"],
    &["esta", "borrado"],
    &["esta", "borrada"],
    &["borrado"],
    &["borrada"],
    &["cannot", "be", "read"],
    &["cannot", "read"],
    &["cant", "read"],
    &["can't", "read"],
    &["not", "readable"],
];
/// Words around an answer that change nothing of it.
const POLITE: &[&str] = &[
    "por", "favor", "porfa", "porfavor", "gracias", "muchas", "mil", "hola", "buenas", "buenos", "dias",
    "tardes", "noches", "buen", "dia", "senor", "senora", "senorita", "disculpe", "perdon", "please",
    "thanks", "thank", "you", "hello", "hi", "sir", "madam", "sorry", "🙏", "🙂", "😊",
];
/// Words that lead to the serial.
const LEADING: &[&str] = &[
    "el", "la", "los", "este", "esta", "ese", "esa", "es", "seria", "son", "serial", "serie", "seriado",
    "numero", "num", "nro", "no", "n", "s/n", "sn", "ns", "n/s", "de", "del", "placa", "equipo", "dice",
    "sino", "the", "is", "it", "it's", "its", "this", "that", "number", "serial:", "plate", "says", "#",
    "n°", "nº",
];

/// What was meant by a text.
pub(crate) fn understand(text: &str) -> Said {
    let text: String = text.chars().take(MOST_CHARACTERS).collect();
    let words: Vec<Word> = text
        .split(|c: char| {
            c.is_whitespace() || matches!(c, ',' | ';' | '!' | '¡' | '?' | '¿' | ':' | '"' | '*')
        })
        .filter_map(Word::read)
        .take(MOST_WORDS)
        .collect();
    let meant: Vec<&Word> = words.iter().filter(|word| !word.is(POLITE)).collect();
    let plain: Vec<&str> = meant.iter().map(|word| word.plain.as_str()).collect();
    if ILLEGIBLE.iter().any(|phrase| holds(&plain, phrase)) && !plain.iter().any(|word| has_digit(word)) {
        return Said::Illegible;
    }
    match serial(&meant) {
        Said::Other => verdict(&meant),
        found => found,
    }
}

/// A word as it was written, and in small letters without accents.
struct Word {
    written: String,
    plain: String,
}

impl Word {
    fn read(word: &str) -> Option<Self> {
        let written = word
            .trim_matches(|c: char| matches!(c, '.' | '(' | ')' | '\'' | '“' | '”' | '…'))
            .trim_end_matches('\u{fe0f}');
        let plain = written
            .chars()
            .flat_map(char::to_lowercase)
            .map(|c| match c {
                'á' | 'à' => 'a',
                'é' | 'è' => 'e',
                'í' | 'ì' => 'i',
                'ó' | 'ò' => 'o',
                'ú' | 'ù' | 'ü' => 'u',
                'ñ' => 'n',
                other => other,
            })
            .collect();
        (!written.is_empty()).then(|| Self {
            written: written.to_owned(),
            plain,
        })
    }

    fn is(&self, of: &[&str]) -> bool {
        of.contains(&self.plain.as_str())
    }
}

fn has_digit(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
}

/// Whether the phrase stands in the words.
fn holds(words: &[&str], phrase: &[&str]) -> bool {
    words.windows(phrase.len()).any(|part| part == phrase)
}

/// The only serial that the words can mean.
fn serial(words: &[&Word]) -> Said {
    if !words.iter().any(|word| has_digit(&word.plain)) {
        return Said::Other;
    }
    // `sí, ABC123` and `no, es ABC123` name it as well.
    let rest: Vec<&&Word> = words
        .iter()
        .filter(|word| has_digit(&word.plain) || !(word.is(LEADING) || word.is(YES) || word.is(NO)))
        .collect();
    let parts = rest.iter().all(|word| {
        let letters = word.written.chars().all(|c| c.is_ascii_uppercase()) && word.written.len() <= LETTERS;
        has_digit(&word.plain) || letters
    });
    let one = rest.len() == 1;
    // `ABC123 ABC124` are two, `ABC 123 456` is one in parts: only digits follow each other.
    let joined = parts
        && rest.iter().skip(1).all(|word| {
            let digits = word.plain.chars().filter(char::is_ascii_digit).count();
            digits == word.plain.chars().count() || !has_digit(&word.plain)
        });
    if !(one || joined) {
        return Said::Other;
    }
    let written: String = rest.iter().map(|word| word.written.as_str()).collect();
    match Serial::read(&written) {
        Ok(serial) => Said::Serial(serial),
        Err(reason) => Said::NoSerial(reason),
    }
}

/// Yes or no, and nothing else besides.
fn verdict(words: &[&Word]) -> Said {
    let filler = |word: &Word| {
        word.is(&[
            "es", "esta", "bien", "asi", "ese", "esa", "el", "la", "senor", "it", "is", "that", "that's",
            "its", "it's", "serial", "muy", "que",
        ])
    };
    let yes = words.iter().any(|word| word.is(YES));
    let no = words.iter().any(|word| word.is(NO));
    let known = words
        .iter()
        .all(|word| word.is(YES) || word.is(NO) || filler(word));
    match (known, yes, no) {
        (true, true, false) => Said::Yes,
        // `no es correcto` is a no.
        (true, _, true) => Said::No,
        _ => Said::Other,
    }
}
