//! What holds for every tax id and every text.

use proptest::prelude::*;
use puente_types::{Nit, NitReading, check_digit};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn exactly_one_of_ten_digits_verifies(body in "[1-9][0-9]{5,14}") {
        let fitting: Vec<u8> = (0..10_u8)
            .filter(|dv| matches!(Nit::parse(&format!("{body}-{dv}")), Ok(NitReading::Verified(_))))
            .collect();
        prop_assert_eq!(fitting, vec![check_digit(&body).unwrap()]);
    }

    #[test]
    fn what_is_shown_is_read_back_as_verified(body in "[1-9][0-9]{5,14}") {
        let dv = check_digit(&body).unwrap();
        let Ok(NitReading::Verified(nit)) = Nit::parse(&format!("{body}-{dv}")) else {
            return Err(TestCaseError::fail("not verified"));
        };
        prop_assert_eq!(Nit::parse(&nit.to_string()), Ok(NitReading::Verified(nit)));
    }

    #[test]
    fn every_reading_holds_a_check_digit_that_fits(raw in "(NIT )?0{0,2}[0-9. ]{6,16}(-[0-9])?") {
        let nits = match Nit::parse(&raw) {
            Ok(NitReading::Verified(nit) | NitReading::Derived(nit)) => vec![nit],
            Ok(NitReading::Ambiguous { whole, split }) => vec![whole, split],
            Err(_) => vec![],
        };
        for nit in nits {
            prop_assert!((6..=15).contains(&nit.body().len()) && !nit.body().starts_with('0'));
            prop_assert_eq!(check_digit(nit.body()), Some(nit.dv()));
        }
    }

    #[test]
    fn no_text_makes_it_panic(raw in ".{0,200}") {
        let _ = Nit::parse(&raw);
        let _ = check_digit(&raw);
    }
}
