//! What is said has a text in both languages, with the variables that it is given.

use std::collections::BTreeSet;

const ES: &str = include_str!("../../../notifications/texts/es.toml");
const EN: &str = include_str!("../../../notifications/texts/en.toml");
const SAY: &str = include_str!("../../src/domain/say.rs");

/// The keys that the domain names.
fn named() -> BTreeSet<&'static str> {
    SAY.split('"').filter(|part| part.starts_with("plate_")).collect()
}

#[test]
fn every_text_that_is_asked_for_is_there_in_both_languages_and_none_is_left_over() {
    assert_eq!(named().len(), 23);
    for (language, file) in [("es", ES), ("en", EN)] {
        let texts: toml::Table = file.parse().unwrap();
        // `plate_photo` is the first question, which orders asks.
        let there: BTreeSet<&str> = texts
            .keys()
            .map(String::as_str)
            .filter(|key| key.starts_with("plate_") && *key != "plate_photo")
            .collect();
        assert_eq!(there, named(), "{language}");
    }
}

#[test]
fn both_languages_take_the_same_variables() {
    let (spanish, english): (toml::Table, toml::Table) = (ES.parse().unwrap(), EN.parse().unwrap());
    for key in named() {
        assert_eq!(
            spanish[key].get("variables"),
            english[key].get("variables"),
            "{key}"
        );
        let counts = spanish[key].get("variables").is_some_and(|names| {
            names
                .as_array()
                .unwrap()
                .iter()
                .any(|name| name.as_str() == Some("attempt"))
        });
        if counts {
            let text = spanish[key]["text"].as_str().unwrap();
            assert!(text.contains("(intento {attempt}/{allowed})"), "{key}");
        }
    }
}
