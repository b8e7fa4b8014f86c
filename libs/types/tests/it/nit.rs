//! Tax ids as clients, ERPs and certificates spell them.

use puente_types::{Nit, NitError, NitReading, check_digit};

fn shown(reading: &NitReading) -> String {
    match reading {
        NitReading::Verified(nit) => format!("verified {nit}"),
        NitReading::Derived(nit) => format!("derived {nit}"),
        NitReading::Ambiguous { whole, split } => format!("{whole} or {split}"),
    }
}

fn read(raw: &str) -> Result<String, NitError> {
    Nit::parse(raw).map(|reading| shown(&reading))
}

#[test]
fn check_digits_are_those_of_the_register() {
    for (body, dv) in [
        ("213123432", 1),
        ("213123435", 1),
        ("900373115", 3),
        ("800003122", 6),
        ("860001986", 1),
        ("800026452", 0),
        ("222222222", 7),
        ("860002964", 4),
        ("830005997", 1),
        ("890101994", 9),
        ("1118534248", 0),
        ("37547837", 0),
        ("890981268", 4),
        ("800226098", 4),
        ("12345678912", 3),
    ] {
        assert_eq!(check_digit(body), Some(dv), "{body}");
    }
    for none in ["", "12a", "1234567890123456", "-1", "١٢٣٤٥٦"] {
        assert_eq!(check_digit(none), None, "{none}");
    }
}

#[test]
fn spellings_with_a_fitting_check_digit_are_verified() {
    for (raw, expected) in [
        ("213.123.432-1", "213.123.432-1"),
        ("2131234321", "213.123.432-1"),
        ("2131234351", "213.123.435-1"),
        ("1118534248-0", "1.118.534.248-0"),
        ("15.252.525-0", "15.252.525-0"),
        ("17.343.020-1", "17.343.020-1"),
        ("35324530-0", "35.324.530-0"),
        ("37547837-0", "37.547.837-0"),
        ("51.922.998-7", "51.922.998-7"),
        ("800.003.122-6", "800.003.122-6"),
        ("800.026.452-0", "800.026.452-0"),
        ("800226098 - 4", "800.226.098-4"),
        ("860 001 986-1", "860.001.986-1"),
        ("890 981 268 — 4", "890.981.268-4"),
        ("12345678912-3", "12.345.678.912-3"),
        ("NIT 900.373.115-3", "900.373.115-3"),
        ("NIT. 900.373.115-3", "900.373.115-3"),
        ("nit: 900373115–3", "900.373.115-3"),
        ("C.C. 37.547.837-0", "37.547.837-0"),
        ("CC 37547837-0", "37.547.837-0"),
        ("000900373115-3", "900.373.115-3"),
        ("９００３７３１１５－３", "900.373.115-3"),
        ("900\u{a0}373\u{a0}115\u{2212}3", "900.373.115-3"),
    ] {
        assert_eq!(read(raw), Ok(format!("verified {expected}")), "{raw}");
    }
}

#[test]
fn a_wrong_check_digit_after_a_hyphen_is_refused() {
    for raw in ["213.123.432-5", "213123435-0", "900373115-4", "NIT 860.001.986-2"] {
        assert_eq!(read(raw), Err(NitError::CheckDigit), "{raw}");
    }
}

#[test]
fn ten_digits_whose_last_does_not_fit_are_a_body_without_check_digit() {
    for raw in ["2131234325", "2131234350"] {
        assert!(read(raw).unwrap().starts_with("derived "), "{raw}");
    }
}

#[test]
fn company_numbers_without_check_digit_are_bodies_even_when_the_last_digit_fits() {
    assert_eq!(read("900373115"), Ok("derived 900.373.115-3".to_owned()));
    assert_eq!(read("800003122"), Ok("derived 800.003.122-6".to_owned()));
    let fits = (80_000_000..)
        .map(|n: u32| n.to_string())
        .find_map(|body| Some(format!("{body}{}", check_digit(&body)?)));
    assert!(read(&fits.unwrap()).unwrap().starts_with("derived "));
}

#[test]
fn numbers_that_may_be_read_two_ways_are_left_to_a_person() {
    assert_eq!(
        read("79.896.529.6"),
        Ok("798.965.296-1 or 79.896.529-6".to_owned())
    );
    assert_eq!(read("375478370"), Ok("375.478.370-3 or 37.547.837-0".to_owned()));
}

#[test]
fn what_is_no_tax_id_says_why() {
    for (raw, error) in [
        ("", NitError::Empty),
        ("   ", NitError::Empty),
        ("NIT", NitError::Empty),
        ("213123435A", NitError::NotDigits),
        ("900373115-", NitError::NotDigits),
        ("-3", NitError::NotDigits),
        ("900373115-33", NitError::NotDigits),
        ("900-373-115-3", NitError::NotDigits),
        ("12345", NitError::Length),
        ("12345-6", NitError::Length),
        ("000000000", NitError::Length),
        ("1234567890123456", NitError::Length),
        (&"9".repeat(65), NitError::Length),
    ] {
        assert_eq!(read(raw), Err(error), "{raw}");
    }
}

#[test]
fn body_and_check_digit_are_kept_apart_and_never_logged() {
    let Ok(NitReading::Verified(nit)) = Nit::parse("900.373.115-3") else {
        panic!("not verified")
    };
    assert_eq!((nit.body(), nit.dv()), ("900373115", 3));
    assert_eq!(format!("{nit:?}"), "Nit(…)");
    assert!(!format!("{:?}", Nit::parse("900.373.115-3")).contains("900"));
}
