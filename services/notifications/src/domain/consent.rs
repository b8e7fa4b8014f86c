//! Whether a contact wants to hear from us, read from what they write.
//!
//! Writing first is consent to service messages; it is no consent to marketing. A stop word ends all consent, and only
//! a start word brings it back: an ordinary message after a stop word does not.

use std::collections::BTreeSet;

/// What a message of a contact says about consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Wants no more messages.
    Stop,
    /// Wants messages, marketing too.
    Start,
}

/// The words of an installation.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    stop: BTreeSet<String>,
    start: BTreeSet<String>,
}

/// A contact's consent as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// None was ever given.
    None,
    /// Taken back.
    OptedOut,
    /// To messages about what they asked for.
    Service,
    /// To marketing as well.
    Marketing,
}

impl Words {
    /// Words as a person would type them; case, accents and punctuation do not matter.
    pub(crate) fn new<'a>(
        stop: impl IntoIterator<Item = &'a String>,
        start: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        Self {
            stop: stop.into_iter().map(|word| plain(word)).collect(),
            start: start.into_iter().map(|word| plain(word)).collect(),
        }
    }

    /// What a whole message says. A stop word inside a longer message is no stop word: "me doy de baja mañana".
    pub(crate) fn read(&self, text: &str) -> Option<Word> {
        // Longer texts are no word; bounded before any work is done on them.
        if text.len() > 64 {
            return None;
        }
        let text = plain(text);
        if self.stop.contains(&text) {
            Some(Word::Stop)
        } else if self.start.contains(&text) {
            Some(Word::Start)
        } else {
            None
        }
    }
}

/// Upper case without accents, with only letters and digits, and one space between words.
fn plain(text: &str) -> String {
    let folded: String = text
        .to_uppercase()
        .chars()
        .map(|c| match c {
            'Á' => 'A',
            'É' => 'E',
            'Í' => 'I',
            'Ó' => 'O',
            'Ú' | 'Ü' => 'U',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words::new(&["BAJA".to_owned(), "NO MÁS".to_owned()], &["ALTA".to_owned()])
    }

    #[test]
    fn a_stop_word_is_known_however_it_is_typed() {
        for text in ["baja", " Baja. ", "BAJA!!", "no mas", "No  más"] {
            assert_eq!(words().read(text), Some(Word::Stop), "{text}");
        }
        assert_eq!(words().read("¡alta!"), Some(Word::Start));
    }

    #[test]
    fn a_stop_word_inside_a_sentence_is_none() {
        for text in ["la presión está baja", "cancelar", "", "bajamos"] {
            assert_eq!(words().read(text), None, "{text}");
        }
    }
}
