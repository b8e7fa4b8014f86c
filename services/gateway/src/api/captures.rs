//! Captures: photographs of serial plates, and what was read. What people say that it says is in `capture_commands`.

use axum::Json;
use axum::extract::Path;
use puente_proto::ocr::{GetAccuracyRequest, ListCapturesRequest, ListSamplesRequest};
use serde::Deserialize;
use serde_json::Value;
use tonic::Status;
use utoipa::IntoParams;

use super::Answer;
use super::describe::{Api, doc};
use super::input::{Asking, Query};
use super::lists::{Limit, cursor, words};
use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::plates::capture;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

/// Characters of a serial that is looked for at most.
const LONGEST_SERIAL: usize = 40;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadCaptures);
    api.get(
        "/api/captures",
        read,
        list,
        doc(
            "listCaptures",
            "Captures of serial plates, newest first; with oldest_first the queue of those who review",
        )
        .query::<Wanted>()
        .message("puente.ocr.v1.ListCapturesResponse"),
    )
    .get(
        "/api/captures/samples",
        read,
        samples,
        doc(
            "listSamples",
            "The labelled set: photographs whose serial is known, with what was read, oldest first",
        )
        .query::<Set>()
        .message("puente.ocr.v1.ListSamplesResponse"),
    )
    .get(
        "/api/captures/accuracy",
        read,
        accuracy,
        doc(
            "getAccuracy",
            "Of the readings that people judged: how many were exact, by engine, fault and day",
        )
        .query::<Since>()
        .message("puente.ocr.v1.GetAccuracyResponse"),
    )
    .get(
        "/api/captures/{id}",
        read,
        get,
        doc("getCapture", "One of them, with its attempts and similar serials")
            .message("puente.ocr.v1.GetCaptureResponse"),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Captures in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// `PorConfirmar`, `Ilegible`, `Leido` …, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    states: String,
    /// Those of this order, by id or number.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    order: String,
    /// Those of this asset, by id.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    asset: String,
    /// Those with this serial; letters and digits alone are compared.
    #[serde(default)]
    #[param(value_type = Option<String>, max_length = 40)]
    serial: String,
    /// The one that waits longest first.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    oldest_first: bool,
}

pub(super) fn away(status: &Status) -> Problem {
    Failure::of("ocr", status).into()
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let order_id = match wanted.order.as_str() {
        "" => String::new(),
        which => order(asking.ask(), &asking.principal, which).await?.order_id,
    };
    if wanted.serial.chars().count() > LONGEST_SERIAL {
        return Err(Failure::Invalid("serial: at most 40 characters".to_owned()).into());
    }
    let question = ListCapturesRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        states: words(&wanted.states),
        order_id,
        asset_id: wanted.asset,
        oldest_first: wanted.oldest_first,
        serial: wanted.serial,
    };
    let page = asking.ask().list_captures(question).await;
    let page = page.map_err(|status| away(&status))?;
    Ok(shown(&asking, "puente.ocr.v1.ListCapturesResponse", &page))
}

fn shown(asking: &Asking, name: &str, message: &impl prost::Message) -> Json<Value> {
    Json(seen(name, message, Show::to(&asking.principal)))
}

async fn get(asking: Asking, Path(id): Path<String>) -> Answer {
    let (one, mut rest) = capture(asking.ask(), &id).await?;
    rest.capture = Some(one);
    Ok(shown(&asking, "puente.ocr.v1.GetCaptureResponse", &rest))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Set {
    /// Samples in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// Only those that were read wrongly or not at all.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    mistaken_only: bool,
}

async fn samples(asking: Asking, Query(wanted): Query<Set>) -> Answer {
    let question = ListSamplesRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        mistaken_only: wanted.mistaken_only,
    };
    let page = asking.ask().list_samples(question).await;
    let page = page.map_err(|status| away(&status))?;
    Ok(shown(&asking, "puente.ocr.v1.ListSamplesResponse", &page))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Since {
    /// Days counted up to now: 1 to 366; 30 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 366)]
    days: Option<u32>,
}

async fn accuracy(asking: Asking, Query(Since { days }): Query<Since>) -> Answer {
    let days = days.unwrap_or(30);
    if !(1..=366).contains(&days) {
        return Err(Failure::Invalid("days: 1 to 366".to_owned()).into());
    }
    let rates = asking.ask().get_accuracy(GetAccuracyRequest { days }).await;
    let rates = rates.map_err(|status| away(&status))?;
    Ok(shown(&asking, "puente.ocr.v1.GetAccuracyResponse", &rates))
}
