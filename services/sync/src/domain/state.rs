//! Where a task stands.

use std::str::FromStr;

/// The states of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its creation is queued or under way.
    Creating,
    /// The provider has it.
    Open,
    /// It was completed there.
    Completed,
    /// The provider does not have it, and nothing is under way.
    Failed,
}

/// A text that names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no state of a task")]
pub(crate) struct UnknownState;

impl State {
    const ALL: [Self; 4] = [Self::Creating, Self::Open, Self::Completed, Self::Failed];

    /// Its name in rows and answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Open => "open",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether what happens to the order still changes the task. One that was not created is made from the order as it
    /// stands then.
    pub(crate) const fn follows(self) -> bool {
        matches!(self, Self::Creating | Self::Open)
    }
}

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_from_its_name() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("done".parse::<State>(), Err(UnknownState));
    }
}
