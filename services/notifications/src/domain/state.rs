//! How far a message has come. States only rise, so the order in which they are told does not matter.
//!
//! `failed` stands between `sent` and `delivered`: a failure overrules an acceptance, and proof that the message is on
//! the device overrules a failure, which providers do take back. From `delivered` on, failures are ignored.

use std::fmt;
use std::str::FromStr;

/// How far a message has come; ordered by what overrules what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// Accepted by us.
    Queued,
    /// Accepted by the provider.
    Sent,
    /// Will not arrive, as far as anybody knows.
    Failed,
    /// On the device.
    Delivered,
    /// Seen.
    Read,
}

/// A word that is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a message")]
pub(crate) struct UnknownState(String);

impl State {
    /// The state after `told` was heard, if that is another one.
    pub(crate) fn after(self, told: Self) -> Option<Self> {
        (told > self).then_some(told)
    }

    /// Its word in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(word: &str) -> Result<Self, UnknownState> {
        [
            Self::Queued,
            Self::Sent,
            Self::Failed,
            Self::Delivered,
            Self::Read,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| UnknownState(word.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_state() -> impl Strategy<Value = State> {
        prop::sample::select(vec![
            State::Queued,
            State::Sent,
            State::Failed,
            State::Delivered,
            State::Read,
        ])
    }

    fn hear(told: &[State]) -> Vec<State> {
        let mut path = vec![State::Queued];
        for state in told {
            path.extend(path.last().unwrap().after(*state));
        }
        path
    }

    proptest! {
        #[test]
        fn states_only_rise_and_any_order_ends_the_same(
            (told, shuffled) in prop::collection::vec(any_state(), 0..12)
                .prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
        ) {
            let path = hear(&told);
            prop_assert!(path.windows(2).all(|pair| pair[0] < pair[1]));
            let other = hear(&shuffled);
            prop_assert_eq!(path.last(), other.last());
        }

        #[test]
        fn hearing_a_state_twice_changes_nothing(state in any_state(), told in any_state()) {
            let once = state.after(told).unwrap_or(state);
            prop_assert_eq!(once.after(told), None);
        }

        #[test]
        fn words_come_back_as_states(state in any_state()) {
            prop_assert_eq!(state.as_str().parse::<State>(), Ok(state));
        }
    }

    #[test]
    fn a_failure_is_final_unless_the_message_turns_out_to_have_arrived() {
        assert_eq!(State::Failed.after(State::Sent), None);
        assert_eq!(State::Delivered.after(State::Failed), None);
        assert_eq!(State::Failed.after(State::Read), Some(State::Read));
    }
}
