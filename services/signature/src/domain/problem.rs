//! What stops a request, told to whoever can mend it.

use std::str::FromStr;

use time::OffsetDateTime;

use crate::domain::state::UnknownWord;

/// The code of the problem that an envelope could not be called back (yet).
pub(crate) const VOID_FAILED: &str = "void_failed";
/// The code of the problem that the provider has a second envelope of the same request.
pub(crate) const SECOND_ENVELOPE: &str = "second_envelope";

/// What a person has to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Goes away by itself.
    Temporary,
    /// Never works like this.
    Permanent,
    /// Someone must change settings or consent.
    Configuration,
}

/// What stops a request now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A fixed word.
    pub(crate) code: String,
    /// More for whoever mends it; nothing personal.
    pub(crate) detail: String,
    pub(crate) tag: Tag,
    pub(crate) since: OffsetDateTime,
}

impl Problem {
    /// Whether it is about an envelope at large: one that is with its signers and must not be. It outlasts the request's
    /// end, since people may sign that envelope until it is back.
    pub(crate) fn is_at_large(&self) -> bool {
        [VOID_FAILED, SECOND_ENVELOPE].contains(&self.code.as_str())
    }
}

impl Tag {
    const ALL: [Self; 3] = [Self::Temporary, Self::Permanent, Self::Configuration];

    /// As stored, and as events name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Permanent => "permanent",
            Self::Configuration => "configuration",
        }
    }
}

impl FromStr for Tag {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|tag| tag.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}
