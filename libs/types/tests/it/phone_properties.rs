//! What holds for every text, not only for the tables.

use proptest::prelude::*;
use puente_types::{Phone, Region};

fn region() -> impl Strategy<Value = Region> {
    prop_oneof![
        Just(Region::Ar),
        Just(Region::Cl),
        Just(Region::Co),
        Just(Region::Mx),
        Just(Region::Pe)
    ]
}

/// Texts that look like numbers, so that many of them are.
fn number_like() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\+?(57|52|521|54|549|51|56|1|34)?[ -]?[0-9]{6,11}",
        "(00|0|01|044|045|09|018000)?[ .()-]?[1-9][0-9]{5,11}",
        "(wa\\.me/|https://wa\\.me/)[0-9+]{8,14}",
        "[0-9]{8,14}(@s\\.whatsapp\\.net|@c\\.us)",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn normalising_twice_is_normalising_once(raw in number_like(), region in region(), later in region()) {
        if let Ok(once) = Phone::parse(&raw, region) {
            let twice = Phone::parse(once.as_e164(), later);
            prop_assert_eq!(twice.as_ref().map(Phone::as_e164), Ok(once.as_e164()));
        }
    }

    #[test]
    fn what_is_read_is_e164(raw in number_like(), region in region()) {
        if let Ok(phone) = Phone::parse(&raw, region) {
            let digits = phone.as_e164().strip_prefix('+').unwrap();
            prop_assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
            let logged = format!("{phone:?}");
            prop_assert!(digits.get(2..).is_none_or(|rest| !logged.contains(rest)));
        }
    }

    #[test]
    fn a_canonical_number_survives_the_way_through_a_whatsapp_id(raw in number_like(), region in region()) {
        if let Ok(phone) = Phone::parse(&raw, region)
            && !phone.as_e164().starts_with("+54")
        {
            prop_assert_eq!(Phone::from_whatsapp_id(phone.whatsapp_digits()), Ok(phone));
        }
    }

    #[test]
    fn no_text_makes_it_panic(raw in ".{0,200}", region in region()) {
        let _ = Phone::parse(&raw, region);
        let _ = Phone::from_whatsapp_id(&raw);
        let _ = puente_types::mask_phone(&raw);
    }
}

/// A number as it is read at a glance, and the same with a gap, for which the numbering plans are asked.
fn both_ways(national: &str) -> (Option<Phone>, Option<Phone>) {
    let (at, rest) = national.split_at(3);
    let read = |text: String| Phone::parse(&text, Region::Co).ok();
    (read(format!("+57{national}")), read(format!("+57 {at} {rest}")))
}

#[test]
fn every_block_of_colombian_mobiles_is_read_at_a_glance_as_the_numbering_plans_read_it() {
    for block in 300..400 {
        for rest in ["0000000", "1234567", "4999999", "9999999", "123456", "12345678"] {
            let (glance, plans) = both_ways(&format!("{block}{rest}"));
            assert_eq!(glance, plans, "+57 {block} {rest}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_colombian_mobile_is_read_at_a_glance_as_the_numbering_plans_read_it(national in "3[0-5][0-9]{8}") {
        let (glance, plans) = both_ways(&national);
        prop_assert_eq!(glance, plans);
    }
}
