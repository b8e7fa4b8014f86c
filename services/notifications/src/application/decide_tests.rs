use super::*;
use crate::domain::text::Template;

fn text(template: Option<&str>) -> Text {
    let template = template.map(|category| Template {
        name: "order_opened".into(),
        language: "es".into(),
        parameters: vec!["name".into()],
        category: category.into(),
    });
    Text::new("Hola {name}", &["name".into()], BTreeMap::new(), template).unwrap()
}

fn approved(parameters: Option<usize>) -> Standing {
    Standing::Known {
        approved: true,
        status: "APPROVED".into(),
        category: String::new(),
        parameters,
    }
}

struct Case {
    text: Option<Text>,
    values: BTreeMap<String, String>,
    consent: Option<Consent>,
    since: Option<Duration>,
    standing: Standing,
    trust_unknown: bool,
}

impl Case {
    /// Outside the window, with an approved template: the strictest way that still leads out.
    fn outside() -> Self {
        Self {
            text: Some(text(Some("UTILITY"))),
            values: BTreeMap::from([("name".into(), "Ana".into())]),
            consent: Some(Consent::Service),
            since: Some(Duration::from_secs(25 * 3_600)),
            standing: approved(Some(1)),
            trust_unknown: false,
        }
    }

    fn inside() -> Self {
        Self {
            since: Some(Duration::from_secs(60)),
            standing: Standing::Unknown,
            ..Self::outside()
        }
    }

    fn decide(&self) -> Decision {
        decide(&Situation {
            reachable: true,
            text: self.text.as_ref(),
            values: &self.values,
            consent: self.consent,
            since_inbound: self.since,
            standing: &self.standing,
            trust_unknown: self.trust_unknown,
        })
    }

    fn refusal(&self) -> Refusal {
        match self.decide() {
            Decision::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[test]
fn inside_the_window_the_text_goes_as_it_is() {
    assert_eq!(
        Case::inside().decide(),
        Decision::Session {
            body: "Hola Ana".into()
        }
    );
}

#[test]
fn the_window_closes_a_minute_before_the_providers_does() {
    let at = |seconds| {
        Case {
            since: Some(Duration::from_secs(seconds)),
            ..Case::outside()
        }
        .decide()
    };
    assert!(matches!(at(24 * 3_600 - 61), Decision::Session { .. }));
    assert!(matches!(at(24 * 3_600 - 60), Decision::Template { .. }));
}

#[test]
fn outside_the_window_only_an_approved_template_with_the_right_count_goes() {
    let Decision::Template { name, parameters, .. } = Case::outside().decide() else {
        panic!("no template")
    };
    assert_eq!(
        (name.as_str(), parameters),
        ("order_opened", vec!["Ana".to_owned()])
    );
    let without = Case {
        text: Some(text(None)),
        ..Case::outside()
    };
    assert_eq!(without.refusal(), Refusal::WindowClosed);
    let unknown = Case {
        standing: Standing::Unknown,
        ..Case::outside()
    };
    assert_eq!(unknown.refusal(), Refusal::TemplateUnknown);
    let uncounted = Case {
        standing: approved(None),
        ..Case::outside()
    };
    assert_eq!(uncounted.refusal(), Refusal::TemplateUnknown);
    let wrong = Case {
        standing: approved(Some(3)),
        ..Case::outside()
    };
    assert_eq!(
        wrong.refusal(),
        Refusal::TemplateParameters { wanted: 3, given: 1 }
    );
    let paused = Standing::Known {
        approved: false,
        status: "PAUSED".into(),
        category: String::new(),
        parameters: Some(1),
    };
    let paused = Case {
        standing: paused,
        ..Case::outside()
    };
    assert_eq!(paused.refusal(), Refusal::TemplateNotApproved("PAUSED".into()));
}

#[test]
fn an_installation_may_trust_templates_that_nobody_has_listed() {
    let case = Case {
        standing: Standing::Unknown,
        trust_unknown: true,
        ..Case::outside()
    };
    assert!(matches!(case.decide(), Decision::Template { .. }));
}

#[test]
fn without_consent_nothing_goes_inside_the_window_or_outside() {
    for case in [Case::inside(), Case::outside()] {
        assert_eq!(
            Case {
                consent: Some(Consent::OptedOut),
                ..case
            }
            .refusal(),
            Refusal::OptedOut
        );
    }
    assert_eq!(
        Case {
            consent: Some(Consent::None),
            since: None,
            ..Case::outside()
        }
        .refusal(),
        Refusal::NoOptIn
    );
}

#[test]
fn marketing_needs_a_consent_of_its_own_also_when_the_provider_moved_the_category() {
    let ours = Case {
        text: Some(text(Some("MARKETING"))),
        ..Case::outside()
    };
    assert_eq!(ours.refusal(), Refusal::NoMarketingOptIn);
    let moved = Standing::Known {
        approved: true,
        status: "APPROVED".into(),
        category: "MARKETING".into(),
        parameters: Some(1),
    };
    let theirs = Case {
        standing: moved,
        ..Case::outside()
    };
    assert_eq!(theirs.refusal(), Refusal::NoMarketingOptIn);
    let agreed = Case {
        consent: Some(Consent::Marketing),
        text: Some(text(Some("MARKETING"))),
        ..Case::outside()
    };
    assert!(matches!(agreed.decide(), Decision::Template { .. }));
}

#[test]
fn a_missing_value_an_unknown_key_and_an_overlong_text_are_refused() {
    let bare = Case {
        values: BTreeMap::new(),
        ..Case::inside()
    };
    assert_eq!(bare.refusal(), Refusal::VariableMissing("name".into()));
    let bare = Case {
        values: BTreeMap::new(),
        ..Case::outside()
    };
    assert_eq!(bare.refusal(), Refusal::VariableMissing("name".into()));
    assert_eq!(
        Case {
            text: None,
            ..Case::inside()
        }
        .refusal(),
        Refusal::TextUnknown
    );
    let long = Case {
        values: BTreeMap::from([("name".into(), "x".repeat(5_000))]),
        ..Case::inside()
    };
    assert_eq!(long.refusal(), Refusal::TooLong);
}
