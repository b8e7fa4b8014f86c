use proptest::prelude::*;

use super::*;
use crate::domain::company::{Company, Verdict};
use crate::domain::conversation::Progress;
use crate::domain::skill::Completion;
use crate::skills::{Files, embedded, load};

fn text(text: &str) -> Heard {
    Heard {
        text: text.into(),
        ..Heard::default()
    }
}

fn facts(known: bool) -> Facts {
    let client = known.then(|| KnownClient {
        name: "Ana".into(),
        location: "Cra 1 # 2-3".into(),
        nit: None,
    });
    Facts {
        client,
        phone: Some(Phone::parse("3001234567", Region::Co).unwrap()),
        region: Region::Co,
        checked: None,
        order: None,
        fresh: Uuid::nil(),
    }
}

#[test]
fn a_skill_that_changes_meanwhile_asks_only_for_what_is_missing() {
    let mut set = embedded().unwrap();
    let step = advance(
        &set,
        Conversation::default(),
        &text("necesito una instalación"),
        facts(true),
    );
    let creation = set.skills.get_mut("order_creation").unwrap();
    let floor = crate::domain::skill::Step {
        field: "floor".into(),
        kind: crate::domain::skill::Kind::Text(1, 20),
        ask: "order_floor".into(),
        retry: "order_floor_retry".into(),
        known: None,
        opening_words: None,
        optional: false,
        leads: Vec::new(),
    };
    creation.steps.insert(2, floor);
    creation.version += 1;
    let step = advance(
        &set,
        step.conversation,
        &text("Dos lámparas en el comedor"),
        facts(true),
    );
    let [Action::Reply { template, variables }] = &step.actions[..] else {
        panic!("{:?}", step.actions)
    };
    assert_eq!(
        (template.as_str(), variables["service"].as_str()),
        ("order_floor", "Instalación")
    );
}

#[test]
fn a_skill_that_is_gone_ends_and_the_message_stands_by_itself() {
    let set = embedded().unwrap();
    let progress = Progress {
        skill: "photo_upload".into(),
        ..Progress::default()
    };
    let conversation = Conversation {
        mode: Mode::Asking(progress),
        ..Conversation::default()
    };
    let step = advance(&set, conversation, &text("hola"), facts(true));
    assert_eq!(step.conversation.mode, Mode::Idle);
    assert!(matches!(&step.actions[..], [Action::Reply { template, .. }] if template == "bot_greeting"));
}

#[test]
fn an_optional_question_may_be_skipped() {
    let mut set = embedded().unwrap();
    let registration = set.skills.get_mut("registration").unwrap();
    registration.steps.insert(
        1,
        crate::domain::skill::Step {
            field: "nit".into(),
            kind: crate::domain::skill::Kind::Nit,
            ask: "registration_nit".into(),
            retry: "registration_nit_retry".into(),
            known: None,
            opening_words: None,
            optional: true,
            leads: Vec::new(),
        },
    );
    for (answer, nit) in [("no tengo", None), ("NIT 900.373.115-3", Some("900373115"))] {
        let mut conversation = Conversation::default();
        let mut registered = None;
        for said in [
            "registrarme",
            "Ana Ruiz",
            answer,
            "ana@correo.co",
            "Calle 1 # 2-3",
        ] {
            let step = advance(&set, conversation, &text(said), facts(false));
            conversation = step.conversation;
            registered = step.actions.into_iter().find_map(|action| match action {
                Action::RegisterClient(registration) => Some(registration),
                _ => None,
            });
        }
        let registered = registered.unwrap();
        assert_eq!(registered.nit.as_ref().map(puente_types::Nit::body), nit);
    }
}

#[test]
fn every_set_has_one_completion_that_opens_orders() {
    let set = embedded().unwrap();
    assert_eq!(
        set.skills
            .values()
            .filter(|skill| skill.done == Completion::OpenOrder)
            .count(),
        1
    );
}

/// Messages that are likely to matter, and any text at all.
fn message() -> impl Strategy<Value = Heard> {
    let words = prop::sample::select(vec![
        "hola",
        "menú",
        "cancelar",
        "sí",
        "no",
        "asesor",
        "necesito mantenimiento",
        "quiero un servicio",
        "OT-000042",
        "estado OT-1",
        "Ana Ruiz",
        "ana@correo.co",
        "300 123 4567",
        "Calle 10 # 5-20",
        "2",
        "placa",
        "serial OT-42",
        "ABC123456",
        "El aire gotea mucho por dentro",
    ]);
    let said = prop_oneof![8 => words.prop_map(str::to_owned), 1 => ".{0,60}", 1 => "\\PC{0,5000}"];
    let choice = prop::option::weighted(
        0.1,
        prop_oneof![Just("open_order".to_owned()), Just("x".to_owned())],
    );
    let place = prop::option::weighted(0.1, ".{0,30}");
    let pause = prop::option::of((0_u64..200_000).prop_map(std::time::Duration::from_secs));
    let id = "[a-f]{0,1}";
    (said, choice, place, any::<bool>(), pause, id).prop_map(
        |(text, choice, place, media, pause, message_id)| Heard {
            message_id,
            text,
            choice,
            place,
            media,
            file: media.then(|| crate::domain::capture::Attachment {
                photo: true,
                ..Default::default()
            }),
            pause,
        },
    )
}

