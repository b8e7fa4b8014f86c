//! A capture as callers are shown it; pure.

use puente_proto::ocr::{
    Attempt as ShownAttempt, Candidate as ShownCandidate, Capture, EngineTrouble, ReadLine, SimilarSerial,
    StoredPhoto,
};
use puente_proto::timestamp;

use crate::domain::reading::permille;
use crate::infrastructure::reading::{Candidate, Line};
use crate::infrastructure::store::attempt::Attempt;
use crate::infrastructure::store::row::Row;
use crate::infrastructure::store::serials::Similar;
use crate::infrastructure::wire::optional;

/// The capture.
pub(super) fn capture(row: Row, photo: Option<StoredPhoto>) -> Capture {
    let trace = row.traceparent.as_deref().and_then(puente_telemetry::trace_id);
    let capture = &row.capture;
    Capture {
        capture_id: row.id.to_string(),
        state: capture.state.as_str().to_owned(),
        label: capture.state.label().to_owned(),
        tone: capture.state.tone().to_owned(),
        order_id: optional(row.order),
        asset_id: optional(row.asset),
        serial: capture.serial.clone(),
        confidence_permille: capture.permille,
        origin: capture
            .origin
            .map(|origin| origin.as_str().to_owned())
            .unwrap_or_default(),
        by: capture.by.clone(),
        attempt: capture.attempt,
        attempts_allowed: capture.allowed,
        threshold_permille: capture.threshold,
        facts: capture.facts.clone().into_iter().collect(),
        channel: row.channel.clone(),
        version: capture.version,
        opened_at: Some(timestamp(row.opened_at)),
        updated_at: Some(timestamp(row.updated_at)),
        trace_id: trace.unwrap_or_default().to_owned(),
        photo,
        actions: capture
            .actions()
            .into_iter()
            .map(|action| action.as_str().to_owned())
            .collect(),
    }
}

/// One attempt.
pub(super) fn attempt(attempt: Attempt) -> ShownAttempt {
    ShownAttempt {
        attempt: attempt.attempt,
        photo: attempt.photo,
        state: attempt.state,
        engine: attempt.engine,
        serial: attempt.serial,
        confidence_permille: attempt.confidence,
        candidates: attempt.reading.candidates.into_iter().map(candidate).collect(),
        flaws: attempt.flaws,
        lines: attempt.reading.lines.into_iter().map(line).collect(),
        troubles: attempt
            .troubles
            .into_iter()
            .map(|trouble| EngineTrouble {
                engine: trouble.engine,
                code: trouble.code,
                tag: trouble.tag,
            })
            .collect(),
        read_at: attempt.read_at.map(timestamp),
        took_ms: attempt.took_ms,
    }
}

fn candidate(candidate: Candidate) -> ShownCandidate {
    ShownCandidate {
        serial: candidate.serial,
        confidence_permille: permille(candidate.confidence),
        characters_permille: candidate.characters.into_iter().map(permille).collect(),
        label: candidate.label,
        corners: candidate.corners,
    }
}

fn line(line: Line) -> ReadLine {
    ReadLine {
        text: line.text,
        confidence_permille: permille(line.confidence),
        corners: line.corners,
    }
}

/// A serial that is nearly the same.
pub(super) fn similar(similar: Similar) -> SimilarSerial {
    SimilarSerial {
        serial: similar.serial,
        capture_id: similar.capture.to_string(),
        distance: u32::try_from(similar.distance).unwrap_or(u32::MAX),
    }
}
