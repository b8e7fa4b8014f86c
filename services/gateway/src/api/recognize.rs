//! A photograph of a serial plate, read: brought with the request, or stored before.

use axum::Json;
use axum::extract::{FromRequest, Path, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use puente_proto::ocr::{Attempt, Capture};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::describe::{Api, doc};
use super::input::{Asking, Body, Form, invalid};
use crate::application::orders::order;
use crate::application::plates::{self, is_read, percent, settled};
use crate::documents::{self, By, Photo, Plate};
use crate::domain::Right;
use crate::state::App;
use crate::web::form_data::is_one;
use crate::web::{Access, Problem};

pub(super) fn routes(api: Api) -> Api {
    let change = Access::Needs(Right::ChangeCaptures);
    let texts = [
        (
            "order_id",
            "The order that it belongs to, by id or number.",
            false,
        ),
        ("capture_id", "The capture that it is another attempt of.", false),
    ];
    api.upload(
        "/api/assets/recognize-serial",
        change,
        anew,
        doc(
            "recognizeSerial",
            "Keeps a photograph of a serial plate and reads it; 202 when it is still being read",
        )
        .photo::<Stored>(&texts)
        .answer::<Recognised>()
        .also(202),
    )
    .upload(
        "/api/assets/{id}/recognize-serial",
        change,
        again,
        doc(
            "recognizeSerialOfAsset",
            "The same for the plate of an asset that is known, by its id or number",
        )
        .photo::<Stored>(&texts)
        .answer::<Recognised>()
        .also(202),
    )
}

/// A photograph that was stored before: by its document, or by its container and key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    /// A document that is a picture.
    #[serde(default)]
    document_id: String,
    /// `assets`.
    #[serde(default)]
    container: String,
    /// Its key in the container; begins with the tenant's own prefix.
    #[serde(default)]
    key: String,
    /// The order that it belongs to, by id or number.
    #[serde(default)]
    order_id: String,
    /// The capture that it is another attempt of.
    #[serde(default)]
    capture_id: String,
}

/// What a request holds: a form with the photograph, or the name of one.
enum Sent {
    Form(Form),
    Named(Stored),
}

impl FromRequest<App> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if is_one(request.headers()) {
            let form = Form::from_request(request, app).await?;
            form.only(&["photo", "order_id", "capture_id"])?;
            return Ok(Self::Form(form));
        }
        Body::from_request(request, app)
            .await
            .map(|Body(named)| Self::Named(named))
    }
}

impl Stored {
    fn photo(&self) -> Result<Photo<'_>, Problem> {
        let place = (self.container.as_str(), self.key.as_str());
        match (self.document_id.as_str(), place) {
            ("", ("assets", key)) if !key.is_empty() => Ok(Photo::Key(key)),
            ("", ("" | "assets", _)) => Err(invalid("document_id", "this, or container and key")),
            ("", _) => Err(invalid("container", "photographs of plates are in assets")),
            (id, ("", "")) => Ok(Photo::Document(id)),
            _ => Err(invalid("document_id", "this, or container and key; not both")),
        }
    }
}

/// A serial that may be the one.
#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    /// As printed: upper case, without blanks.
    serial: String,
    /// 0 to 1.
    confidence: f64,
    /// The confidence of each of its characters.
    characters: Vec<f64>,
    /// The label beside it; empty when it has none.
    label: String,
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
struct Recognised {
    /// The capture: where a person may confirm, correct or write the serial.
    capture_id: String,
    /// `Leyendo`, `PorConfirmar`, `OtraFoto`, `Ilegible`, `Leido` …
    state: String,
    /// How people read it: `Por confirmar`.
    label: String,
    /// Whether it is still being read.
    reading: bool,
    /// The serial; empty when none was found yet.
    serial: String,
    /// How sure that is: of 100 answers with 0.95, 95 are right.
    confidence: f64,
    /// The same for people: `95 %`; empty without a serial.
    confidence_text: String,
    /// Both in one line: `ABC123456, 95 %`; empty without a serial.
    text: String,
    /// Photographs read so far.
    attempt: u32,
    /// Photographs that may be read.
    attempts_allowed: u32,
    /// Serials that it could be as well, likeliest first.
    candidates: Vec<Choice>,
    /// What is wrong with the photograph: `dark`, `blurred`, `glare`, `cut_off`, `far`, `no_text`.
    flaws: Vec<String>,
    /// The engine that read it; empty when none did.
    engine: String,
    /// What may be done now: `confirm`, `write`, `ask_photo`, `generate`, `recognize`.
    actions: Vec<String>,
    /// For the next command about the capture.
    version: i64,
}

