//! Holds pages to the catalogue: what a person reads stands in `words` and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Words of a language, and not of the code: several of them, one with an accent, or a capital that stands alone.
fn for_people(literal: &str, alone: bool) -> bool {
    let letters = literal.chars().filter(|letter| letter.is_alphabetic()).count();
    let several = literal
        .split_whitespace()
        .any(|word| word.chars().all(char::is_alphabetic))
        && literal.contains(' ');
    let accented = literal
        .chars()
        .any(|letter| letter.is_alphabetic() && !letter.is_ascii());
    let capital = alone && literal.starts_with(char::is_uppercase);
    letters >= 2 && (several || accented || capital)
}

/// String literals that stand where markup has its text: after a brace, a semicolon, a closing bracket, another text.
fn texts(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut rest = line;
        let mut before = String::new();
        while let Some((left, right)) = rest.split_once('"') {
            before.push_str(left);
            let mut literal = String::new();
            let mut escaped = false;
            let mut used = 0;
            for letter in right.chars() {
                used += letter.len_utf8();
                if letter == '"' && !escaped {
                    break;
                }
                escaped = letter == '\\' && !escaped;
                literal.push(letter);
            }
            rest = right.get(used..).unwrap_or_default();
            let stands = before.trim_end();
            // `href={ "/x/" (id) }` is an attribute that is put together.
            let attribute = stands.ends_with('{') && stands.trim_end_matches('{').trim_end().ends_with('=');
            let alone = stands.ends_with('{') && rest.trim_start().starts_with('}');
            let text = matches!(stands.chars().last(), None | Some('{' | '}' | ')'));
            if !attribute && text && for_people(&literal, alone) {
                found.push(literal);
            }
            before.push('"');
        }
    }
    found
}

#[test]
fn pages_hold_no_text_of_their_own() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/pages"),
        &mut files,
    );
    assert!(files.len() >= 10);
    files.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/layout.rs"));
    let mut found = Vec::new();
    for file in files {
        for text in texts(&fs::read_to_string(&file).unwrap()) {
            found.push(format!("{}: “{text}”", file.display()));
        }
    }
    assert!(found.is_empty(), "belongs into words/:\n{}", found.join("\n"));
}

#[test]
fn a_text_in_markup_is_found_and_an_attribute_is_not() {
    let source = r#"html! { p class="lede" { "Hola" } a href={ "/x/" (id) } { (say) " y más" } }"#;
    assert_eq!(texts(source), ["Hola", " y más"]);
}
