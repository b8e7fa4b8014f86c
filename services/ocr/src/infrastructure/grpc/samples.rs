//! The labelled set, and how well it was read.

use std::time::Duration;

use puente_proto::ocr::{
    AccuracyRow, GetAccuracyRequest, GetAccuracyResponse, ListSamplesRequest, ListSamplesResponse, Sample,
    StoredPhoto,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, cursor};
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

use super::{Answers, ask};
use crate::infrastructure::store::sample::{self, Place};

/// The kind of cursors of samples: when the last one was read, its capture, and its attempt.
const CURSOR: u8 = 3;
/// Days of the report, usually and at most.
const USUAL_DAYS: u32 = 30;
const MOST_DAYS: u32 = 366;

/// A part of the set.
pub(super) async fn list(
    answers: &Answers,
    caller: Caller,
    question: ListSamplesRequest,
) -> Result<ListSamplesResponse, Status> {
    let size = ask::size(question.page_size);
    let after = cursor::read(CURSOR, &question.cursor, place)?;
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    // One more than is shown tells whether others follow.
    let limit = i64::from(size) + 1;
    let found = sample::list(&mut tx, tenant, after, question.mistaken_only, limit).await;
    let mut found = found.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let last = found.last().filter(|_| more).map(of_place);
    Ok(ListSamplesResponse {
        next_cursor: last.unwrap_or_default(),
        samples: found.into_iter().map(shown).collect(),
    })
}

fn shown(sample: sample::Sample) -> Sample {
    Sample {
        capture_id: sample.capture_id.to_string(),
        attempt: sample.attempt.unsigned_abs(),
        photo: Some(StoredPhoto {
            document_id: sample.document_id.map(|id| id.to_string()).unwrap_or_default(),
            container: sample.container,
            key: sample.key,
            sha256: sample.sha256,
            media_type: sample.media_type,
            bytes: sample.bytes.unsigned_abs(),
        }),
        serial: sample.serial,
        origin: sample.origin,
        read: sample.read,
        confidence_permille: sample.confidence.unsigned_abs(),
        engine: sample.engine,
        label: sample.label,
        flaws: sample.flaws,
        read_at: Some(timestamp(sample.read_at)),
    }
}

fn of_place(last: &sample::Sample) -> String {
    let micros = i64::try_from(last.read_at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX);
    let mut key = micros.to_be_bytes().to_vec();
    key.extend_from_slice(last.capture_id.as_bytes());
    key.extend_from_slice(&last.attempt.to_be_bytes());
    cursor::of_key(CURSOR, &key)
}

fn place(key: &[u8]) -> Option<Place> {
    let (micros, rest) = key.split_first_chunk::<8>()?;
    let (capture, rest) = rest.split_first_chunk::<16>()?;
    let attempt: [u8; 4] = rest.try_into().ok()?;
    let nanos = i128::from(i64::from_be_bytes(*micros)) * 1_000;
    Some(Place {
        read_at: OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?,
        capture: Uuid::from_bytes(*capture),
        attempt: i32::from_be_bytes(attempt),
    })
}

/// The report.
pub(super) async fn accuracy(
    answers: &Answers,
    caller: Caller,
    question: GetAccuracyRequest,
) -> Result<GetAccuracyResponse, Status> {
    let days = match question.days {
        0 => USUAL_DAYS,
        1..=MOST_DAYS => question.days,
        _ => return Err(Status::invalid_argument("days are 1 to 366")),
    };
    let tenant = caller.tenant()?;
    let since = answers.desk.clock.now() - Duration::from_hours(24) * days;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let rates = sample::accuracy(&mut tx, tenant, since)
        .await
        .map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let rows = rates.into_iter().map(|rate| AccuracyRow {
        group: rate.grp,
        name: rate.name,
        judged: rate.judged.unsigned_abs(),
        exact: rate.exact.unsigned_abs(),
    });
    Ok(GetAccuracyResponse { rows: rows.collect() })
}
