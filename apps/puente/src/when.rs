//! Times as people write them on the command line: `10m`, `2h`, `3d`, or RFC 3339.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// A time that was asked for: absolute, or so long before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// This instant.
    At(OffsetDateTime),
    /// So long ago.
    Ago(Duration),
}

const FORMS: &str = "write `90s`, `10m`, `2h`, `3d`, or a time like 2026-01-31T08:00:00Z";
/// Nothing is kept for longer, and sums of times cannot leave their range.
const LONGEST: Duration = Duration::days(3_660);

impl Moment {
    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(at));
        }
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let seconds = match text.strip_prefix(number) {
            Some("s") => 1,
            Some("m") => 60,
            Some("h") => 3_600,
            Some("d") => 86_400,
            _ => return Err(FORMS.to_owned()),
        };
        // A sign would turn the past into the future.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORMS.to_owned());
        }
        let number: i64 = number.parse().map_err(|_| FORMS.to_owned())?;
        let ago = number.checked_mul(seconds).map(Duration::seconds);
        ago.filter(|ago| *ago <= LONGEST)
            .map(Self::Ago)
            .ok_or_else(|| "nothing is kept for so long".to_owned())
    }

    /// The instant that is meant.
    pub(crate) fn instant(self, now: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.saturating_sub(ago),
        }
    }
}

/// To the second, for tables.
pub(crate) fn second(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let whole = at.replace_nanosecond(0).unwrap_or(at);
    whole.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_instants_are_read_and_everything_else_is_told_the_forms() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        for (text, ago) in [
            ("90s", 90),
            ("10m", 600),
            ("2h", 7_200),
            ("3d", 259_200),
            ("0s", 0),
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(now - moment.instant(now), Duration::seconds(ago), "{text}");
        }
        let at = Moment::parse("2026-01-31T08:00:00-05:00").unwrap();
        assert_eq!(at.instant(now).unix_timestamp(), 1_769_864_400);
        for text in [
            "",
            "h",
            "10",
            "-5m",
            "+5m",
            "1.5h",
            "yesterday",
            "2026-01-31",
            "10 m",
            "ñ",
        ] {
            assert_eq!(Moment::parse(text), Err(FORMS.to_owned()), "{text}");
        }
        for text in ["9000000000000000d", "99999d"] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }
}
