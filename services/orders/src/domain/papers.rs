//! Papers of service providers: until when they are good, when that is told, and what follows from it.

use puente_types::Region;
use time::{Date, OffsetDateTime, UtcOffset};

/// Without these nobody may be sent to work: accidents at work, and health.
pub const MANDATORY: [&str; 2] = ["arl", "eps"];
/// Days before the end of a paper on which it is told, the last one first; 0 also stands for every day after it.
pub const THRESHOLDS: [i32; 4] = [0, 1, 7, 30];

/// The threshold that a paper with so many days left has come to; `None` while nobody need care.
#[must_use]
pub fn threshold(days_left: i64) -> Option<i32> {
    THRESHOLDS
        .into_iter()
        .find(|threshold| days_left <= i64::from(*threshold))
}

/// A paper that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// What it is.
    pub kind: String,
    /// The last day it was good.
    pub on: Date,
}

impl std::fmt::Display for Expired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.on)
    }
}

/// The calendar's day in a country, by the hours of the part where it ends last: what is good anywhere there is good.
#[must_use]
pub fn today(now: OffsetDateTime, region: Region) -> Date {
    let hours = match region {
        Region::Ar => -3,
        Region::Cl => -6,
        Region::Co | Region::Pe => -5,
        Region::Mx => -8,
    };
    let offset = UtcOffset::from_hms(hours, 0, 0).unwrap_or(UtcOffset::UTC);
    now.to_offset(offset).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_paper_comes_to_each_threshold_on_its_way() {
        let told = |days| threshold(days);
        assert_eq!([told(400), told(31)], [None, None]);
        assert_eq!([told(30), told(8)], [Some(30), Some(30)]);
        assert_eq!([told(7), told(2)], [Some(7), Some(7)]);
        assert_eq!([told(1), told(0), told(-90)], [Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn a_day_ends_by_the_clock_of_the_country() {
        let night = OffsetDateTime::from_unix_timestamp(1_767_236_400).unwrap();
        assert_eq!(night.date().to_string(), "2026-01-01");
        assert_eq!(today(night, Region::Co).to_string(), "2025-12-31");
    }
}
