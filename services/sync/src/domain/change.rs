//! What may be done to a task.

use std::str::FromStr;

/// The kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It exists now.
    Created,
    /// Somebody else does it.
    Assigned,
    /// It has come to another state.
    Staged,
    /// It is done.
    Completed,
}

/// A text that names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no change of a task")]
pub(crate) struct UnknownKind;

impl Kind {
    const ALL: [Self; 4] = [Self::Created, Self::Assigned, Self::Staged, Self::Completed];

    /// Its name in rows and events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Assigned => "assigned",
            Self::Staged => "staged",
            Self::Completed => "completed",
        }
    }

    /// Whether a problem with a change of kind `other` is over when one of this kind was made.
    pub(crate) fn mends(self, other: Self) -> bool {
        self == other || self == Self::Completed
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_comes_back_from_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("moved".parse::<Kind>(), Err(UnknownKind));
    }

    #[test]
    fn a_problem_stays_until_the_same_succeeds_or_the_task_is_done() {
        assert!(Kind::Assigned.mends(Kind::Assigned) && Kind::Completed.mends(Kind::Assigned));
        assert!(!Kind::Staged.mends(Kind::Assigned) && !Kind::Created.mends(Kind::Assigned));
    }
}
