//! Text from people who mean no good, or who paste whatever they have: it is printed as text, or refused by name.

use proptest::prelude::*;
use puente_typeset::{ANCHORS, ContractData, TypesetError, limits};

use crate::look::assert_within_margins;
use crate::reading::{Read, count, squashed};
use crate::sample::{contract, step, summary, templates, tenant};

fn rendered(data: &ContractData) -> Read {
    let rendered = templates().contract(&tenant(), data).unwrap();
    assert_within_margins(&rendered.pdf);
    Read::of(&rendered.pdf)
}

#[test]
fn markup_is_printed_and_never_obeyed() {
    let texts = [
        "#panic(\"x\")",
        "#read(\"/etc/passwd\")",
        "#image(\"/logo.png\")",
        "= Título *negrita* _cursiva_ `código` $x^2$",
        "<label> @ref \\ // no /* no */ ~ -- --- ...",
        "#set text(white)",
        "{cliente} {{x}} ]]) \"comillas\" 'simples'",
        "<b>html</b> &amp; %s %d \\n",
    ];
    let mut data = contract();
    data.description = texts.join("\n");
    data.client.name = texts[0].to_owned();
    data.service = texts[3].to_owned();
    data.quotation_note = Some(texts[5].to_owned());
    let read = rendered(&data);
    let text = read.squashed();
    for said in texts {
        assert!(text.contains(&squashed(said)), "«{said}» is missing in {text}");
    }
}

#[test]
fn very_long_words_break_and_stay_on_the_page() {
    let mut data = contract();
    let word = "W".repeat(limits::LINE);
    data.description = format!(
        "{}\n{}",
        "m".repeat(4_000),
        "https://ejemplo.invalid/".repeat(100)
    );
    for party in [&mut data.client, &mut data.provider, &mut data.agent] {
        party.name.clone_from(&word);
        party.tax_id = Some(word.clone());
        party.email = Some(word.clone());
        party.phone = Some(word.clone());
        party.address = Some("W".repeat(limits::SHORT_TEXT));
    }
    (data.number, data.order_number, data.city) = (word.clone(), word.clone(), word.clone());
    (data.service, data.location) = (word.clone(), "W".repeat(limits::SHORT_TEXT));
    let text = rendered(&data).squashed();
    assert!(text.contains(&"m".repeat(4_000).chars().take(500).collect::<String>()));
    assert!(
        text.matches("https://ejemplo.invalid/").count() >= 95,
        "page breaks may cut a few"
    );

    let mut data = summary();
    (data.order_number, data.state_label, data.service) = (word.clone(), word.clone(), word.clone());
    (data.agent, data.provider) = (Some(word.clone()), Some(word.clone()));
    data.steps = vec![step(&word, &"W".repeat(limits::SHORT_TEXT))];
    data.documents[0].name = word;
    assert_within_margins(&templates().summary(&tenant(), &data).unwrap().pdf);
}

#[test]
fn emoji_other_scripts_and_invisible_characters_do_no_harm() {
    let mut data = contract();
    data.client.name = "Café 🔧 Ñandú\u{202e}\u{0}\u{feff}\u{200d} S.A.".to_owned();
    data.description = "שלום עולם\nمرحبا بالعالم\n你好世界\nПривет\nZ\u{335}\u{321}\u{353}a\u{300}\u{316}l\u{337}go\t\u{b}fin".to_owned();
    let text = rendered(&data).flat();
    assert!(count(&text, "Café □ Ñandú S.A.") > 0, "{text}");
    assert!(text.contains("Привет"), "{text}");
    assert!(
        count(&text, "你好") == 0 && count(&text, "□□□□") > 0,
        "a script that no font has leaves boxes"
    );
}

#[test]
fn no_field_can_bring_an_anchor() {
    for (_, anchor) in ANCHORS {
        let (left, right) = anchor.split_once('_').unwrap();
        let spaced: String = anchor.chars().flat_map(|c| [c, ' ']).collect();
        let mut data = contract();
        data.description = format!(
            "{anchor}\n{spaced}\n{left}_\n{right}\n{left}\n_{right}\n{}",
            anchor.to_uppercase()
        );
        data.client.name = anchor.to_owned();
        data.provider.name = format!("{left}_");
        data.provider.address = Some(right.to_owned());
        data.agent.name = left.to_owned();
        data.agent.address = Some(format!("_{right}"));
        data.service = anchor.replace('_', "_\u{200b}");
        data.quotation_note = Some(anchor.to_owned());
        (data.number, data.city) = (anchor.to_owned(), anchor.to_owned());
        let read = rendered(&data);
        for (_, anchor) in ANCHORS {
            assert_eq!(
                count(&read.pages.concat(), anchor),
                1,
                "{anchor} in {:?}",
                read.pages
            );
        }
    }
}

#[test]
fn text_beyond_a_limit_is_refused_by_name_and_at_the_limit_it_is_printed() {
    let mut data = contract();
    data.description = "palabra de prueba "
        .repeat(limits::LONG_TEXT)
        .chars()
        .take(limits::LONG_TEXT)
        .collect();
    assert!(templates().contract(&tenant(), &data).unwrap().pages > 3);
    data.description.push('x');
    assert_eq!(
        templates().contract(&tenant(), &data).unwrap_err(),
        TypesetError::TooLong {
            field: "description",
            found: limits::LONG_TEXT + 1,
            max: limits::LONG_TEXT
        }
    );
    let mut data = contract();
    data.client.name = "ñ".repeat(limits::LINE + 1);
    let refused = templates().contract(&tenant(), &data).unwrap_err();
    assert!(matches!(
        refused,
        TypesetError::TooLong {
            field: "client.name",
            ..
        }
    ));
    assert!(
        !refused.to_string().contains('ñ'),
        "an error never carries the data"
    );
}

#[test]
fn the_largest_documents_are_made_or_refused_for_their_size() {
    let lines =
        |lines: usize, max: usize| format!("{}\n", "palabra ".repeat(max / lines / 8 - 1)).repeat(lines);
    let mut data = contract();
    data.description = lines(limits::PARAGRAPHS, limits::LONG_TEXT);
    data.quotation_note = Some(data.description.clone());
    assert!(templates().contract(&tenant(), &data).unwrap().pages > 10);
    data.description = "x\n".repeat(limits::PARAGRAPHS + 1);
    let refused = templates().contract(&tenant(), &data).unwrap_err();
    assert!(matches!(
        refused,
        TypesetError::TooMany {
            field: "description",
            ..
        }
    ));

    let mut data = summary();
    data.description = lines(limits::PARAGRAPHS, limits::LONG_TEXT);
    data.steps = vec![step(&"paso ".repeat(limits::LINE / 5), &lines(20, limits::SHORT_TEXT)); limits::STEPS];
    let result = templates().summary(&tenant(), &data);
    assert!(
        matches!(result, Ok(_) | Err(TypesetError::TooLarge { .. })),
        "{result:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_text_makes_a_contract(text in any::<Vec<char>>(), name in "\\PC{1,60}", service in ".{1,80}") {
        let mut data = contract();
        data.description = text.into_iter().collect();
        (data.client.name, data.service) = (format!("x{name}"), format!("x{service}"));
        let rendered = templates().contract(&tenant(), &data).unwrap();
        let read = Read::of(&rendered.pdf);
        for (_, anchor) in ANCHORS {
            prop_assert_eq!(count(&read.pages.concat(), anchor), 1);
        }
    }
}
