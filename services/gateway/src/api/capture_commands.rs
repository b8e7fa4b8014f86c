//! What people say that a photographed plate says: it is right, it is another serial, another photograph is wanted, nobody
//! can read it.

use axum::Json;
use axum::extract::Path;
use puente_proto::ocr::{
    AskPhotoRequest, Capture, ConfirmSerialRequest, GenerateSerialRequest, WriteSerialRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Status;
use utoipa::ToSchema;

use super::Answer;
use super::captures::away;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Maybe, invalid};
use crate::application::plates::{FLAWS, capture, may_be_serial};
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const CAPTURE: &str = "puente.ocr.v1.Capture";

pub(super) fn routes(api: Api) -> Api {
    let change = Access::Needs(Right::ChangeCaptures);
    api.post(
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
