//! What a person decides about a plate; after it comes the next one.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use puente_proto::ocr::{AskPhotoRequest, ConfirmSerialRequest, GenerateSerialRequest, WriteSerialRequest};
use serde_json::json;

use super::capture::{found, next};
use crate::application::plates::{FLAWS, may_be_serial};
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::problem::Problem;
use crate::console::view::{View, encode, value};
use crate::domain::Right;
use crate::state::App;

/// The key of a step: the same step on the same version is one, however often its button is pressed.
fn once(view: &View, act: &str, id: &str, version: i64, what: &str) -> String {
    let subject = view.principal.subject();
    format!("{subject}/console/{act}/{id}/{version}/{what}")
}

fn place(id: &str) -> String {
    format!("/revision-ocr/{}", encode(id))
}

/// A serial as it is kept: upper case, without blanks.
fn tidy(text: &str) -> String {
    let printed = text.chars().filter(|c| !c.is_whitespace());
    printed.take(60).collect::<String>().to_uppercase()
}

/// On to the next plate that waits, or back to the empty list.
async fn go_on(view: &View, app: &App, id: &str, outcome: Result<(), Problem>) -> Response {
    match outcome {
        Ok(()) => match next(view, app, id).await {
            Some(next) => Redirect::to(&format!("{}?hecho=1", place(&next))).into_response(),
            None => Redirect::to("/revision-ocr?hecho=1").into_response(),
        },
        Err(problem) => view.back_to(&place(id)).answer(Err(problem)),
    }
}

/// `POST /revision-ocr/{id}/serial`: what was read is right, or the serial is another one.
pub(crate) async fn serial(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let chosen = value(&fields, "use");
    let serial = tidy(if chosen.is_empty() {
        value(&fields, "serial")
    } else {
        chosen
    });
    if !may_be_serial(&serial) {
        return Redirect::to(&format!("{}?falta=serial", place(&id))).into_response();
    }
    let version = value(&fields, "version").parse().unwrap_or_default();
    let one = match found(&view, &app, &id).await {
        Ok(found) => found.capture,
        Err(problem) => return view.back_to(&place(&id)).answer(Err(problem)),
    };
    let confirms = one.serial == serial && one.actions.iter().any(|act| act == "confirm");
    let entry = Entry {
        action: if confirms {
            "capture.confirmed"
        } else {
            "capture.serial_written"
        },
        object: &id,
        before: Some(json!({ "state": one.state, "serial": one.serial })),
        after: Some(json!({ "serial": serial })),
        ..Entry::default()
    };
    let capture_id = one.capture_id.clone();
    let doing = async {
        let ask = view.ask(&app);
        let answer = if confirms {
            let command = ConfirmSerialRequest {
                capture_id,
                version,
                idempotency_key: once(&view, "confirm", &id, version, ""),
            };
            ask.confirm_serial(command).await.map(drop)
        } else {
            let command = WriteSerialRequest {
                capture_id,
                version,
                idempotency_key: once(&view, "write", &id, version, &serial),
                serial: serial.clone(),
            };
            ask.write_serial(command).await.map(drop)
        };
        answer.map_err(|status| Problem::of("ocr", &status))
    };
    let done = change::make(&view, &app, Right::ChangeCaptures, entry, doing).await;
    go_on(&view, &app, &id, done).await
}

/// `POST /revision-ocr/{id}/otra-foto`
pub(crate) async fn ask_photo(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let flaw = value(&fields, "flaw");
    let flaw = FLAWS.into_iter().find(|known| *known == flaw).unwrap_or_default();
    let version = value(&fields, "version").parse().unwrap_or_default();
    let entry = Entry {
        action: "capture.photo_asked",
        object: &id,
        after: Some(json!({ "flaw": flaw })),
        ..Entry::default()
    };
    let doing = async {
        let command = AskPhotoRequest {
            capture_id: id.clone(),
            version,
            flaw: flaw.to_owned(),
            idempotency_key: once(&view, "photo", &id, version, flaw),
        };
        let answer = view.ask(&app).ask_photo(command).await;
        answer.map_err(|status| Problem::of("ocr", &status)).map(drop)
    };
    let done = change::make(&view, &app, Right::ChangeCaptures, entry, doing).await;
    go_on(&view, &app, &id, done).await
}

/// `POST /revision-ocr/{id}/generar`
pub(crate) async fn generate(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let version = value(&fields, "version").parse().unwrap_or_default();
    let entry = Entry {
        action: "capture.generated",
        object: &id,
        ..Entry::default()
    };
    let doing = async {
        let command = GenerateSerialRequest {
            capture_id: id.clone(),
            version,
            idempotency_key: once(&view, "generate", &id, version, ""),
        };
        let answer = view.ask(&app).generate_serial(command).await;
        answer.map_err(|status| Problem::of("ocr", &status)).map(drop)
    };
    let done = change::make(&view, &app, Right::ChangeCaptures, entry, doing).await;
    go_on(&view, &app, &id, done).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_kept_without_blanks_in_upper_case() {
        assert_eq!(tidy("  ac-7f3k 2o911\u{a0}"), "AC-7F3K2O911");
    }
}
