//! Captures: photographs of serial plates, what was read, and what people say that it says.

use axum::Json;
use axum::extract::Path;
use puente_proto::ocr::{
    AskPhotoRequest, Capture, ConfirmSerialRequest, GenerateSerialRequest, GetAccuracyRequest,
    ListCapturesRequest, ListSamplesRequest, WriteSerialRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Status;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Maybe, Query, invalid};
use super::lists::{Limit, cursor, words};
use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::plates::{FLAWS, capture, may_be_serial};
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const CAPTURE: &str = "puente.ocr.v1.Capture";
/// Characters of a serial that is looked for at most.
const LONGEST_SERIAL: usize = 40;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadCaptures);
    let change = Access::Needs(Right::ChangeCaptures);
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
    .post(
        "/api/captures/{id}/confirm",
        change,
        confirm,
        doc("confirmSerial", "The serial that was read is right")
            .may_body::<Seen>()
            .object(&[("capture", Shape::Message(CAPTURE))]),
    )
    .post(
        "/api/captures/{id}/serial",
        change,
        write,
        doc(
            "writeSerial",
            "The serial is this one: a correction, or written by hand",
        )
        .body::<Written>()
        .object(&[("capture", Shape::Message(CAPTURE))]),
    )
    .post(
        "/api/captures/{id}/ask-photo",
        change,
        ask_photo,
        doc(
            "askPhoto",
            "Another photograph is wanted; the person of the conversation is told why",
        )
        .may_body::<Wrong>()
        .object(&[("capture", Shape::Message(CAPTURE))]),
    )
    .post(
        "/api/captures/{id}/generate",
        change,
        generate,
        doc(
            "generateSerial",
            "Nobody can read the plate: an id is generated, unique in the tenant",
        )
        .may_body::<Seen>()
        .object(&[("capture", Shape::Message(CAPTURE))]),
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

fn away(status: &Status) -> Problem {
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

/// What was seen of the capture.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The version that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    version: i64,
}

/// The serial as it stands on the plate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// 3 to 40 characters, at least one digit; letters, digits, and `-`, `/`, `.`, `_` between them.
    #[schema(min_length = 3, max_length = 40)]
    serial: String,
    /// The version that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    version: i64,
}

/// What is wrong with the photograph.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wrong {
    /// `dark`, `blurred`, `glare`, `cut_off`, `far`, `no_text`, or nothing.
    #[serde(default)]
    flaw: String,
    /// The version that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    version: i64,
}

fn version(version: i64) -> Result<i64, Problem> {
    if version < 0 {
        return Err(invalid("version", "0 or more"));
    }
    Ok(version)
}

/// Does something to a capture, with its row in the audit trail before.
async fn change<F>(
    asking: &Asking,
    action: &'static str,
    id: &str,
    after: Option<Value>,
    doing: impl FnOnce(String) -> F,
) -> Answer
where
    F: Future<Output = Result<Option<Capture>, Status>>,
{
    let (found, _) = capture(asking.ask(), id).await?;
    let before = json!({ "state": found.state, "serial": found.serial, "version": found.version });
    let doing = doing(found.capture_id.clone());
    let doing = async { doing.await.map_err(|status| away(&status)) };
    let done = asking
        .recorded(action, &found.capture_id, (Some(before), after), None, doing)
        .await?;
    let show = Show::to(&asking.principal);
    Ok(Json(
        json!({ "capture": seen(CAPTURE, &done.unwrap_or(found), show) }),
    ))
}

async fn confirm(asking: Asking, Path(id): Path<String>, Maybe(meant): Maybe<Seen>) -> Answer {
    let version = version(meant.version)?;
    let doing = |capture_id| async {
        let command = ConfirmSerialRequest {
            capture_id,
            version,
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().confirm_serial(command).await?.capture)
    };
    change(&asking, "capture.confirmed", &id, None, doing).await
}

async fn write(asking: Asking, Path(id): Path<String>, Body(written): Body<Written>) -> Answer {
    let version = version(written.version)?;
    let serial = written.serial.trim().to_uppercase();
    if !may_be_serial(&serial) {
        return Err(invalid(
            "serial",
            "3 to 40 letters, digits and - / . _, at least one digit",
        ));
    }
    let after = json!({ "serial": serial });
    let doing = |capture_id| async {
        let command = WriteSerialRequest {
            capture_id,
            version,
            serial: serial.clone(),
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().write_serial(command).await?.capture)
    };
    change(&asking, "capture.serial_written", &id, Some(after), doing).await
}

async fn ask_photo(asking: Asking, Path(id): Path<String>, Maybe(wrong): Maybe<Wrong>) -> Answer {
    let version = version(wrong.version)?;
    if !wrong.flaw.is_empty() && !FLAWS.contains(&wrong.flaw.as_str()) {
        return Err(invalid("flaw", format!("one of {}", FLAWS.join(", "))));
    }
    let after = json!({ "flaw": wrong.flaw });
    let doing = |capture_id| async {
        let command = AskPhotoRequest {
            capture_id,
            version,
            flaw: wrong.flaw.clone(),
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().ask_photo(command).await?.capture)
    };
    change(&asking, "capture.photo_asked", &id, Some(after), doing).await
}

async fn generate(asking: Asking, Path(id): Path<String>, Maybe(meant): Maybe<Seen>) -> Answer {
    let version = version(meant.version)?;
    let doing = |capture_id| async {
        let command = GenerateSerialRequest {
            capture_id,
            version,
            idempotency_key: asking.key.clone(),
        };
        Ok(asking.ask().generate_serial(command).await?.capture)
    };
    change(&asking, "capture.generated", &id, None, doing).await
}
