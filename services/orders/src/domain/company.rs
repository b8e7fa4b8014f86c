//! Whose a tax id is, as far as it is known when somebody names it.
//!
//! A tax id that somebody types proves nothing: it says which client an order is for, and gives no right to see anything
//! of that client.

use std::fmt;
use std::time::Duration;

use puente_types::{Nit, Phone};

/// The pause before the second try of a check that failed; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// An ERP that is away for a day is asked every hour.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long one check is tried; then a person has to look.
const LONGEST_CHECK: Duration = Duration::from_hours(4 * 24);

/// A client as the tenant's ERP describes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Company {
    /// The registered name.
    pub name: String,
    /// The e-mail address; empty when the ERP has none that is valid.
    pub email: String,
    /// A number, if the ERP has a valid one.
    pub phone: Option<Phone>,
    /// The address; may be empty.
    pub location: String,
    /// Whether it may be served.
    pub active: bool,
    /// Grows with every change in the ERP.
    pub version: i64,
}

// The tax id of a natural person leads to their name and address: nothing of it is for logs.
impl fmt::Debug for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Company")
            .field("active", &self.active)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What is known of a tax id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is a client of ours.
    Client,
    /// The ERP knows it; it is no client of ours yet.
    Listed(Company),
    /// The ERP knows it and does not want it served.
    Inactive,
    /// Nobody knows it.
    Unknown,
    /// It is no client of ours, and the ERP gives no answer now.
    Unreachable,
}

/// A tax id that a message names, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The tax id.
    pub nit: Nit,
    /// What is known.
    pub verdict: Verdict,
}

/// What came of checking the client of an order in the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Check {
    /// There is nothing to check later.
    #[default]
    None,
    /// The ERP gave no answer yet.
    Pending,
    /// The ERP knows the client.
    Known,
    /// The ERP does not know the client: a person has to look.
    Unknown,
    /// The ERP gave no answer for days: a person has to look.
    GivenUp,
}

impl Check {
    const ALL: [Self; 5] = [
        Self::None,
        Self::Pending,
        Self::Known,
        Self::Unknown,
        Self::GivenUp,
    ];

    /// Its name in events and rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Pending => "pending",
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::GivenUp => "given_up",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }
}

/// How long to wait after the `tries`-th try failed, when the client has been `pending` for so long; `None` when it was
/// the last try.
#[must_use]
pub fn pause(tries: u32, pending: Duration) -> Option<Duration> {
    if pending >= LONGEST_CHECK {
        return None;
    }
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1).min(16)));
    Some(doubled.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_end() {
        let seconds = |tries| pause(tries, Duration::ZERO).map(|pause| pause.as_secs());
        assert_eq!(
            [seconds(0), seconds(1), seconds(2), seconds(3)],
            [Some(30), Some(30), Some(60), Some(120)]
        );
        assert_eq!([seconds(8), seconds(u32::MAX)], [Some(3600), Some(3600)]);
        let last = LONGEST_CHECK - Duration::from_secs(1);
        assert!(pause(1, last).is_some() && pause(1, LONGEST_CHECK).is_none());
    }

    #[test]
    fn a_check_is_known_by_its_name() {
        for check in Check::ALL {
            assert_eq!(Check::named(check.name()), Some(check));
        }
        assert_eq!(Check::named("maybe"), None);
    }
}
