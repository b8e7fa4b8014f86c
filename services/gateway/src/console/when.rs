//! Times, durations and numbers as people read them. Tenants work in Colombia, which has one zone and no summer time.

use puente_proto::instant;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Iso8601;
use time::macros::format_description as form;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::words::{self as w, Language};

/// Bogotá.
const OFFSET_HOURS: i8 = -5;

const CLOCK: &[BorrowedFormatItem<'_>] = form!("[hour]:[minute]:[second]");
const FINE: &[BorrowedFormatItem<'_>] = form!("[hour]:[minute]:[second],[subsecond digits:3]");
const SHORT: &[BorrowedFormatItem<'_>] = form!("[hour]:[minute]");
const MACHINE: &[BorrowedFormatItem<'_>] =
    form!("[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]");
const FIELD: &[BorrowedFormatItem<'_>] = form!("[year]-[month]-[day]T[hour]:[minute]");
const FIELD_FRACTION: &[BorrowedFormatItem<'_>] =
    form!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond]");
const FIELD_SECONDS: &[BorrowedFormatItem<'_>] = form!("[year]-[month]-[day]T[hour]:[minute]:[second]");
const EXACT_FIELD: &[BorrowedFormatItem<'_>] =
    form!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");

/// An instant as services send it.
pub(crate) type Stamp = prost_types::Timestamp;

/// The zone of every time shown.
fn zone() -> UtcOffset {
    UtcOffset::from_hms(OFFSET_HOURS, 0, 0).unwrap_or(UtcOffset::UTC)
}

/// A service's instant in local time.
pub(crate) fn local(at: Option<&Stamp>) -> Option<OffsetDateTime> {
    at.and_then(instant).map(|at| at.to_offset(zone()))
}

fn text(at: OffsetDateTime, form: &[BorrowedFormatItem<'_>]) -> String {
    at.to_offset(zone()).format(form).unwrap_or_default()
}

/// `08:14:03`.
pub(crate) fn clock(at: OffsetDateTime) -> String {
    text(at, CLOCK)
}

/// `08:14:03,117`.
pub(crate) fn fine(at: OffsetDateTime) -> String {
    text(at, FINE)
}

/// `08:14`.
pub(crate) fn short(at: OffsetDateTime) -> String {
    text(at, SHORT)
}

/// For `datetime` attributes.
pub(crate) fn machine(at: OffsetDateTime) -> String {
    text(at, MACHINE)
}

/// For a `datetime-local` field.
pub(crate) fn field(at: OffsetDateTime) -> String {
    text(at, FIELD)
}

/// The same to the microsecond, as far as tables know it.
pub(crate) fn exact_field(at: OffsetDateTime) -> String {
    text(at, EXACT_FIELD)
}

/// What a `datetime-local` field says, which is local time. Browsers write seconds where there are any.
pub(crate) fn from_field(text: &str) -> Option<OffsetDateTime> {
    let read = |form| PrimitiveDateTime::parse(text.trim(), form).ok();
    let at = [FIELD, FIELD_SECONDS, FIELD_FRACTION]
        .into_iter()
        .find_map(read)?;
    Some(at.assume_offset(zone()))
}

/// `20 nov 2026, 08:14`.
pub(crate) fn date(language: Language, at: OffsetDateTime) -> String {
    let at = at.to_offset(zone());
    format!(
        "{} {} {}, {}",
        at.day(),
        month(language, at.month()),
        at.year(),
        short(at)
    )
}

/// `20 nov`.
pub(crate) fn day(language: Language, at: OffsetDateTime) -> String {
    let at = at.to_offset(zone());
    format!("{} {} {}", at.day(), month(language, at.month()), at.year())
}

fn month(language: Language, month: time::Month) -> &'static str {
    const ES: [&str; 12] = [
        "ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic",
    ];
    const EN: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let names = match language {
        Language::Spanish => ES,
        Language::English => EN,
    };
    names
        .get(usize::from(u8::from(month)) - 1)
        .copied()
        .unwrap_or_default()
}

/// `hace 12 min` under a day, then the date.
pub(crate) fn ago(language: Language, now: OffsetDateTime, at: OffsetDateTime) -> String {
    let seconds = (now - at).whole_seconds().max(0);
    let (word, n) = match seconds {
        0..60 => (w::AGO_SECONDS, seconds),
        60..3600 => (w::AGO_MINUTES, seconds / 60),
        3600..86_400 => (w::AGO_HOURS, seconds / 3600),
        _ => return date(language, at),
    };
    language.fill(word, &[("n", &n.to_string())])
}

/// `2 h 12 min`, `24 s`, `1,4 s`, `87 ms`.
pub(crate) fn span(language: Language, span: Duration) -> String {
    let ms = span.whole_milliseconds().max(0);
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..10 => {
            let tenths = ms / 100;
            format!("{}{}{} s", tenths / 10, decimal_mark(language), tenths % 10)
        }
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

const fn decimal_mark(language: Language) -> char {
    match language {
        Language::Spanish => ',',
        Language::English => '.',
    }
}

/// `12.482`, or `12,482` in English.
pub(crate) fn count(language: Language, n: u64) -> String {
    let digits = n.to_string();
    let mark = match language {
        Language::Spanish => '.',
        Language::English => ',',
    };
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

/// `71,4 %` of a part in a whole; nothing of nothing.
pub(crate) fn percent(language: Language, part: u64, whole: u64) -> Option<String> {
    let tenths = part.saturating_mul(1000).checked_div(whole)?;
    Some(if tenths.is_multiple_of(10) {
        format!("{} %", tenths / 10)
    } else {
        format!("{}{}{} %", tenths / 10, decimal_mark(language), tenths % 10)
    })
}

/// `$ 1.284.000 COP`: always with its currency, cents only where there are any.
pub(crate) fn money(language: Language, minor: i64, currency: &str) -> String {
    let whole = count(language, minor.unsigned_abs() / 100);
    let cents = minor.unsigned_abs() % 100;
    let sign = if minor < 0 { "−" } else { "" };
    let cents = if cents == 0 {
        String::new()
    } else {
        format!("{}{cents:02}", decimal_mark(language))
    };
    format!("{sign}$\u{a0}{whole}{cents}\u{a0}{currency}")
}

/// The amount that a person wrote, in minor units: `1.284.000`, `1,284,000.50`, `1284000`. What is left of the last mark is
/// whole unless one or two digits follow it.
pub(crate) fn amount(text: &str) -> Option<i64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '$').collect();
    let (whole, cents) = match text.rsplit_once(['.', ',']) {
        Some((whole, cents)) if (1..=2).contains(&cents.len()) => (whole.to_owned(), format!("{cents:0<2}")),
        _ => (text, "00".to_owned()),
    };
    let digits: String = whole.chars().filter(|c| !matches!(c, '.' | ',')).collect();
    let fits =
        (1..=13).contains(&digits.len()) && digits.bytes().chain(cents.bytes()).all(|b| b.is_ascii_digit());
    let minor: i64 = fits.then(|| format!("{digits}{cents}").parse().ok())??;
    (minor > 0).then_some(minor)
}

/// `24 KB`, `1,2 MB`.
pub(crate) fn size(language: Language, bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => {
            let tenths = bytes / 100_000;
            format!("{}{}{} MB", tenths / 10, decimal_mark(language), tenths % 10)
        }
    }
}

/// A day as documents have it: `2026-12-31`.
pub(crate) fn calendar_day(text: &str) -> Option<Date> {
    Date::parse(text, &Iso8601::DATE).ok()
}

/// Days from today, by the calendar of Bogotá; negative for days that are past.
pub(crate) fn days_until(now: OffsetDateTime, day: Date) -> i64 {
    (day - now.to_offset(zone()).date()).whole_days()
}

/// `31 dic 2026`.
pub(crate) fn day_of(language: Language, date: Date) -> String {
    format!("{} {} {}", date.day(), month(language, date.month()), date.year())
}

/// The day so many days from now, as services are asked.
pub(crate) fn day_after(now: OffsetDateTime, days: i64) -> String {
    let date = now.to_offset(zone()).date().saturating_add(Duration::days(days));
    date.format(&Iso8601::DATE).unwrap_or_default()
}

/// Milliseconds without needless digits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration of a call, clamped at zero; fractions do not matter to people"
)]
pub(crate) fn ms(language: Language, ms: f64) -> String {
    format!("{} ms", count(language, ms.max(0.0).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> OffsetDateTime {
        time::macros::datetime!(2026-11-20 13:14:03.117 UTC)
    }

    #[test]
    fn times_are_those_of_bogota() {
        assert_eq!(clock(at()), "08:14:03");
        assert_eq!(fine(at()), "08:14:03,117");
        assert_eq!(date(Language::Spanish, at()), "20 nov 2026, 08:14");
        assert_eq!(machine(at()), "2026-11-20T08:14:03-05:00");
        assert_eq!(from_field(&field(at())).map(short), Some("08:14".to_owned()));
        assert_eq!(exact_field(at()), "2026-11-20T08:14:03.117000");
        assert_eq!(from_field(&exact_field(at())), Some(at()));
        assert_eq!(
            from_field("2026-11-20T08:14:03").map(clock),
            Some("08:14:03".to_owned())
        );
        for unclear in ["mañana", "2026-11-20T08:14Z", "2026-11-20"] {
            assert_eq!(from_field(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        assert_eq!(count(Language::Spanish, 1_234_567), "1.234.567");
        assert_eq!(count(Language::English, 999), "999");
        assert_eq!(percent(Language::Spanish, 714, 1000).unwrap(), "71,4 %");
        assert_eq!(percent(Language::Spanish, 1, 1).unwrap(), "100 %");
        assert_eq!(percent(Language::Spanish, 1, 0), None);
    }

    #[test]
    fn money_is_read_and_written_with_its_marks() {
        for text in [
            "1284000",
            "1.284.000",
            "$ 1,284,000",
            "1.284.000,00",
            "1,284,000.0",
        ] {
            assert_eq!(amount(text), Some(128_400_000), "{text}");
        }
        assert_eq!(amount("99,5"), Some(9_950));
        for bad in ["", "0", "-5", "mil", "1.2.3x", "12345678901234"] {
            assert_eq!(amount(bad), None, "{bad}");
        }
        assert_eq!(
            money(Language::Spanish, 128_400_000, "COP"),
            "$\u{a0}1.284.000\u{a0}COP"
        );
        assert_eq!(money(Language::English, 9_950, "USD"), "$\u{a0}99.50\u{a0}USD");
    }

    #[test]
    fn days_are_those_of_bogota() {
        let late = time::macros::datetime!(2026-12-01 03:00 UTC);
        let day = calendar_day("2026-12-12").unwrap();
        assert_eq!(days_until(late, day), 12, "it is still November there");
        assert_eq!(day_after(late, 30), "2026-12-30");
        assert_eq!(day_of(Language::Spanish, day), "12 dic 2026");
        assert_eq!(calendar_day("12/12/2026"), None);
    }

    #[test]
    fn durations_have_the_units_that_matter() {
        let span = |seconds| super::span(Language::Spanish, Duration::seconds_f64(seconds));
        assert_eq!(span(0.087), "87 ms");
        assert_eq!(span(1.4), "1,4 s");
        assert_eq!(span(7920.0), "2 h 12 min");
        assert_eq!(
            ago(Language::Spanish, at() + Duration::minutes(12), at()),
            "hace 12 min"
        );
    }
}
