//! Following an order: one event after the other.

/// What to do with an event of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is the next one.
    Now,
    /// It was applied before, or is part of what a task was made from.
    Seen,
    /// One before it is missing.
    Early,
}

/// Whether version `version` may be applied after `applied`; the first version is 1.
pub(crate) const fn turn(applied: i64, version: i64) -> Turn {
    if version <= applied {
        Turn::Seen
    } else if version == applied + 1 {
        Turn::Now
    } else {
        Turn::Early
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_applied_one_after_the_other() {
        assert_eq!(
            [turn(0, 1), turn(0, 2), turn(2, 2), turn(2, 1), turn(2, 3)],
            [Turn::Now, Turn::Early, Turn::Seen, Turn::Seen, Turn::Now]
        );
    }
}
