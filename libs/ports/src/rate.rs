//! What a provider's answer says about its limits: `Retry-After` and the `X-RateLimit-*` family. Pure.
//!
//! Values that make no sense are as good as absent: a header must never stop an effect for good.

use std::time::Duration;

use http::HeaderMap;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// The longest wait that a header may ask for: daily quotas reset within a day.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The date of HTTP (IMF-fixdate), always GMT.
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// What an answer said about the connection's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateHint {
    /// Calls allowed in the provider's window.
    pub limit: Option<u64>,
    /// Calls left in it.
    pub remaining: Option<u64>,
    /// How long until the window begins anew.
    pub reset_in: Option<Duration>,
    /// How long to wait before the next call.
    pub retry_after: Option<Duration>,
}

impl RateHint {
    /// Reads an answer's headers; `None` when they say nothing.
    #[must_use]
    pub fn read(headers: &HeaderMap, now: OffsetDateTime) -> Option<Self> {
        let number = |name: &str| leading_number(text(headers, name)?);
        let either = |long: &str, short: &str| number(long).or_else(|| number(short));
        let hint = Self {
            limit: either("x-ratelimit-limit", "ratelimit-limit"),
            remaining: either("x-ratelimit-remaining", "ratelimit-remaining"),
            reset_in: either("x-ratelimit-reset", "ratelimit-reset").and_then(|reset| until(reset, now)),
            retry_after: retry_after(headers, now),
        };
        (hint != Self::default()).then_some(hint)
    }

    /// The share of the limit that is used, 0 to 1, where both numbers are known.
    #[must_use]
    pub fn used(&self) -> Option<f64> {
        let (limit, remaining) = (self.limit?, self.remaining?);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share for people; limits are far below 2^52"
        )]
        (limit > 0).then(|| 1.0 - (remaining.min(limit) as f64 / limit as f64))
    }

    /// Whether less than a fifth of the limit is left.
    #[must_use]
    pub fn is_low(&self) -> bool {
        matches!((self.limit, self.remaining), (Some(limit), Some(remaining)) if limit > 0 && remaining < limit.div_ceil(5))
    }
}

/// How long `Retry-After` asks to wait: seconds, or a date, which is compared with the answer's own `Date` (and
/// with `now` without one), so that a clock that is off does not matter. Who has no clock passes `None`.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: impl Into<Option<OffsetDateTime>>) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds)
            .ok()
            .map(|wait| wait.min(LONGEST_WAIT));
    }
    let at = http_date(value)?;
    let sent = text(headers, "date").and_then(http_date).or(now.into())?;
    Some(wait(at, sent))
}

/// How long until `X-RateLimit-Reset`, counted from the answer's own `Date`: for who has no clock.
#[must_use]
pub fn reset_in(headers: &HeaderMap) -> Option<Duration> {
    let sent = text(headers, "date").and_then(http_date)?;
    until(leading_number(text(headers, "x-ratelimit-reset")?)?, sent)
}

/// `X-RateLimit-Reset` is seconds from now at some providers and Unix seconds or milliseconds at others; the
/// magnitude tells which.
fn until(reset: u64, now: OffsetDateTime) -> Option<Duration> {
    const UNIX_SECONDS_FROM: u64 = 1_000_000_000;
    const UNIX_MILLIS_FROM: u64 = 1_000_000_000_000;
    if reset < UNIX_SECONDS_FROM {
        return Some(Duration::from_secs(reset).min(LONGEST_WAIT));
    }
    let seconds = if reset < UNIX_MILLIS_FROM {
        reset
    } else {
        reset / 1000
    };
    let at = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    Some(wait(at, now))
}

fn wait(at: OffsetDateTime, now: OffsetDateTime) -> Duration {
    Duration::try_from(at - now)
        .unwrap_or(Duration::ZERO)
        .min(LONGEST_WAIT)
}

fn http_date(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, HTTP_DATE)
        .ok()
        .map(PrimitiveDateTime::assume_utc)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The number at the beginning: some providers write `100, 100;w=60`.
fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-04-14 02:37:58 UTC);

    fn headers(entries: &[(&'static str, &str)]) -> HeaderMap {
        entries
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn after(value: &str) -> Option<Duration> {
        retry_after(&headers(&[("retry-after", value)]), NOW)
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_date() {
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after(" 0 "), Some(Duration::ZERO));
        assert_eq!(after("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(
            after("Tue, 14 Apr 2026 02:38:28 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(after("Tue, 14 Apr 2026 02:37:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn a_date_is_compared_with_the_answers_own_clock() {
        let both = headers(&[
            ("retry-after", "Tue, 14 Apr 2026 05:00:10 GMT"),
            ("date", "Tue, 14 Apr 2026 05:00:00 GMT"),
        ]);
        assert_eq!(retry_after(&both, NOW), Some(Duration::from_secs(10)));
        assert_eq!(retry_after(&both, None), Some(Duration::from_secs(10)));
        let undated = headers(&[("retry-after", "Tue, 14 Apr 2026 05:00:10 GMT")]);
        assert_eq!(retry_after(&undated, None), None, "no clock to compare with");
    }

    #[test]
    fn a_reset_is_counted_from_the_answers_own_clock_or_not_at_all() {
        let both = headers(&[
            ("x-ratelimit-reset", "1776135600"),
            ("date", "Tue, 14 Apr 2026 02:40:00 GMT"),
        ]);
        assert_eq!(reset_in(&both), Some(Duration::from_secs(1200)));
        assert_eq!(reset_in(&headers(&[("x-ratelimit-reset", "1776135600")])), None);
    }

    #[test]
    fn senseless_waits_are_ignored_or_bounded() {
        for bad in ["", "soon", "-5", "NaN", "inf", "Tue, 31 Feb 2026 02:38:28 GMT"] {
            assert_eq!(after(bad), None, "{bad}");
        }
        assert_eq!(after("99999999"), Some(LONGEST_WAIT));
        assert_eq!(after("Tue, 14 Apr 2099 02:38:28 GMT"), Some(LONGEST_WAIT));
    }

    #[test]
    fn limits_are_read_whatever_way_the_reset_is_written() {
        for reset in ["30", "1776134308", "1776134308000"] {
            let hint = RateHint::read(
                &headers(&[
                    ("x-ratelimit-limit", "100"),
                    ("x-ratelimit-remaining", "19"),
                    ("x-ratelimit-reset", reset),
                ]),
                NOW,
            )
            .unwrap();
            assert_eq!((hint.limit, hint.remaining), (Some(100), Some(19)));
            assert_eq!(hint.reset_in, Some(Duration::from_secs(30)), "{reset}");
            assert!(hint.is_low());
        }
        let short = headers(&[("ratelimit-limit", "50, 50;w=60"), ("ratelimit-remaining", "10")]);
        let hint = RateHint::read(&short, NOW).unwrap();
        assert!(!hint.is_low());
        assert_eq!(hint.used(), Some(0.8));
        assert_eq!(RateHint::read(&headers(&[("content-type", "a/b")]), NOW), None);
    }

    #[test]
    fn low_means_below_a_fifth() {
        let hint = |limit, remaining| RateHint {
            limit: Some(limit),
            remaining: Some(remaining),
            ..Default::default()
        };
        assert!(!hint(100, 20).is_low() && hint(100, 19).is_low());
        assert!(!hint(3, 1).is_low() && hint(3, 0).is_low());
        assert!(!hint(0, 0).is_low() && hint(0, 0).used().is_none());
    }
}
