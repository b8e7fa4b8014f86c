//! The service `CaptureQueries`.

use std::sync::Arc;

use puente_proto::ocr::capture_queries_server::CaptureQueries as Service;
use puente_proto::ocr::{
    CountCapturesRequest, CountCapturesResponse, GetAccuracyRequest, GetAccuracyResponse, GetCaptureRequest,
    GetCaptureResponse, ListCapturesRequest, ListCapturesResponse, ListSamplesRequest, ListSamplesResponse,
};
use puente_rpc::{Caller, answer, cursor};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Answers, ask, samples, shown};
use crate::domain::serial;
use crate::domain::state::State;
use crate::infrastructure::store::query::{self, Filter};
use crate::infrastructure::store::{attempt, row, serials};

/// The kinds of cursors: the moment of the last one, and its id, of each order.
const NEWEST: u8 = 1;
const OLDEST: u8 = 2;
/// Longest serial that is looked for.
const MAX_SERIAL: usize = 64;

/// Answers questions.
pub(super) struct Queries(pub(super) Arc<Answers>);

#[tonic::async_trait]
impl Service for Queries {
    async fn get_capture(
        &self,
        request: Request<GetCaptureRequest>,
    ) -> Result<Response<GetCaptureResponse>, Status> {
        answer("CaptureQueries/GetCapture", request, |caller, question| {
            get(&self.0, caller, question)
        })
        .await
    }

    async fn list_captures(
        &self,
        request: Request<ListCapturesRequest>,
    ) -> Result<Response<ListCapturesResponse>, Status> {
        answer("CaptureQueries/ListCaptures", request, |caller, question| {
            list(&self.0, caller, question)
        })
        .await
    }

    async fn count_captures(
        &self,
        request: Request<CountCapturesRequest>,
    ) -> Result<Response<CountCapturesResponse>, Status> {
        answer("CaptureQueries/CountCaptures", request, |caller, _| {
            count(&self.0, caller)
        })
        .await
    }

    async fn list_samples(
        &self,
        request: Request<ListSamplesRequest>,
    ) -> Result<Response<ListSamplesResponse>, Status> {
        answer("CaptureQueries/ListSamples", request, |caller, question| {
            samples::list(&self.0, caller, question)
        })
        .await
    }

    async fn get_accuracy(
        &self,
        request: Request<GetAccuracyRequest>,
    ) -> Result<Response<GetAccuracyResponse>, Status> {
        answer("CaptureQueries/GetAccuracy", request, |caller, question| {
            samples::accuracy(&self.0, caller, question)
        })
        .await
    }
}

async fn get(
    answers: &Answers,
    caller: Caller,
    question: GetCaptureRequest,
) -> Result<GetCaptureResponse, Status> {
    let tenant = caller.tenant()?;
    let id = ask::id(&question.capture_id, "a capture")?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let found = row::read(&mut tx, tenant, id).await.map_err(ask::failed)?;
    let row = found
        .filter(|row| row.capture.version > 0)
        .ok_or_else(ask::unknown)?;
    let attempts = attempt::all(&mut tx, tenant, id).await.map_err(ask::failed)?;
    let similar = serials::similar(&mut tx, tenant, &row.capture.serial)
        .await
        .map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let photo = attempts.iter().rev().find_map(|attempt| attempt.photo.clone());
    Ok(GetCaptureResponse {
        capture: Some(shown::capture(row, photo)),
        attempts: attempts.into_iter().map(shown::attempt).collect(),
        similar: similar.into_iter().map(shown::similar).collect(),
    })
}

async fn list(
    answers: &Answers,
    caller: Caller,
    question: ListCapturesRequest,
) -> Result<ListCapturesResponse, Status> {
    let size = ask::size(question.page_size);
    let states: Result<Vec<State>, _> = question.states.iter().map(|state| state.parse()).collect();
    let kind = if question.oldest_first { OLDEST } else { NEWEST };
    let wanted = ask::text(question.serial, "a serial", MAX_SERIAL)?;
    let serial_key = serial::key(&wanted);
    if serial_key.is_empty() && !wanted.is_empty() {
        // Nothing has such a serial.
        return Ok(ListCapturesResponse::default());
    }
    let filter = Filter {
        states: states.map_err(|_| Status::invalid_argument("one of the states is none of a capture"))?,
        order: ask::maybe(&question.order_id, "an order")?,
        asset: ask::maybe(&question.asset_id, "an asset")?,
        serial_key,
        after: cursor::moment(kind, &question.cursor)?,
    };
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    // One more than is shown tells whether others follow.
    let limit = i64::from(size) + 1;
    let found = if question.oldest_first {
        query::oldest(&mut tx, tenant, &filter, limit).await
    } else {
        query::newest(&mut tx, tenant, &filter, limit).await
    };
    let mut found = found.map_err(ask::failed)?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let ids: Vec<Uuid> = found.iter().map(|row| row.id).collect();
    let photos = query::last_photos(&mut tx, tenant, &ids).await;
    let mut photos = photos.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let last = found.last().filter(|_| more).map(|last| {
        let at = if question.oldest_first {
            last.updated_at
        } else {
            last.opened_at
        };
        cursor::of_moment(kind, at, last.id)
    });
    let captures = found.into_iter().map(|row| {
        let photo = photos.remove(&row.id);
        shown::capture(row, photo)
    });
    Ok(ListCapturesResponse {
        next_cursor: last.unwrap_or_default(),
        captures: captures.collect(),
    })
}

async fn count(answers: &Answers, caller: Caller) -> Result<CountCapturesResponse, Status> {
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let counts = query::count(&mut tx, tenant).await.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let waits = [State::PorConfirmar, State::Ilegible].map(State::as_str);
    let waiting = counts.iter().filter(|(state, _)| waits.contains(&state.as_str()));
    Ok(CountCapturesResponse {
        waiting: waiting.map(|(_, count)| count).sum(),
        by_state: counts.into_iter().collect(),
    })
}
