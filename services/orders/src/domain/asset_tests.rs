use super::*;

fn reading(serial: &str, origin: Origin, facts: &[(&str, &str)]) -> Reading {
    Reading {
        capture: Uuid::now_v7(),
        serial: Serial::new(serial).unwrap(),
        origin,
        confidence: Confidence::permille(957),
        by: String::new(),
        facts: values(facts),
        order: None,
    }
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn registered(facts: &[(&str, &str)]) -> Asset {
    let number = AssetNumber::new(1).unwrap();
    Asset::register(
        Uuid::now_v7().into(),
        number,
        &reading("ABC-123", Origin::Read, facts),
    )
    .0
}

#[test]
fn a_record_begins_with_what_the_capture_says() {
    let read = reading("ABC-123", Origin::Read, &[("brand", "Frío")]);
    let (asset, happened) = Asset::register(Uuid::now_v7().into(), AssetNumber::new(1).unwrap(), &read);
    assert_eq!(
        (asset.version, asset.serial.printed(), asset.origin),
        (1, "ABC-123", Origin::Read)
    );
    assert_eq!((happened.fact, happened.version), (Fact::Registered, 1));
    assert_eq!(happened.data, values(&[("brand", "Frío")]));
}

#[test]
fn the_same_plate_is_seen_and_adds_what_it_says_but_never_over_what_a_person_wrote() {
    let mut asset = registered(&[("brand", "Fr1o"), ("model", "X1")]);
    let changed = asset
        .write(&values(&[("brand", "Frío S.A.")]), "user-1")
        .unwrap()
        .unwrap();
    assert_eq!((changed.fact, changed.by.as_str()), (Fact::Changed, "user-1"));
    let again = reading(
        "abc 123",
        Origin::Confirmed,
        &[("brand", "Frio"), ("model", "X1"), ("voltage", "220 V")],
    );
    let seen = asset.see(&again);
    assert_eq!((seen.fact, seen.version, asset.version), (Fact::Seen, 3, 3));
    assert_eq!(seen.data, values(&[("voltage", "220 V")]), "only what is new");
    assert_eq!(
        asset.data.shown(),
        values(&[("brand", "Frío S.A."), ("model", "X1"), ("voltage", "220 V")])
    );
    assert_eq!(asset.serial.printed(), "ABC-123", "as it was first printed");
}

#[test]
fn another_serial_is_noted_and_changes_nothing() {
    let mut asset = registered(&[("brand", "Frío")]);
    let before = asset.clone();
    let other = reading("ABC-124", Origin::Read, &[("brand", "Otra")]);
    let happened = asset.see(&other);
    assert_eq!(happened.fact, Fact::Mismatch);
    assert_eq!(happened.reading.unwrap().serial.printed(), "ABC-124");
    assert_eq!(Asset { version: 1, ..asset }, before, "but for its version");
}

#[test]
fn a_plate_that_can_no_longer_be_read_is_the_same_plate() {
    let mut asset = registered(&[]);
    assert_eq!(
        asset.see(&reading("GEN-9", Origin::Generated, &[])).fact,
        Fact::Seen
    );
    assert_eq!(asset.serial.printed(), "ABC-123");
}

#[test]
fn the_order_of_the_first_sight_stays() {
    let (first, second) = (OrderId::new(), OrderId::new());
    let mut asset = registered(&[]);
    for order in [first, second] {
        asset.see(&Reading {
            order: Some(order),
            ..reading("ABC123", Origin::Read, &[])
        });
    }
    assert_eq!(asset.order, Some(first));
}

#[test]
fn a_person_may_take_a_value_away_and_no_plate_brings_it_back() {
    let mut asset = registered(&[("model", "X1")]);
    let gone = asset
        .write(&values(&[("model", " ")]), "user-1")
        .unwrap()
        .unwrap();
    assert_eq!(gone.data, values(&[("model", "")]));
    asset.see(&reading("ABC123", Origin::Read, &[("model", "X2")]));
    assert_eq!(asset.data.shown(), Values::new());
    let back = asset
        .write(&values(&[("model", "X3")]), "user-1")
        .unwrap()
        .unwrap();
    assert_eq!(back.data, values(&[("model", "X3")]));
}

#[test]
fn what_changes_nothing_did_not_happen() {
    let mut asset = registered(&[("model", "X1")]);
    assert_eq!(
        asset.write(&values(&[("model", "X1"), ("note", "")]), "user-1"),
        Ok(None)
    );
    assert_eq!(asset.version, 1);
}

#[test]
fn data_is_bounded() {
    let mut asset = registered(&[]);
    let many: Values = ('a'..='u').map(|c| (c.to_string(), "x".to_owned())).collect();
    let long = "x".repeat(201);
    for (changes, bad) in [
        (Values::new(), BadData::Nothing),
        (many, BadData::TooMany),
        (values(&[("Brand", "x")]), BadData::Name),
        (values(&[("", "x")]), BadData::Name),
        (values(&[("a", long.as_str())]), BadData::Value),
    ] {
        assert_eq!(asset.write(&changes, "user-1"), Err(bad));
    }
    for first in 'a'..='c' {
        let some: Values = ('a'..='t')
            .map(|c| (format!("{first}{c}"), "x".to_owned()))
            .collect();
        assert!(asset.write(&some, "user-1").is_ok());
    }
    assert_eq!(asset.write(&values(&[("z", "x")]), "user-1"), Err(BadData::Full));
    assert_eq!(asset.version, 4, "what is refused leaves no version");
}

#[test]
fn facts_of_a_plate_that_do_not_fit_are_left_out() {
    let told = values(&[
        ("brand", "  Frío \n S.A. "),
        ("NOT A NAME", "x"),
        ("model", " "),
        ("part", &"9".repeat(300)),
    ]);
    let facts = facts(&told);
    assert_eq!(facts.get("brand").map(String::as_str), Some("Frío S.A."));
    assert_eq!(facts.get("part").map(|part| part.chars().count()), Some(200));
    assert_eq!(facts.len(), 2);
}

#[test]
fn confidence_is_shown_rounded_down_and_not_at_all_without_a_reading() {
    let shown = |permille| Confidence::permille(permille).in_brackets();
    assert_eq!(
        [shown(0), shown(957), shown(999), shown(4_000)],
        ["", " (95 %)", " (99 %)", " (100 %)"]
    );
}
