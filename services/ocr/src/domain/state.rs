//! The states of a capture, and which may follow which.

use std::str::FromStr;

/// A word that is no state, origin or anything else that is kept as a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not known")]
pub(crate) struct UnknownWord(pub(crate) String);

/// Where a capture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// A photograph is being read.
    Leyendo,
    /// A serial was read, and a person says whether it is right.
    PorConfirmar,
    /// Another photograph is asked for.
    OtraFoto,
    /// The attempts are used up: the serial is to be written.
    Ilegible,
    /// The serial was read.
    Leido,
    /// A person wrote it.
    EscritoAMano,
    /// Nobody can read it: an id was generated.
    Generado,
    /// Nobody went on with it.
    Abandonado,
}

impl State {
    pub(crate) const ALL: [Self; 8] = [
        Self::Leyendo,
        Self::PorConfirmar,
        Self::OtraFoto,
        Self::Ilegible,
        Self::Leido,
        Self::EscritoAMano,
        Self::Generado,
        Self::Abandonado,
    ];

    /// As stored, and as events and callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Leyendo => "Leyendo",
            Self::PorConfirmar => "PorConfirmar",
            Self::OtraFoto => "OtraFoto",
            Self::Ilegible => "Ilegible",
            Self::Leido => "Leido",
            Self::EscritoAMano => "EscritoAMano",
            Self::Generado => "Generado",
            Self::Abandonado => "Abandonado",
        }
    }

    /// How people read it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Leyendo => "Leyendo",
            Self::PorConfirmar => "Por confirmar",
            Self::OtraFoto => "Otra foto",
            Self::Ilegible => "Ilegible",
            Self::Leido => "Leído",
            Self::EscritoAMano => "Escrito a mano",
            Self::Generado => "Generado",
            Self::Abandonado => "Abandonado",
        }
    }

    /// How it is shown: `good`, `warn`, `bad`, `wait` or `rest`.
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Leyendo | Self::OtraFoto => "wait",
            Self::PorConfirmar | Self::Generado => "warn",
            Self::Ilegible => "bad",
            Self::Leido | Self::EscritoAMano => "good",
            Self::Abandonado => "rest",
        }
    }

    /// Whether nothing follows.
    pub(crate) const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Leido | Self::EscritoAMano | Self::Generado | Self::Abandonado
        )
    }

    /// The table: whether `next` may follow.
    pub(crate) const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Leyendo => matches!(
                next,
                Self::PorConfirmar
                    | Self::OtraFoto
                    | Self::Ilegible
                    | Self::Leido
                    | Self::EscritoAMano
                    | Self::Generado
                    | Self::Abandonado
            ),
            Self::PorConfirmar => matches!(
                next,
                Self::Leyendo
                    | Self::OtraFoto
                    | Self::Ilegible
                    | Self::Leido
                    | Self::Generado
                    | Self::Abandonado
            ),
            Self::OtraFoto => matches!(
                next,
                Self::Leyendo | Self::Leido | Self::EscritoAMano | Self::Generado | Self::Abandonado
            ),
            Self::Ilegible => matches!(
                next,
                Self::OtraFoto | Self::Leido | Self::EscritoAMano | Self::Generado | Self::Abandonado
            ),
            Self::Leido | Self::EscritoAMano | Self::Generado | Self::Abandonado => false,
        }
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

/// How a serial came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// Read, and sure enough.
    Read,
    /// Read, and a person said that it is right.
    Confirmed,
    /// Read wrongly, and a person said what it is.
    Corrected,
    /// Written by a person.
    Manual,
    /// Generated.
    Generated,
}

impl Origin {
    pub(crate) const ALL: [Self; 5] = [
        Self::Read,
        Self::Confirmed,
        Self::Corrected,
        Self::Manual,
        Self::Generated,
    ];

    /// As stored, and as events and callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Confirmed => "confirmed",
            Self::Corrected => "corrected",
            Self::Manual => "manual",
            Self::Generated => "generated",
        }
    }
}

impl FromStr for Origin {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|origin| origin.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

/// What a person may do with a capture now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Say that the serial is right.
    Confirm,
    /// Write the serial.
    Write,
    /// Ask for another photograph.
    AskPhoto,
    /// Have an id generated.
    Generate,
    /// Bring another photograph.
    Recognize,
}

impl Action {
    pub(crate) const ALL: [Self; 5] = [
        Self::Confirm,
        Self::Write,
        Self::AskPhoto,
        Self::Generate,
        Self::Recognize,
    ];

    /// As callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Write => "write",
            Self::AskPhoto => "ask_photo",
            Self::Generate => "generate",
            Self::Recognize => "recognize",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State::{
        Abandonado, EscritoAMano, Generado, Ilegible, Leido, Leyendo, OtraFoto, PorConfirmar,
    };
    use super::*;

    #[test]
    fn every_pair_of_states_is_in_the_table_or_is_not() {
        let allowed = [
            (Leyendo, PorConfirmar),
            (Leyendo, OtraFoto),
            (Leyendo, Ilegible),
            (Leyendo, Leido),
            (Leyendo, EscritoAMano),
            (Leyendo, Generado),
            (Leyendo, Abandonado),
            (PorConfirmar, Leyendo),
            (PorConfirmar, OtraFoto),
            (PorConfirmar, Ilegible),
            (PorConfirmar, Leido),
            (PorConfirmar, Generado),
            (PorConfirmar, Abandonado),
            (OtraFoto, Leyendo),
            (OtraFoto, Leido),
            (OtraFoto, EscritoAMano),
            (OtraFoto, Generado),
            (OtraFoto, Abandonado),
            (Ilegible, OtraFoto),
            (Ilegible, Leido),
            (Ilegible, EscritoAMano),
            (Ilegible, Generado),
            (Ilegible, Abandonado),
        ];
        for before in State::ALL {
            for after in State::ALL {
                let expected = allowed.contains(&(before, after));
                assert_eq!(before.may_become(after), expected, "{before:?} -> {after:?}");
            }
        }
    }

    #[test]
    fn nothing_follows_an_end_and_something_follows_everything_else() {
        for state in State::ALL {
            let follows = State::ALL.into_iter().any(|next| state.may_become(next));
            assert_eq!(follows, !state.is_end(), "{state:?}");
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for origin in Origin::ALL {
            assert_eq!(origin.as_str().parse(), Ok(origin));
        }
        assert!("leyendo".parse::<State>().is_err());
    }
}
