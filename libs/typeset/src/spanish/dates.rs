//! Dates in their long form.

use time::{Date, Month, OffsetDateTime, UtcOffset};

/// `25 de noviembre de 2026`; the spaces around numbers do not break.
pub(crate) fn date(date: Date) -> String {
    format!(
        "{}\u{a0}de {} de\u{a0}{}",
        date.day(),
        month(date.month()),
        date.year()
    )
}

/// `25 de noviembre de 2026, 14:32`, as clocks at `offset` show it.
pub(crate) fn moment(at: OffsetDateTime, offset: UtcOffset) -> String {
    // At the ends of the calendar the other offset has no such day; the moment's own then serves.
    let local = at.checked_to_offset(offset).unwrap_or(at);
    format!(
        "{}, {:02}:{:02}",
        date(local.date()),
        local.hour(),
        local.minute()
    )
}

const fn month(month: Month) -> &'static str {
    match month {
        Month::January => "enero",
        Month::February => "febrero",
        Month::March => "marzo",
        Month::April => "abril",
        Month::May => "mayo",
        Month::June => "junio",
        Month::July => "julio",
        Month::August => "agosto",
        Month::September => "septiembre",
        Month::October => "octubre",
        Month::November => "noviembre",
        Month::December => "diciembre",
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime, offset};

    use super::*;

    #[test]
    fn dates_are_written_out() {
        assert_eq!(
            super::date(date!(2026 - 11 - 05)),
            "5\u{a0}de noviembre de\u{a0}2026"
        );
    }

    #[test]
    fn a_moment_is_told_by_the_clocks_of_the_place() {
        let late = datetime!(2026-12-01 03:07 UTC);
        assert_eq!(
            moment(late, offset!(-5)),
            "30\u{a0}de noviembre de\u{a0}2026, 22:07"
        );
        assert!(moment(PAST, offset!(-5)).contains("-9999"));
    }

    const PAST: OffsetDateTime = datetime!(-9999-01-01 0:00 UTC);
}
