//! Places in lists, as callers carry them from one answer to the next: text that means nothing to them.
//!
//! A cursor holds the key of the last entry, so that a list goes on where it was, whatever came meanwhile. It is no
//! secret and proves nothing: what may be seen is decided by the token of each call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

/// Longer than any of ours.
const MAX_CURSOR: usize = 256;
/// A moment in microseconds, and an id.
const MOMENT: usize = 8 + 16;

/// The cursor of a key. `kind` tells the lists of a service, and their forms, apart.
#[must_use]
pub fn of_key(kind: u8, key: &[u8]) -> String {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(key);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key of a cursor of this kind; `None` at the beginning of a list.
///
/// # Errors
/// INVALID_ARGUMENT for a text that is no such cursor.
pub fn key<const N: usize>(kind: u8, cursor: &str) -> Result<Option<[u8; N]>, Status> {
    read(kind, cursor, |key| <[u8; N]>::try_from(key).ok())
}

/// What `parse` makes of the key of a cursor of this kind; `None` at the beginning of a list.
///
/// # Errors
/// INVALID_ARGUMENT for a text that is no such cursor.
pub fn read<T>(kind: u8, cursor: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<Option<T>, Status> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let bytes = Some(cursor)
        .filter(|cursor| cursor.len() <= MAX_CURSOR)
        .and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok());
    let parsed = bytes.as_deref().and_then(|bytes| match bytes.split_first() {
        Some((first, key)) if *first == kind => parse(key),
        _ => None,
    });
    parsed.map(Some).ok_or_else(foreign)
}

/// The cursor of an entry that is ordered by a moment and, within it, by its id.
#[must_use]
pub fn of_moment(kind: u8, at: OffsetDateTime, id: Uuid) -> String {
    let micros = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX);
    let mut key = micros.to_be_bytes().to_vec();
    key.extend_from_slice(id.as_bytes());
    of_key(kind, &key)
}

/// The moment and the id of such a cursor; `None` at the beginning of a list.
///
/// # Errors
/// INVALID_ARGUMENT for a text that is no such cursor.
pub fn moment(kind: u8, cursor: &str) -> Result<Option<(OffsetDateTime, Uuid)>, Status> {
    let Some(key) = key::<MOMENT>(kind, cursor)? else {
        return Ok(None);
    };
    let (Some(micros), Some(id)) = (key.first_chunk::<8>(), key.last_chunk::<16>()) else {
        return Err(foreign());
    };
    let nanos = i128::from(i64::from_be_bytes(*micros)) * 1_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| foreign())?;
    Ok(Some((at, Uuid::from_bytes(*id))))
}

fn foreign() -> Status {
    Status::invalid_argument("the cursor is none of ours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back_to_the_microsecond() {
        let id = Uuid::from_u128(7);
        for nanos in [0, 1_700_000_000_123_456_000, -1_000] {
            let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
            assert_eq!(moment(3, &of_moment(3, at, id)).unwrap(), Some((at, id)));
        }
    }

    #[test]
    fn foreign_texts_are_refused_and_none_is_the_beginning() {
        assert_eq!(moment(3, "").unwrap(), None);
        let other_kind = of_moment(4, OffsetDateTime::UNIX_EPOCH, Uuid::nil());
        let too_far = of_key(3, &[0x7f; MOMENT]);
        for bad in ["x", "AQ", "ñ", &other_kind, &too_far, &"A".repeat(2_000)] {
            let refused = moment(3, bad).unwrap_err();
            assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{bad}");
        }
    }
}
