//! Phone numbers as people, ERPs and WhatsApp write them, country by country.

use puente_types::{Phone, PhoneError, Region, mask_phone};

fn e164(raw: &str, region: Region) -> Result<String, PhoneError> {
    Phone::parse(raw, region).map(|phone| phone.as_e164().to_owned())
}

fn assert_all(region: Region, rows: &[(&str, &str)]) {
    for (raw, expected) in rows {
        assert_eq!(e164(raw, region).as_deref(), Ok(*expected), "{region:?} {raw}");
    }
}

fn assert_none(region: Region, rows: &[&str]) {
    for raw in rows {
        assert_eq!(e164(raw, region), Err(PhoneError::Invalid), "{region:?} {raw}");
    }
}

#[test]
fn colombian_mobiles_and_land_lines_are_read() {
    assert_all(
        Region::Co,
        &[
            ("300 123 4567", "+573001234567"),
            ("+57 300 123 4567", "+573001234567"),
            ("573001234567", "+573001234567"),
            ("57 318 222 3344", "+573182223344"),
            ("(601) 3456789", "+576013456789"),
            ("018000 123456", "+5718000123456"),
            ("  300-123-4567 ", "+573001234567"),
            ("３００ １２３ ４５６７", "+573001234567"),
        ],
    );
}

#[test]
fn a_leading_double_zero_is_a_plus_and_no_carrier_prefix() {
    assert_all(
        Region::Co,
        &[
            ("0057 3001234567", "+573001234567"),
            ("0034 612 34 56 78", "+34612345678"),
        ],
    );
    assert_all(Region::Mx, &[("0057 3001234567", "+573001234567")]);
}

#[test]
fn old_colombian_land_lines_become_those_of_today() {
    assert_all(
        Region::Co,
        &[
            ("13456789", "+576013456789"),
            ("1 345 6789", "+576013456789"),
            ("(4) 444 5555", "+576044445555"),
            ("04 444 5555", "+576044445555"),
            ("+57 (4) 444 5555", "+576044445555"),
            ("+57 1 3456789", "+576013456789"),
            ("57 4 444 5555", "+576044445555"),
        ],
    );
    assert_none(Region::Co, &["3 345 6789", "9 345 6789"]);
}

#[test]
fn mexican_prefixes_of_the_past_are_dropped() {
    assert_all(
        Region::Mx,
        &[
            ("55 1234 5678", "+525512345678"),
            ("+52 55 1234 5678", "+525512345678"),
            ("+521 55 1234 5678", "+525512345678"),
            ("5215512345678", "+525512345678"),
            ("044 55 1234 5678", "+525512345678"),
            ("045 55 1234 5678", "+525512345678"),
            ("01 55 1234 5678", "+525512345678"),
        ],
    );
    assert_all(Region::Co, &[("+521 55 1234 5678", "+525512345678")]);
}

#[test]
fn argentine_mobiles_carry_their_nine() {
    assert_all(
        Region::Ar,
        &[
            ("011 15 2345 6789", "+5491123456789"),
            ("+54 9 11 2345 6789", "+5491123456789"),
            ("11 2345-6789", "+541123456789"),
            ("0351 15 234 5678", "+5493512345678"),
        ],
    );
}

#[test]
fn peruvian_and_chilean_numbers_are_read() {
    assert_all(
        Region::Pe,
        &[
            ("987 654 321", "+51987654321"),
            ("(01) 2345678", "+5112345678"),
            ("044 123456", "+5144123456"),
        ],
    );
    assert_all(
        Region::Cl,
        &[
            ("9 8765 4321", "+56987654321"),
            ("2 2345 6789", "+56223456789"),
            ("09 8765 4321", "+56987654321"),
        ],
    );
}

#[test]
fn numbers_of_the_world_keep_their_country() {
    for region in [Region::Ar, Region::Cl, Region::Co, Region::Mx, Region::Pe] {
        assert_all(
            region,
            &[
                ("+1 787 234 5678", "+17872345678"),
                ("+34 612 34 56 78", "+34612345678"),
            ],
        );
    }
}

#[test]
fn whatsapp_ids_lead_to_the_subscriber() {
    for (id, expected) in [
        ("573001234567", "+573001234567"),
        ("+573001234567", "+573001234567"),
        ("573001234567@s.whatsapp.net", "+573001234567"),
        ("573001234567@c.us", "+573001234567"),
        ("5215512345678", "+525512345678"),
        ("525512345678", "+525512345678"),
        ("5491123456789", "+5491123456789"),
        ("541123456789", "+5491123456789"),
        ("51987654321", "+51987654321"),
        ("56987654321", "+56987654321"),
    ] {
        assert_eq!(Phone::from_whatsapp_id(id).unwrap().as_e164(), expected, "{id}");
    }
    for link in [
        "wa.me/573001234567",
        "https://wa.me/573001234567",
        "https://wa.me/+573001234567",
    ] {
        assert_all(Region::Pe, &[(link, "+573001234567")]);
    }
    for none in ["", "status@broadcast", "120363041234567890@g.us", "3001234567"] {
        assert!(Phone::from_whatsapp_id(none).is_err(), "{none}");
    }
}

#[test]
fn a_land_line_by_chat_is_not_taken_for_a_mobile_where_it_was_typed() {
    assert_all(Region::Ar, &[("+54 11 2345 6789", "+541123456789")]);
    assert_all(Region::Ar, &[("541123456789@c.us", "+5491123456789")]);
}

#[test]
fn what_is_no_number_is_refused_and_never_guessed() {
    assert_none(
        Region::Co,
        &[
            "hola",
            "12",
            "+57",
            "+999 123 456",
            "300 123 456",
            "+57 300 123 4567 8901",
        ],
    );
    for (raw, error) in [
        ("", PhoneError::Length),
        ("   ", PhoneError::Length),
        (&"3".repeat(41), PhoneError::Length),
    ] {
        assert_eq!(e164(raw, Region::Co), Err(error));
    }
}

#[test]
fn toll_free_lines_have_no_whatsapp_and_land_lines_may() {
    let can = |raw: &str| Phone::parse(raw, Region::Co).unwrap().can_have_whatsapp();
    assert!(!can("018000 123456"));
    assert!(can("(601) 3456789") && can("300 123 4567"));
}

#[test]
fn numbers_are_masked_wherever_they_may_be_logged() {
    let phone = Phone::parse("300 123 4567", Region::Co).unwrap();
    assert_eq!(format!("{phone:?}"), "+57…67");
    assert_eq!(
        format!("{phone} {}", phone.whatsapp_digits()),
        "+573001234567 573001234567"
    );
    for short in ["", "1", "123456", "ñandú"] {
        assert_eq!(mask_phone(short), "…");
    }
    let error = Phone::parse("call 3001234567 now", Region::Co).map(|p| p.to_string());
    assert!(!format!("{:?}", error.as_ref().err()).contains("300"));
}

#[test]
fn stored_numbers_are_read_back_and_broken_ones_are_not() {
    let phone: Phone = serde_json::from_str("\"+573001234567\"").unwrap();
    assert_eq!(serde_json::to_string(&phone).unwrap(), "\"+573001234567\"");
    assert!(serde_json::from_str::<Phone>("\"+5730\"").is_err());
}
