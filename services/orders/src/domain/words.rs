//! How words of people are compared: without case, accents and punctuation.

/// The longest text that is looked at; chat messages end at 4,096 characters.
const MAX_CHARS: usize = 4_096;

/// Lower case, no accents, words separated by single spaces. `¿CÓMO va?` becomes `como va`.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_CHARS));
    let mut gap = false;
    for c in text.chars().take(MAX_CHARS).flat_map(char::to_lowercase) {
        // Combining accents of decomposed spelling belong to the letter before them.
        if ('\u{300}'..='\u{36f}').contains(&c) {
            continue;
        }
        let c = match c {
            'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
            'é' | 'è' | 'ë' | 'ê' => 'e',
            'í' | 'ì' | 'ï' | 'î' => 'i',
            'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
            'ú' | 'ù' | 'ü' | 'û' => 'u',
            'ñ' => 'n',
            'ç' => 'c',
            other => other,
        };
        if c.is_alphanumeric() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        } else {
            gap = true;
        }
    }
    out
}

/// A folded text as a list of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase(Vec<String>);

impl Phrase {
    /// The words of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(
            fold(text)
                .split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// How many words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no word is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `part` stands in it, word by word.
    #[must_use]
    pub fn contains(&self, part: &Self) -> bool {
        !part.is_empty() && self.0.windows(part.len()).any(|window| window == part.0)
    }

    /// Whether it is one of `phrases`, and nothing else.
    #[must_use]
    pub fn is_any(&self, phrases: &[Self]) -> bool {
        !self.is_empty() && phrases.contains(self)
    }

    /// Whether it consists of `phrases` alone, in any number: `hola, buenos días`.
    #[must_use]
    pub fn is_made_of(&self, phrases: &[Self]) -> bool {
        self.is_mainly(phrases, &[])
    }

    /// Whether it consists of `phrases`, at least one, with `others` between them: `sí, muchas gracias`.
    #[must_use]
    pub fn is_mainly(&self, phrases: &[Self], others: &[Self]) -> bool {
        let longest = |list: &[Self], rest: &[String]| {
            list.iter()
                .filter(|p| !p.is_empty() && rest.starts_with(&p.0))
                .map(Self::len)
                .max()
        };
        let mut rest = self.0.as_slice();
        let mut found = false;
        while !rest.is_empty() {
            let length = match (longest(phrases, rest), longest(others, rest)) {
                (Some(length), _) => {
                    found = true;
                    length
                }
                (None, Some(length)) => length,
                (None, None) => return false,
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        found
    }
}

/// Cuts a leading phrase off an answer: `Me llamo Ana` without `me llamo` is `Ana`. The rest keeps its spelling.
#[must_use]
pub fn without_lead<'a>(text: &'a str, leads: &[Phrase]) -> &'a str {
    let said = Phrase::new(text);
    let longest = leads
        .iter()
        .filter(|lead| !lead.is_empty() && said.0.starts_with(&lead.0))
        .map(Phrase::len)
        .max();
    let Some(mut skip) = longest else {
        return text.trim();
    };
    let mut rest = text.trim_start();
    while skip > 0 {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        skip = skip.saturating_sub(Phrase::new(word).len());
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
    }
    rest.trim_start_matches([':', ',', '-']).trim()
}

/// One line without needless space, control characters, or marks that turn the direction of what follows.
#[must_use]
pub fn tidy(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let shown = text.chars().take(MAX_CHARS).filter(|c| !turns(*c));
    let visible: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(texts: &[&str]) -> Vec<Phrase> {
        texts.iter().map(|text| Phrase::new(text)).collect()
    }

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        assert_eq!(fold("¿CÓMO   va mi Dirección?"), "como va mi direccion");
        assert_eq!(fold("man\u{303}ana"), "manana");
        assert_eq!(fold("…"), "");
    }

    #[test]
    fn phrases_are_found_by_whole_words_only() {
        let said = Phrase::new("Quiero saber el estado de mi orden");
        assert!(said.contains(&Phrase::new("ESTADO DE")));
        assert!(!said.contains(&Phrase::new("esta")));
        assert!(!said.contains(&Phrase::new("")));
    }

    #[test]
    fn a_greeting_is_only_a_greeting_when_nothing_else_is_said() {
        let greetings = phrases(&["hola", "buenos dias", "buenas"]);
        assert!(Phrase::new("¡Hola! Buenos días").is_made_of(&greetings));
        assert!(!Phrase::new("Hola, necesito ayuda").is_made_of(&greetings));
        assert!(!Phrase::new("").is_made_of(&greetings));
    }

    #[test]
    fn marks_that_would_turn_the_text_around_are_dropped() {
        assert_eq!(tidy("Ana\u{202e} \n Ruiz\u{7}"), "Ana Ruiz");
    }

    #[test]
    fn a_lead_is_cut_and_the_rest_keeps_its_spelling() {
        let leads = phrases(&["me llamo", "mi nombre es", "soy"]);
        assert_eq!(without_lead("Mi nombre es: Íñigo  Núñez", &leads), "Íñigo  Núñez");
        assert_eq!(without_lead("  Soy Ana", &leads), "Ana");
        assert_eq!(without_lead("Sofía Soy", &leads), "Sofía Soy");
        assert_eq!(without_lead("me llamo", &leads), "");
    }
}