fn part(permille: u32) -> f64 {
    f64::from(permille) / 1000.0
}

impl Recognised {
    fn new(capture: Capture, attempt: Attempt) -> Self {
        let sure = percent(capture.confidence_permille);
        let (confidence_text, text) = match capture.serial.as_str() {
            "" => (String::new(), String::new()),
            serial => (sure.clone(), format!("{serial}, {sure}")),
        };
        let choice = |one: puente_proto::ocr::Candidate| Choice {
            serial: one.serial,
            confidence: part(one.confidence_permille),
            characters: one.characters_permille.into_iter().map(part).collect(),
            label: one.label,
        };
        Self {
            reading: !is_read(&capture),
            capture_id: capture.capture_id,
            state: capture.state,
            label: capture.label,
            serial: capture.serial,
            confidence: part(capture.confidence_permille),
            confidence_text,
            text,
            attempt: capture.attempt.max(attempt.attempt),
            attempts_allowed: capture.attempts_allowed,
            candidates: attempt.candidates.into_iter().map(choice).collect(),
            flaws: attempt.flaws,
            engine: attempt.engine,
            actions: capture.actions,
            version: capture.version,
        }
    }
}

async fn anew(asking: Asking, sent: Sent) -> Result<Response, Problem> {
    read(&asking, &sent, "").await
}

async fn again(asking: Asking, Path(which): Path<String>, sent: Sent) -> Result<Response, Problem> {
    let found = plates::asset(asking.ask(), &which).await?;
    let asset = found.asset.ok_or_else(Problem::not_found)?;
    read(&asking, &sent, &asset.asset_id).await
}

async fn read(asking: &Asking, sent: &Sent, asset_id: &str) -> Result<Response, Problem> {
    let (photo, order_id, capture_id) = match sent {
        Sent::Form(form) => (
            Photo::File(form.file_of("photo")?),
            form.text("order_id")?,
            form.text("capture_id")?,
        ),
        Sent::Named(named) => (named.photo()?, named.order_id.as_str(), named.capture_id.as_str()),
    };
    let order_id = match order_id.trim() {
        "" => String::new(),
        which => order(asking.ask(), &asking.principal, which).await?.order_id,
    };
    if !capture_id.is_empty() {
        plates::capture(asking.ask(), capture_id).await?;
    }
    let by = By {
        principal: &asking.principal,
        trace: &asking.trace,
        key: &asking.key,
    };
    let plate = Plate {
        capture_id,
        order_id: &order_id,
        asset_id,
    };
    let (capture, attempt) = documents::recognise(&asking.app, asking.ask(), by, photo, plate).await?;
    let (capture, attempt) = settled(asking.ask(), capture, attempt).await?;
    let answer = Recognised::new(capture, attempt);
    let status = if answer.reading {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(answer)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Capture {
        Capture {
            serial: "ABC123456".to_owned(),
            confidence_permille: 950,
            state: "Leido".to_owned(),
            attempt: 1,
            attempts_allowed: 3,
            ..Capture::default()
        }
    }

    #[test]
    fn an_answer_says_serial_and_confidence_as_people_read_them() {
        let answer = Recognised::new(read(), Attempt::default());
        assert_eq!(answer.text, "ABC123456, 95 %");
        assert!((answer.confidence - 0.95).abs() < 1e-9 && !answer.reading);
        let nothing = Capture {
            serial: String::new(),
            confidence_permille: 0,
            state: "Leyendo".to_owned(),
            ..read()
        };
        let answer = Recognised::new(nothing, Attempt::default());
        assert!(answer.text.is_empty() && answer.confidence_text.is_empty() && answer.reading);
    }

    #[test]
    fn a_stored_photograph_is_named_in_one_way() {
        let named = |document: &str, container: &str, key: &str| Stored {
            document_id: document.to_owned(),
            container: container.to_owned(),
            key: key.to_owned(),
            ..Stored::default()
        };
        assert!(matches!(named("d", "", "").photo(), Ok(Photo::Document("d"))));
        assert!(matches!(named("", "assets", "k").photo(), Ok(Photo::Key("k"))));
        for bad in [
            named("", "", ""),
            named("", "contracts", "k"),
            named("", "assets", ""),
            named("d", "assets", "k"),
            named("d", "", "k"),
        ] {
            assert!(bad.photo().is_err(), "{bad:?}");
        }
    }
}
