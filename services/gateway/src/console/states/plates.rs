//! What becomes of photographs of serial plates, and what is known of equipment.

use super::{Look, look};
use crate::console::words::{self as w, Word};

/// The reading of a serial plate.
pub(crate) fn capture(state: &str) -> Look {
    match state {
        "PorConfirmar" => look("warn", "alert", w::CP_POR_CONFIRMAR),
        "OtraFoto" => look("wait", "again", w::CP_OTRA_FOTO),
        "Ilegible" => look("bad", "cross", w::CP_ILEGIBLE),
        "Leido" => look("good", "check", w::CP_LEIDO),
        "EscritoAMano" => look("rest", "person", w::CP_ESCRITO),
        "Generado" => look("rest", "same", w::CP_GENERADO),
        "Abandonado" => look("rest", "skip", w::CP_ABANDONADO),
        _ => look("wait", "clock", w::CP_LEYENDO),
    }
}

/// How a serial came about.
pub(crate) fn origin(origin: &str) -> Look {
    match origin {
        "read" => look("good", "check", w::OR_READ),
        "confirmed" => look("good", "double", w::OR_CONFIRMED),
        "corrected" => look("good", "person", w::OR_CORRECTED),
        "generated" => look("rest", "same", w::OR_GENERATED),
        _ => look("rest", "person", w::OR_MANUAL),
    }
}

/// One photograph of a plate.
pub(crate) fn attempt(state: &str) -> Look {
    match state {
        "fetching" => look("wait", "clock", w::AT_FETCHING),
        "reading" => look("wait", "clock", w::AT_READING),
        "read" => look("good", "check", w::AT_READ),
        "unusable" => look("bad", "cross", w::AT_UNUSABLE),
        "failed" => look("bad", "plug", w::AT_FAILED),
        _ => look("warn", "alert", w::AT_NOTHING),
    }
}

/// What is wrong with a photograph; `None` for a fault that has no word yet.
pub(crate) fn flaw(flaw: &str) -> Option<Word> {
    Some(match flaw {
        "dark" => w::FL_DARK,
        "blurred" => w::FL_BLURRED,
        "glare" => w::FL_GLARE,
        "cut_off" => w::FL_CUT_OFF,
        "far" => w::FL_FAR,
        "no_text" => w::FL_NO_TEXT,
        _ => return None,
    })
}

/// A value of an asset, by its name; `None` for one that only has its name.
pub(crate) fn datum(name: &str) -> Option<Word> {
    Some(match name {
        "brand" => w::DA_BRAND,
        "model" => w::DA_MODEL,
        "voltage" => w::DA_VOLTAGE,
        "power" => w::DA_POWER,
        "date" => w::DA_DATE,
        "part" => w::DA_PART,
        "location" => w::DA_LOCATION,
        "note" => w::DA_NOTE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_look_as_the_design_says_and_each_has_a_word_of_its_own() {
        for (state, family, word) in [
            ("Leyendo", "wait", "Leyendo"),
            ("PorConfirmar", "warn", "Por confirmar"),
            ("OtraFoto", "wait", "Espera otra foto"),
            ("Ilegible", "bad", "Ilegible"),
            ("Leido", "good", "Leído"),
            ("EscritoAMano", "rest", "Escrito a mano"),
            ("Generado", "rest", "Generado"),
            ("Abandonado", "rest", "Abandonado"),
        ] {
            let look = capture(state);
            assert_eq!((look.family, look.word.spanish()), (family, word));
        }
    }
}
