//! Whether a signer who had signed knows that another one refused. What is told of the message only ever moves it forward,
//! in whatever order it comes; a person's word ends it.

use std::str::FromStr;

use uuid::Uuid;

use crate::domain::state::UnknownWord;

/// There is no number to tell them at.
pub(crate) const NO_PHONE: &str = "no_phone";

/// How far it has come, in rising order: a message that failed was sent before, and one that arrived did not fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoticeState {
    /// Need not be told.
    #[default]
    None,
    /// The message was asked for.
    Asked,
    /// It is with its provider.
    Sent,
    /// It will not arrive: a person has to tell them.
    Failed,
    /// It arrived.
    Delivered,
    /// A person has told them.
    ByHand,
}

/// What is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) state: NoticeState,
    /// The event that asked for the message.
    pub(crate) asked_by: Option<Uuid>,
    /// Why it failed.
    pub(crate) code: String,
}

impl NoticeState {
    const ALL: [Self; 6] = [
        Self::None,
        Self::Asked,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::ByHand,
    ];

    /// As stored, and as events and callers name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Asked => "asked",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::ByHand => "by_hand",
        }
    }
}

impl Notice {
    /// Moves forward; `false` when it was there, or further.
    pub(crate) fn moves(&mut self, state: NoticeState, code: &str) -> bool {
        if state <= self.state {
            return false;
        }
        self.state = state;
        self.code.clear();
        if state == NoticeState::Failed {
            self.code.push_str(code);
        }
        true
    }

    /// Whether a person has to tell them.
    pub(crate) fn waits_for_a_person(&self) -> bool {
        self.state == NoticeState::Failed
    }
}

impl FromStr for NoticeState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_of_a_message_end_in_the_same_place_in_any_order() {
        use NoticeState::{Asked, ByHand, Delivered, Failed, Sent};
        for (news, end) in [
            (vec![Asked, Sent, Failed], Failed),
            (vec![Asked, Failed, Sent], Failed),
            (vec![Asked, Delivered, Sent], Delivered),
            (vec![Asked, Failed, Delivered], Delivered),
            (vec![Asked, Failed, ByHand, Failed, Delivered], ByHand),
        ] {
            let mut notice = Notice::default();
            for state in news {
                notice.moves(state, "no_opt_in");
            }
            assert_eq!(notice.state, end);
            assert_eq!(notice.code.is_empty(), end != Failed);
        }
    }

    #[test]
    fn every_state_is_read_as_it_is_written() {
        for state in NoticeState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("told".parse::<NoticeState>().is_err());
    }
}
