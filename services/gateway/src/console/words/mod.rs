//! Every text of the console, Spanish and English side by side: one without the other does not compile.
//!
//! Sentences have places in braces, `{n}`, which [`Language::fill`] fills; a test holds both languages to the same places.

mod order;
mod plates;
mod shell;
mod signature;
mod traffic;

pub(crate) use order::*;
pub(crate) use plates::*;
pub(crate) use shell::*;
pub(crate) use signature::*;
pub(crate) use traffic::*;

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    es: &'static str,
    en: &'static str,
}

#[cfg(test)]
impl Word {
    /// The Spanish text.
    pub(crate) const fn spanish(self) -> &'static str {
        self.es
    }
}

/// What a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// Spanish as it is spoken to customers in Colombia.
    #[default]
    Spanish,
    /// English.
    English,
}

impl Language {
    /// The language of a tag such as `en-GB`; `None` for one that there are no texts in.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_', ';']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "es" => Some(Self::Spanish),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The first known language of an `Accept-Language` header; browsers put the most wanted first.
    pub(crate) fn of_header(header: &str) -> Option<Self> {
        header.split(',').find_map(Self::of_tag)
    }

    /// Its short tag.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
        }
    }

    /// The text.
    pub(crate) const fn say(self, word: Word) -> &'static str {
        match self {
            Self::Spanish => word.es,
            Self::English => word.en,
        }
    }

    /// The sentence with its places filled.
    pub(crate) fn fill(self, word: Word, places: &[(&str, &str)]) -> String {
        places
            .iter()
            .fold(self.say(word).to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
    }
}

macro_rules! words {
    ($($key:ident = $es:literal, $en:literal;)*) => {
        $(pub(crate) const $key: super::Word = super::Word { es: $es, en: $en };)*
        #[cfg(test)]
        pub(super) const TABLE: &[(&str, super::Word)] = &[$((stringify!($key), $key)),*];
    };
}
use words;

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static (&'static str, Word)> {
        [
            shell::TABLE,
            order::TABLE,
            plates::TABLE,
            signature::TABLE,
            traffic::TABLE,
        ]
        .into_iter()
        .flatten()
    }

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<_> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn both_languages_say_something_with_the_same_places() {
        let mut count = 0;
        for (key, word) in all() {
            assert!(!word.es.trim().is_empty() && !word.en.trim().is_empty(), "{key}");
            assert_eq!(places(word.es), places(word.en), "{key}");
            count += 1;
        }
        assert!(count > 200, "{count}");
    }

    #[test]
    fn nobody_is_shouted_at_blamed_or_told_to_click_here() {
        let never = [
            "!",
            "¡",
            "Ups",
            "Oops",
            "haga clic",
            "click here",
            "Aceptar",
            "Procesar",
        ];
        for (key, word) in all() {
            for text in [word.es, word.en] {
                assert!(!never.iter().any(|bad| text.contains(bad)), "{key}: {text}");
            }
        }
    }

    #[test]
    fn people_are_addressed_as_usted() {
        for (key, word) in all() {
            let words: Vec<_> = word.es.split(|c: char| !c.is_alphabetic()).collect();
            for bad in ["tú", "tu", "tus", "puedes", "tienes", "haz"] {
                assert!(!words.contains(&bad), "{key}: {}", word.es);
            }
        }
    }

    #[test]
    fn the_language_comes_from_tags_and_headers() {
        assert_eq!(
            Language::of_header("fr-CA, en;q=0.8, es;q=0.5"),
            Some(Language::English)
        );
        assert_eq!(Language::of_header("es-CO,es;q=0.9"), Some(Language::Spanish));
        assert_eq!(Language::of_header("de"), None);
    }
}
