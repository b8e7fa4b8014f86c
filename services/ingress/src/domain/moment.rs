//! Ids of version 7 begin with their time, so that a stretch of time is a range of ids.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How far the clocks of replicas and database may be apart, waiting for the commit included: an id's time is the
/// replica's, the time of receipt is the database's.
pub(crate) const SKEW: Duration = Duration::minutes(10);

/// The smallest id of an instant.
#[must_use]
pub(crate) fn floor(at: OffsetDateTime) -> Uuid {
    let ms = (at.unix_timestamp_nanos() / 1_000_000).clamp(0, (1 << 48) - 1);
    Uuid::from_u128(u128::try_from(ms).unwrap_or(0) << 80)
}

/// The instant that an id begins with.
#[must_use]
pub(crate) fn moment(id: Uuid) -> OffsetDateTime {
    let ms = i128::try_from(id.as_u128() >> 80).unwrap_or(0);
    OffsetDateTime::from_unix_timestamp_nanos(ms * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_lies_between_the_floors_of_its_moment_and_the_next() {
        let id = Uuid::now_v7();
        let at = moment(id);
        assert!(floor(at) <= id && id < floor(at + Duration::milliseconds(1)));
        assert_eq!(moment(floor(at)), at);
        assert_eq!(floor(OffsetDateTime::UNIX_EPOCH - Duration::days(1)), Uuid::nil());
    }
}
