use super::*;

fn filled(text: &str, values: &[(&'static str, &str)]) -> Vec<(bool, String)> {
    let values = values
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let Ok(text) = Text::parse(text) else {
        panic!("{text} was refused")
    };
    text.fill(&values)
        .into_iter()
        .map(|paragraph| {
            let text = paragraph.pieces.into_iter().map(|piece| piece.text).collect();
            (paragraph.item, text)
        })
        .collect()
}

#[test]
fn placeholders_are_filled_and_double_braces_are_braces() {
    assert_eq!(
        filled(
            "De {cliente} a {proveedor}, {{así}}.",
            &[("cliente", "Ana"), ("proveedor", "{cliente}")]
        ),
        [(false, "De Ana a {cliente}, {así}.".to_owned())],
        "a value is never read as a text"
    );
}

#[test]
fn lines_are_joined_and_items_stand_alone() {
    assert_eq!(
        filled("uno\ndos\n\ntres:\n- cuatro\n  cinco\n- seis\n", &[]),
        [
            (false, "uno dos".to_owned()),
            (false, "tres:".to_owned()),
            (true, "cuatro cinco".to_owned()),
            (true, "seis".to_owned())
        ]
    );
}

#[test]
fn a_sentence_ends_with_one_full_stop() {
    assert_eq!(
        filled("De {cliente}. Y {cliente}, sí.", &[("cliente", "Ana S. A.")])[0].1,
        "De Ana S. A. Y Ana S. A., sí."
    );
    assert_eq!(filled("De {cliente}.", &[("cliente", "Ana")])[0].1, "De Ana.");
}

#[test]
fn unknown_names_and_open_braces_are_refused() {
    for (text, word) in [
        ("a {valr} b", "{valr}"),
        ("a {cliente", "{cliente"),
        ("a } b", "} b"),
        ("{}", "{}"),
    ] {
        let refused = Text::parse(text).err().map(|bad| bad.word);
        assert_eq!(refused.as_deref(), Some(word), "{text}");
    }
}

#[test]
fn an_anchor_does_not_come_together_from_text_and_value() {
    let values = [("cliente", "cliente/"), ("ciudad", "/firma_")];
    for text in [
        "/firma_{cliente}",
        "{ciudad}cliente/",
        "{ciudad}{cliente}",
        "/firma_cliente/",
    ] {
        let paragraphs = filled(text, &values);
        assert!(paragraphs.iter().all(|(_, text)| !text.contains('_')), "{text}");
    }
}

#[test]
fn names_are_in_order_and_each_is_there_once() {
    assert!(NAMES.is_sorted_by(|a, b| a < b));
    assert!(STRONG.iter().all(|name| NAMES.contains(name)));
}
