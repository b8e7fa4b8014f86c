use proptest::prelude::*;

use super::serial::{NoSerial, Serial};
use super::words::{Said, understand};

fn serial(text: &str) -> Said {
    Said::Serial(Serial::read(text).unwrap())
}

#[test]
fn yes_is_understood_in_both_languages_and_with_polite_words() {
    for text in [
        "sí",
        "Si",
        "SÍ.",
        "sí, muchas gracias",
        "si señor",
        "Sí, es correcto",
        "correcto",
        "así es",
        "claro que sí",
        "ok",
        "Vale, gracias!",
        "yes",
        "Yes, that's right, thank you",
        "👍",
        "✅",
        "eso es",
        "sí por favor",
    ] {
        assert_eq!(understand(text), Said::Yes, "{text}");
    }
}

#[test]
fn no_is_understood_and_wins_over_a_yes_in_the_same_words() {
    for text in [
        "no",
        "No.",
        "no señor, gracias",
        "no es correcto",
        "incorrecto",
        "nope",
        "no, it's wrong",
        "👎",
    ] {
        assert_eq!(understand(text), Said::No, "{text}");
    }
}

#[test]
fn a_plate_that_nobody_can_read_is_understood() {
    for text in [
        "ilegible",
        "Ilegible, gracias",
        "está ilegible",
        "no se lee",
        "La placa no se ve",
        "no se puede leer por favor",
        "está borrada",
        "it cannot be read",
        "unreadable",
        "I can't read it",
    ] {
        assert_eq!(understand(text), Said::Illegible, "{text}");
    }
}

#[test]
fn a_serial_is_found_among_the_words_that_lead_to_it() {
    for (text, expected) in [
        ("ABC123456", "ABC123456"),
        ("abc123456", "ABC123456"),
        ("es ABC-123/45", "ABC-123/45"),
        ("El serial es: ABC123456", "ABC123456"),
        ("no, es ABC123457. Gracias", "ABC123457"),
        ("No, sino XK-9921", "XK-9921"),
        ("sí, ABC123456", "ABC123456"),
        ("S/N 0045-A", "0045-A"),
        ("ABC 123 456", "ABC123456"),
        ("ABC 123456", "ABC123456"),
        ("the serial number is xk9921, thanks", "XK9921"),
        ("No. 12345", "12345"),
        ("*ABC123*", "ABC123"),
    ] {
        assert_eq!(understand(text), serial(expected), "{text}");
    }
}

#[test]
fn what_may_mean_two_things_is_asked_again() {
    for text in [
        "",
        "   ",
        "hola",
        "¿qué hago?",
        "ABC123 o ABC124",
        "ABC123 ABC124",
        "modelo X500 serial 12345",
        "foto 22",
        "en 15 minutos la mando",
        "mañana le envío 2 fotos",
        "sí pero espere",
        "sí o no",
    ] {
        assert_eq!(understand(text), Said::Other, "{text}");
    }
}

#[test]
fn what_is_meant_as_a_serial_and_can_be_none_is_told_apart() {
    assert_eq!(understand("12"), Said::NoSerial(NoSerial::Length));
    assert_eq!(understand("AB(12)34"), Said::NoSerial(NoSerial::Characters));
    assert_eq!(understand("SN-G-000001"), Said::NoSerial(NoSerial::Generated));
}

proptest! {
    #[test]
    fn any_text_is_understood_as_something(text in "\\PC{0,500}") {
        let _ = understand(&text);
    }

    #[test]
    fn a_serial_alone_is_itself(text in "[A-Z]{1,4}[0-9]{4,12}") {
        prop_assume!(!text.starts_with("SNG"));
        prop_assert_eq!(understand(&text), serial(&text));
    }
}