/// The set with a question for the tax id.
fn checking() -> SkillSet {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/skills");
    load(&Files::of_tenant(Some(&folder), "checks")).unwrap()
}

/// Any of the verdicts about a tax id.
fn verdict() -> impl Strategy<Value = Verdict> {
    let company = |phone: bool| Company {
        name: "ACME".into(),
        email: String::new(),
        phone: phone.then(|| Phone::parse("6013456789", Region::Co).unwrap()),
        location: String::new(),
        active: true,
        version: 1,
    };
    prop::sample::select(vec![
        Verdict::Client,
        Verdict::Listed(company(true)),
        Verdict::Listed(company(false)),
        Verdict::Inactive,
        Verdict::Unknown,
        Verdict::Unreachable,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn where_a_tax_id_is_asked_for_an_order_is_for_one_that_somebody_knows_or_that_was_whole(
        said in prop::collection::vec((message(), verdict(), any::<bool>()), 1..30)
    ) {
        let set = checking();
        let (mut conversation, mut client) = (Conversation::default(), None::<KnownClient>);
        let mut known = std::collections::BTreeSet::new();
        let spellings = ["900.373.115-3", "900373115", "900373115-4", "7000029", "el 800.003.122-6"];
        for (at, (mut heard, verdict, names)) in said.into_iter().enumerate() {
            if names {
                heard.text = spellings[at % spellings.len()].to_owned();
                heard.choice = None;
            }
            let nit = names_nit(&set, &conversation, &heard);
            let verdict = match nit.as_ref() {
                Some(nit) if known.contains(nit.body()) => Verdict::Client,
                _ => verdict,
            };
            let checked = nit.clone().map(|nit| Checked { nit, verdict: verdict.clone() });
            let facts = Facts { client: client.clone(), checked, ..facts(false) };
            let step = advance(&set, conversation, &heard, facts);
            let replies = step.actions.iter().filter(|a| matches!(a, Action::Reply { .. } | Action::TrackOrder { .. } | Action::OpenOrder { .. })).count();
            prop_assert!(replies <= 1);
            for action in &step.actions {
                match action {
                    Action::EnrolCompany(data) => {
                        prop_assert_eq!(data.nit.as_ref(), nit.as_ref());
                        prop_assert!(matches!(verdict, Verdict::Listed(_)));
                        known.insert(data.nit.as_ref().unwrap().body().to_owned());
                    }
                    Action::KeepNit(kept) => {
                        let hit = matches!(verdict, Verdict::Listed(_));
                        prop_assert!(client.as_ref().unwrap().nit.is_none());
                        prop_assert!(hit || heard.text.contains('-'), "without its check digit it needs somebody who knows it");
                        client.as_mut().unwrap().nit = Some(kept.to_string());
                        known.insert(kept.body().to_owned());
                    }
                    Action::RegisterClient(data) => {
                        prop_assert!(client.is_none());
                        known.extend(data.nit.as_ref().map(|nit| nit.body().to_owned()));
                        client = Some(KnownClient {
                            name: data.name.clone(),
                            location: data.location.clone(),
                            nit: data.nit.as_ref().map(ToString::to_string),
                        });
                    }
                    Action::OpenOrder { company, .. } => {
                        prop_assert!(company.is_some(), "nothing is ordered for nobody");
                    }
                    Action::Reply { template, .. } => prop_assert!(set.texts().contains(template.as_str())),
                    Action::TellCapture(_) | Action::TrackOrder { .. } => {}
                }
            }
            conversation = step.conversation;
        }
    }

    #[test]
    fn whatever_is_said_there_is_one_reply_at_most_and_orders_are_for_clients_only(said in prop::collection::vec(message(), 1..25)) {
        let set = embedded().unwrap();
        let mut conversation = Conversation::default();
        let mut known = false;
        let mut turns = 0;
        for heard in said {
            let before = conversation.clone();
            let step = advance(&set, conversation, &heard, facts(known));
            let again = advance(&set, before, &heard, facts(known));
            prop_assert_eq!(&step, &again, "the same message gives the same turn");
            let replies = step.actions.iter().filter(|a| matches!(a, Action::Reply { .. } | Action::TrackOrder { .. })).count();
            let opened = step.actions.iter().filter(|a| matches!(a, Action::OpenOrder { .. })).count();
            prop_assert!(replies + opened <= 1);
            for action in &step.actions {
                match action {
                    Action::RegisterClient(data) => {
                        prop_assert!(!known && data.email.contains('@') && !data.name.is_empty());
                        known = true;
                    }
                    Action::OpenOrder { request, company } => {
                        prop_assert!(company.is_none(), "nobody asked for a tax id");
                        prop_assert!(known);
                        prop_assert!(!request.service.is_empty() && request.description.chars().count() >= 8);
                        prop_assert_eq!(&step.conversation.mode, &Mode::Idle);
                    }
                    Action::Reply { template, .. } => prop_assert!(set.texts().contains(template.as_str())),
                    Action::TellCapture(told) => {
                        turns += 1;
                        prop_assert_eq!(told.turn, turns, "turns have no gap");
                        if told.said.is_none() {
                            turns = 0;
                        }
                    }
                    Action::TrackOrder { .. } => {}
                    Action::EnrolCompany(_) | Action::KeepNit(_) => prop_assert!(false, "nobody asked for a tax id"),
                }
            }
            conversation = step.conversation;
        }
    }
}
