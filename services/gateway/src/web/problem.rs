//! Every error under `/api`: problem details (RFC 9457) with a stable type, and the trace to ask about.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::Refusal;

/// What every type of problem begins with; the rest is its slug, and stays as it is.
const TYPE: &str = "urn:puente:problem:";

/// When somebody comes again whose file found no place.
pub(crate) const CROWDED_FOR: Duration = Duration::from_secs(5);

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) fields: Vec<FieldProblem>,
    pub(crate) wait: Option<Duration>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// The field, with a dot for each level.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
}

/// An error as it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// A stable name of the kind: `urn:puente:problem:not-found`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The kind in words.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What happened this time.
    pub(crate) detail: String,
    /// The trace of the request: 32 hex digits, or empty.
    pub(crate) trace_id: String,
    /// Fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) errors: Vec<FieldProblem>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            slug,
            title,
            detail: detail.into(),
            fields: Vec::new(),
            wait: None,
        }
    }

    /// A field of a request is wrong.
    pub(crate) fn invalid(status: StatusCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let detail = if field.is_empty() {
            message.clone()
        } else {
            format!("{field}: {message}")
        };
        Self {
            fields: vec![FieldProblem { field, message }],
            ..Self::new(status, "invalid-request", "The request is not valid", detail)
        }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            "nothing of this path or id is visible here",
        )
    }

    /// The problem of a status that axum answered by itself.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "method-not-allowed",
                "This path does not answer this method",
                "the Allow header names those it answers",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_long(super::routes::MAX_BODY),
            StatusCode::UNAUTHORIZED => Self::from(&Refusal::Nobody),
            status if status.is_client_error() => Self::new(
                status,
                "invalid-request",
                "The request is not valid",
                "it could not be read",
            ),
            status => Self::new(
                status,
                "internal",
                "Something went wrong here",
                "nothing was changed unless the trace says so",
            ),
        }
    }

    /// More than a body, or a file, may have.
    pub(crate) fn too_long(most: usize) -> Self {
        let detail = if most > super::routes::MAX_BODY {
            format!(
                "a file has at most {} MiB",
                super::routes::MAX_FILE / (1024 * 1024)
            )
        } else {
            format!("a body has at most {most} bytes")
        };
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(status, "too-long", "The body is too long", detail)
    }

    pub(crate) fn details(&self, trace_id: &str) -> ProblemDetails {
        ProblemDetails {
            kind: format!("{TYPE}{}", self.slug),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            trace_id: trace_id.to_owned(),
            errors: self.fields.clone(),
        }
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let new = |status, slug, title, detail: &str| Self::new(status, slug, title, detail);
        match refusal {
            Refusal::Nobody => new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Nobody is let in without a key",
                "send Authorization: Bearer with an API key",
            ),
            Refusal::NotGood => new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Nobody is let in without a key",
                "what was presented is not valid, or not any more",
            ),
            Refusal::BadTenant => {
                Self::invalid(StatusCode::BAD_REQUEST, "puente-tenant", "this is no tenant")
            }
            Refusal::Forbidden(right) => new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "The role does not allow this",
                &format!("the right {right:?} is needed"),
            ),
            Refusal::Csrf => new(
                StatusCode::FORBIDDEN,
                "csrf",
                "The request was not sent from its own page",
                "send the session's token as x-csrf-token",
            ),
            Refusal::TooMany(wait) => Self {
                wait: Some(*wait),
                ..new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too-many-requests",
                    "Too many requests",
                    "wait for as long as Retry-After says",
                )
            },
            Refusal::TooLong(most) => Self::too_long(*most),
            Refusal::Crowded => Self::unavailable("too many files are on their way; come again in a moment"),
            Refusal::OwnFiles => Self {
                wait: Some(CROWDED_FOR),
                ..new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too-many-requests",
                    "Too many requests",
                    "two of your files are on their way already; send this one when one of them is there",
                )
            },
            Refusal::Broken => new(
                StatusCode::BAD_REQUEST,
                "invalid-request",
                "The request is not valid",
                "the body broke off",
            ),
            Refusal::KeyNeeded => Self::invalid(
                StatusCode::BAD_REQUEST,
                "idempotency-key",
                "a write carries a key of its own: 1 to 200 visible characters, the same when it is repeated",
            ),
            Refusal::KeyReused => new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The key belongs to another request",
                "take a new Idempotency-Key for another request",
            ),
            Refusal::KeyBusy => Self {
                wait: Some(Duration::from_secs(1)),
                ..new(
                    StatusCode::CONFLICT,
                    "request-in-progress",
                    "The first request with this key is under way",
                    "repeat it in a moment to get its answer",
                )
            },
            Refusal::Away => Self::unavailable("who you are cannot be looked up now"),
        }
    }
}

impl Problem {
    /// Something that is needed is away.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            wait: Some(Duration::from_secs(5)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "This cannot be answered now",
                detail,
            )
        }
    }
}

impl IntoResponse for Problem {
    /// The layer of `trace` writes it out, for only there the trace is known.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(wait) = self.wait {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
