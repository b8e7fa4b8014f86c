//! What handlers read: path, query and body, each refused with the field that is wrong.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::application::failure::Failure;
use crate::application::questions::Ask;
use crate::domain::Principal;
use crate::state::App;
use crate::web::form_data::{self, Field};
use crate::web::idempotency;
use crate::web::problem::Problem;
use crate::web::trace::TraceId;

/// Who asks, and everything that an answer needs.
pub(crate) struct Asking {
    pub(crate) app: App,
    pub(crate) principal: Principal,
    /// 32 hex digits, or empty.
    pub(crate) trace: String,
    /// The request's key for commands to other services.
    pub(crate) key: String,
}

impl Asking {
    /// Questions to other services on their behalf.
    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask::new(&self.app.peers, &self.principal)
    }
}

impl FromRequestParts<App> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Principal>().cloned();
        let principal = found.ok_or_else(|| Problem::of(StatusCode::UNAUTHORIZED))?;
        let trace = parts.extensions.get::<TraceId>().cloned().unwrap_or_default();
        let key = parts.extensions.get::<idempotency::Key>();
        Ok(Self {
            app: app.clone(),
            principal,
            trace: trace.0,
            key: key.map_or_else(|| Uuid::now_v7().to_string(), |key| key.0.clone()),
        })
    }
}

/// An id in the path; what is none names nothing.
pub(crate) struct Id(pub(crate) Uuid);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::not_found())?;
        Uuid::try_parse(&text).map(Self).map_err(|_| Problem::not_found())
    }
}

/// The query; unknown fields are mistakes.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(text).map_err(|_| bad("", "the query cannot be read"))?;
        let dark = pairs
            .iter()
            .find(|(name, value)| has_control(name) || has_control(value));
        if let Some((name, _)) = dark {
            return Err(bad(name, "control characters have no place here"));
        }
        let given = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        let read = serde_path_to_error::deserialize(given);
        read.map(Self).map_err(|error| {
            let field = error.path().to_string();
            bad(
                field.trim_matches('.').trim_start_matches('?'),
                error.inner().to_string(),
            )
        })
    }
}

/// The body: JSON, with no field that is not known.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body is not JSON",
                "send Content-Type: application/json",
            ));
        }
        let bytes = Bytes::from_request(request, app)
            .await
            .map_err(|_| bad("", "the body broke off"))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| bad("", "the body is no JSON"))?;
        if dark(&value) {
            return Err(invalid("", "control characters have no place here"));
        }
        serde_path_to_error::deserialize(value)
            .map(Self)
            .map_err(|error| {
                let field = error.path().to_string();
                invalid(
                    field.trim_matches('.').trim_start_matches('?'),
                    error.inner().to_string(),
                )
            })
    }
}

/// A body that may be left out.
pub(crate) struct Maybe<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<App> for Maybe<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), app)
            .await
            .map_err(|_| bad("", "the body broke off"))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let request = Request::from_parts(parts, bytes.into());
        Body::from_request(request, app)
            .await
            .map(|Body(read)| Self(read))
    }
}

/// A form with a file.
pub(crate) struct Form(pub(crate) Vec<Field>);

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        if !form_data::is_one(&headers) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body is no form with a file",
                "send Content-Type: multipart/form-data",
            ));
        }
        let bytes = Bytes::from_request(request, app)
            .await
            .map_err(|_| bad("", "the body broke off"))?;
        let fields = form_data::read(&headers, bytes).await;
        fields.map(Self).map_err(|_| bad("", "the form cannot be read"))
    }
}

impl Form {
    /// Its file.
    pub(crate) fn file(&self) -> Result<&Field, Problem> {
        self.file_of("file")
    }

    /// The file of this field.
    pub(crate) fn file_of(&self, name: &str) -> Result<&Field, Problem> {
        form_data::file(&self.0, name).ok_or_else(|| invalid(name, "a file that is not empty"))
    }

    /// A text of it; empty when it was not sent.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Problem> {
        let text = form_data::text(&self.0, name);
        if has_control(text) {
            return Err(invalid(name, "control characters have no place here"));
        }
        Ok(text)
    }

    /// Refuses fields of other names.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Problem> {
        let other = self.0.iter().find(|field| !names.contains(&field.name.as_str()));
        match other {
            None => Ok(()),
            Some(field) => Err(invalid(&field.name, "there is no such field")),
        }
    }
}

fn bad(field: &str, message: impl Into<String>) -> Problem {
    Problem::invalid(StatusCode::BAD_REQUEST, field, message)
}

/// A field of a body that is JSON and not what is meant.
pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Problem {
    Problem::invalid(StatusCode::UNPROCESSABLE_ENTITY, field, message)
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Whether a text holds what no text of ours may; line breaks may stand in reasons.
fn dark(value: &Value) -> bool {
    let text = |text: &str| {
        text.chars()
            .any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t')
    };
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => items.iter().any(dark),
        Value::Object(fields) => fields.iter().any(|(name, value)| text(name) || dark(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let said = failure.to_string();
        match failure {
            Failure::NotFound => Self::not_found(),
            Failure::Invalid(_) => Self::new(
                StatusCode::BAD_REQUEST,
                "invalid-request",
                "The request is not valid",
                said,
            ),
            Failure::NeedsTenant => Self::new(
                StatusCode::BAD_REQUEST,
                "tenant-needed",
                "This belongs to one tenant",
                "choose one by the header Puente-Tenant",
            ),
            Failure::Refused(_) => Self::new(
                StatusCode::CONFLICT,
                "refused",
                "It cannot be done as things are",
                said,
            ),
            Failure::Changed(_) => Self::new(
                StatusCode::CONFLICT,
                "changed-meanwhile",
                "It was changed by somebody else",
                said,
            ),
            Failure::Kind(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Files of this kind are not kept",
                format!("{said}; PDF, JPEG, PNG and WebP are kept, whatever the name says"),
            ),
            Failure::TooLong => Self::too_long(usize::MAX),
            Failure::Altered => Self::new(
                StatusCode::CONFLICT,
                "altered",
                "The document is not what it was",
                said,
            ),
            Failure::Forbidden => Self::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "The role does not allow this",
                said,
            ),
            Failure::Away(_) | Failure::Busy(_) | Failure::Database => Self::unavailable(said),
            Failure::Broken(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here",
                said,
            ),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::from(Failure::from(error))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug)
    }
}
