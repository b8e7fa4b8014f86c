//! How long what was published and handled is remembered.

use puente_bus::StreamSettings;
use serde::Deserialize;

/// Days that events and inbox marks are kept: never fewer than the stream holds an event. It delivers all that it holds
/// once more when its consumer is made anew, and without its mark an event would be handled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u16")]
pub struct KeepDays(u16);

/// Fewer days than the stream holds an event.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be at least {least}: the stream holds events for {least} days, and one that comes again without its mark is handled twice"
)]
pub struct TooFew {
    least: u16,
}

impl TryFrom<u16> for KeepDays {
    type Error = TooFew;

    fn try_from(days: u16) -> Result<Self, TooFew> {
        let least = StreamSettings::MAX_AGE_DAYS;
        if days < least {
            return Err(TooFew { least });
        }
        Ok(Self(days))
    }
}

impl From<KeepDays> for u16 {
    fn from(days: KeepDays) -> Self {
        days.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_would_be_gone_before_their_events_are_refused_as_configuration() {
        let read = |days: u16| serde_json::from_value::<KeepDays>(days.into());
        let refused = read(29).unwrap_err().to_string();
        assert!(refused.contains("at least 30"), "{refused}");
        assert_eq!(u16::from(read(30).unwrap()), 30);
        let stream = StreamSettings::default().max_age.as_secs();
        assert_eq!(stream, u64::from(StreamSettings::MAX_AGE_DAYS) * 24 * 3600);
    }
}
