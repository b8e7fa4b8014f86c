//! Following an aggregate: its events are applied one after the other, by the version that each carries.

use crate::ApplyError;

/// The version of an event that comes right after `applied`, the last one that was (0 before the first event, which has
/// version 1). `None` for one that was applied before. `what` names the aggregate: `an order`.
///
/// # Errors
/// [`ApplyError::Early`] when one before it is missing, [`ApplyError::Dead`] when it has no version.
pub fn next_version(version: Option<i64>, applied: i64, what: &str) -> Result<Option<i64>, ApplyError> {
    match version.filter(|version| *version >= 1) {
        None => Err(ApplyError::Dead(format!("{what}'s event has no version"))),
        Some(version) if version <= applied => Ok(None),
        Some(version) if version == applied + 1 => Ok(Some(version)),
        Some(_) => Err(ApplyError::Early),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_applied_one_after_the_other() {
        let next = |applied, version| next_version(Some(version), applied, "an order");
        assert!(matches!(next(0, 1), Ok(Some(1))));
        assert!(matches!(next(2, 3), Ok(Some(3))));
        for seen in [1, 2] {
            assert!(matches!(next(2, seen), Ok(None)), "{seen}");
        }
        for early in [2, i64::MAX] {
            assert!(matches!(next(0, early), Err(ApplyError::Early)), "{early}");
        }
    }

    #[test]
    fn what_has_no_version_has_no_place_and_is_dead() {
        for none in [None, Some(0), Some(-1)] {
            let dead = next_version(none, 0, "an order").unwrap_err();
            assert!(
                matches!(&dead, ApplyError::Dead(reason) if reason == "an order's event has no version"),
                "{dead:?}"
            );
        }
    }
}
