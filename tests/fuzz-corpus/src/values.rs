//! Phones and tax ids as people type them.

use puente_types::{Nit, NitReading, Phone, Region, check_digit, mask_phone};

/// A number that is read comes back as itself in every region, and is never shown whole where it may be logged.
pub(crate) fn phone(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let regions = [Region::Ar, Region::Cl, Region::Co, Region::Mx, Region::Pe];
    let read = regions.iter().map(|region| Phone::parse(&text, *region));
    for phone in read.chain([Phone::from_whatsapp_id(&text)]).flatten() {
        for region in regions {
            assert_eq!(Phone::parse(phone.as_e164(), region).as_ref(), Ok(&phone));
        }
        assert!(!format!("{phone:?}").contains(phone.whatsapp_digits()));
    }
    let _ = mask_phone(&text);
}

/// Every reading holds a body of the right length whose check digit fits.
pub(crate) fn nit(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = check_digit(&text);
    let readings = match Nit::parse(&text) {
        Ok(NitReading::Verified(nit) | NitReading::Derived(nit)) => vec![nit],
        Ok(NitReading::Ambiguous { whole, split }) => vec![whole, split],
        Err(_) => vec![],
    };
    for nit in readings {
        assert!((6..=15).contains(&nit.body().len()) && check_digit(nit.body()) == Some(nit.dv()));
        assert_eq!(Nit::parse(&nit.to_string()), Ok(NitReading::Verified(nit)));
    }
}
