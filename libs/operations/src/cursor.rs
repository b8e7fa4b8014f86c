//! Where a page of events, effects or dead letters ends.

use puente_rpc::cursor::{of_key, read};
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

const EFFECTS: u8 = b'e';
const LETTERS: u8 = b'l';
const EVENTS: u8 = b'v';

/// The last effect of a page.
pub(crate) fn of_effect(id: Uuid) -> String {
    of_key(EFFECTS, id.as_bytes())
}

/// The effect that a cursor names; `None` for the first page.
pub(crate) fn effect(cursor: &str) -> Result<Option<Uuid>, Status> {
    read(EFFECTS, cursor, |key| Uuid::from_slice(key).ok())
}

/// The last dead letter of a page: when it was given up, its event, its consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LetterKey {
    pub(crate) dead_at: OffsetDateTime,
    pub(crate) event_id: Uuid,
    pub(crate) consumer: String,
}

/// The last event of a page: when it was committed, and its place among those of that moment.
pub(crate) fn of_event(at: OffsetDateTime, seq: i64) -> String {
    let mut bytes = micros(at).to_be_bytes().to_vec();
    bytes.extend(seq.to_be_bytes());
    of_key(EVENTS, &bytes)
}

/// The event that a cursor names; `None` for the first page.
pub(crate) fn event(cursor: &str) -> Result<Option<(OffsetDateTime, i64)>, Status> {
    read(EVENTS, cursor, |key| {
        let (at, seq) = key.split_first_chunk::<16>()?;
        Some((moment(*at)?, i64::from_be_bytes(seq.try_into().ok()?)))
    })
}

/// As exact as the tables' own clock.
fn micros(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1_000
}

fn moment(micros: [u8; 16]) -> Option<OffsetDateTime> {
    let nanos = i128::from_be_bytes(micros).checked_mul(1_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

/// A dead letter's place in the list.
pub(crate) fn of_letter(key: &LetterKey) -> String {
    let mut bytes = micros(key.dead_at).to_be_bytes().to_vec();
    bytes.extend(key.event_id.as_bytes());
    bytes.extend(key.consumer.as_bytes());
    of_key(LETTERS, &bytes)
}

/// The dead letter that a cursor names; `None` for the first page.
pub(crate) fn letter(cursor: &str) -> Result<Option<LetterKey>, Status> {
    read(LETTERS, cursor, |key| {
        let (at, key) = key.split_first_chunk::<16>()?;
        let (event_id, consumer) = key.split_first_chunk::<16>()?;
        Some(LetterKey {
            dead_at: moment(*at)?,
            event_id: Uuid::from_bytes(*event_id),
            consumer: std::str::from_utf8(consumer).ok()?.replace('\0', ""),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_its_key_and_one_of_another_list_is_refused() {
        let id = Uuid::now_v7();
        assert_eq!(effect(&of_effect(id)).unwrap(), Some(id));
        let key = LetterKey {
            dead_at: OffsetDateTime::from_unix_timestamp_nanos(1_764_000_000_123_456_000).unwrap(),
            event_id: id,
            consumer: "orders".into(),
        };
        assert_eq!(letter(&of_letter(&key)).unwrap(), Some(key.clone()));
        assert_eq!((effect("").unwrap(), letter("").unwrap()), (None, None));
        for foreign in [of_letter(&key), "x".into(), "AQ".into(), "AgAAAA".into()] {
            assert!(effect(&foreign).is_err(), "{foreign}");
        }
        assert!(letter(&of_effect(id)).is_err());
        let published = of_event(key.dead_at, 7);
        assert_eq!(event(&published).unwrap(), Some((key.dead_at, 7)));
        assert!(effect(&published).is_err() && letter(&published).is_err());
        assert!(event(&of_letter(&key)).is_err() && event(&of_effect(id)).is_err());
    }
}
