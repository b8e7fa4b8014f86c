use proptest::prelude::*;

use super::*;

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn template(parameters: &[&str]) -> Template {
    Template {
        name: "order_opened".into(),
        language: "es".into(),
        parameters: parameters.iter().map(|p| (*p).to_owned()).collect(),
        category: "UTILITY".into(),
    }
}

fn text(text: &str, variables: &[&str], defaults: &[(&str, &str)]) -> Result<Text, TextError> {
    let variables: Vec<String> = variables.iter().map(|v| (*v).to_owned()).collect();
    Text::new(text, &variables, values(defaults), None)
}

#[test]
fn variables_are_filled_in_and_doubled_braces_are_braces() {
    let text = text("Hola {name}, {{orden}} {number}.", &["name", "number"], &[]).unwrap();
    assert_eq!(
        text.render(&values(&[("name", "Ana"), ("number", "OT-1")]))
            .unwrap(),
        "Hola Ana, {orden} OT-1."
    );
}

#[test]
fn a_missing_or_blank_value_is_refused_unless_there_is_a_default() {
    let strict = text("Hola {name}", &["name"], &[]).unwrap();
    assert_eq!(strict.render(&values(&[])), Err(Missing("name".into())));
    assert_eq!(
        strict.render(&values(&[("name", "  ")])),
        Err(Missing("name".into()))
    );
    let kind = text("Hola {name}", &["name"], &[("name", "cliente")]).unwrap();
    assert_eq!(kind.render(&values(&[("name", "")])).unwrap(), "Hola cliente");
}

#[test]
fn what_is_declared_and_what_is_used_must_agree() {
    assert_eq!(text("{a}", &[], &[]), Err(TextError::Undeclared("a".into())));
    assert_eq!(text("x", &["a"], &[]), Err(TextError::Unused("a".into())));
    assert_eq!(text("{a}", &["a", "a"], &[]), Err(TextError::Twice("a".into())));
    assert_eq!(
        text("x", &[], &[("a", "1")]),
        Err(TextError::StrayDefault("a".into()))
    );
    assert_eq!(text("  ", &[], &[]), Err(TextError::Empty));
    for broken in ["{a", "a}", "{}", "{A}", "{a b}"] {
        assert!(
            matches!(text(broken, &["a"], &[]), Err(TextError::Brace(_))),
            "{broken}"
        );
    }
    let undeclared = Text::new("x", &[], BTreeMap::new(), Some(template(&["name"])));
    assert_eq!(undeclared, Err(TextError::Undeclared("name".into())));
}

#[test]
fn parameters_keep_their_order_and_lose_line_breaks() {
    let variables = ["name".to_owned(), "number".to_owned()];
    let text = Text::new(
        "x",
        &variables,
        BTreeMap::new(),
        Some(template(&["number", "name"])),
    )
    .unwrap();
    let values = values(&[("name", "Ana\n\t  María"), ("number", "OT-1")]);
    assert_eq!(text.parameters(&values).unwrap(), ["OT-1", "Ana María"]);
}

proptest! {
    #[test]
    fn values_are_taken_literally(value in "[^ \t\n][ -~]{0,40}[^ \t\n]") {
        let text = text("<{a}>", &["a"], &[]).unwrap();
        let rendered = text.render(&values(&[("a", &value)])).unwrap();
        prop_assert_eq!(rendered, format!("<{}>", value.trim()));
    }

    #[test]
    fn no_text_makes_the_reader_panic(words in "\\PC{0,60}") {
        let _ = text(&words, &[], &[]);
    }
}
