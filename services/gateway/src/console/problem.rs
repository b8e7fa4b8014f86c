//! Pages of trouble. Each says what happened, what is safe and what can be done; a code alone is never shown.

use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};
use tonic::{Code, Status};

use super::layout::{self, Page};
use super::session;
use super::view::View;
use super::words::{self as w, Word};
use crate::application::failure::Failure;
use crate::application::questions::{Missing, missing};
use crate::domain::Right;

/// Why a page is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No such page, or none that this person may know of.
    NotFound,
    /// A change that this person may not make, or a form that did not come from us.
    Forbidden,
    /// Too many requests of one log-in.
    TooMany,
    /// Too many files are on their way, of theirs or of all.
    Crowded,
    /// A file or a form that is longer than may be.
    TooLong,
    /// A file of a kind that is not kept.
    Kind,
    /// A stored file that is not what was recorded.
    Altered,
    /// A service does not answer.
    Away(&'static str),
    /// The change was understood and refused, with the owner's words.
    Refused(String),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(error = %error, "the gateway's own tables cannot be asked");
        Self::Away("gateway")
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Self::NotFound,
            Failure::Forbidden => Self::Forbidden,
            Failure::Kind(_) => Self::Kind,
            Failure::TooLong => Self::TooLong,
            Failure::Altered => Self::Altered,
            Failure::Away(service) | Failure::Busy(service) | Failure::Broken(service) => Self::Away(service),
            Failure::Database => Self::Away("gateway"),
            Failure::Invalid(_) | Failure::NeedsTenant | Failure::Refused(_) | Failure::Changed(_) => {
                Self::Refused(failure.to_string())
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound => f.write_str("not found"),
            Self::Forbidden => f.write_str("not allowed"),
            Self::TooMany => f.write_str("too many requests"),
            Self::Crowded => f.write_str("too many files at a time"),
            Self::TooLong => f.write_str("too long"),
            Self::Kind => f.write_str("of no kind that is kept"),
            Self::Altered => f.write_str("altered"),
            Self::Away(service) => write!(f, "{service} is away"),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// What a handler makes: a page, or why not.
pub(crate) type Answer = Result<Page, Problem>;

impl Problem {
    /// What a service's refusal of a change means.
    pub(crate) fn of(service: &'static str, status: &Status) -> Self {
        match status.code() {
            Code::NotFound => Self::NotFound,
            Code::PermissionDenied => Self::Forbidden,
            Code::FailedPrecondition | Code::Aborted | Code::InvalidArgument | Code::AlreadyExists => {
                Self::Refused(status.message().to_owned())
            }
            _ => match missing(service, status) {
                Missing::Nothing => Self::NotFound,
                Missing::OneTenant => Self::Refused(status.message().to_owned()),
                Missing::Away(service) => Self::Away(service),
            },
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Kind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Altered => StatusCode::CONFLICT,
            Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) => StatusCode::CONFLICT,
        }
    }

    /// What it is called, what is safe, what can be done.
    pub(crate) const fn words(&self) -> [Word; 3] {
        match self {
            Self::NotFound => [w::NOT_FOUND_TITLE, w::NOT_FOUND_SAFE, w::NOT_FOUND_DO],
            Self::Forbidden => [w::FORBIDDEN_TITLE, w::FORBIDDEN_SAFE, w::FORBIDDEN_DO],
            Self::TooMany => [w::MANY_TITLE, w::FORBIDDEN_SAFE, w::MANY_DO],
            Self::Crowded => [w::CROWDED_TITLE, w::FORBIDDEN_SAFE, w::CROWDED_DO],
            Self::Kind => [w::KIND_TITLE, w::FORBIDDEN_SAFE, w::KIND_DO],
            Self::Altered => [w::ALTERED_TITLE, w::ALTERED_SAFE, w::ALTERED_DO],
            Self::TooLong => [w::LONG_TITLE, w::FORBIDDEN_SAFE, w::LONG_DO],
            Self::Away(_) => [w::AWAY_TITLE, w::AWAY_SAFE, w::AWAY_DO],
            Self::Refused(_) => [w::REFUSED_TITLE, w::REFUSED_SAFE, w::REFUSED_DO],
        }
    }

    fn page(&self, view: &View) -> Page {
        let what = match self {
            Self::NotFound => view.say(w::NOT_FOUND_WHAT).to_owned(),
            Self::Forbidden => view.say(w::FORBIDDEN_WHAT).to_owned(),
            Self::TooMany => view.say(w::MANY_WHAT).to_owned(),
            Self::Crowded => view.say(w::CROWDED_WHAT).to_owned(),
            Self::Kind => view.say(w::KIND_WHAT).to_owned(),
            Self::Altered => view.say(w::ALTERED_WHAT).to_owned(),
            Self::TooLong => view.say(w::LONG_WHAT).to_owned(),
            Self::Away(service) => view.fill(w::AWAY_WHAT, &[("service", service)]),
            Self::Refused(reason) => reason.clone(),
        };
        let [title, safe, can] = self.words();
        Page::at("", view.say(title), three(view, title, &what, safe, can))
    }
}

fn three(view: &View, title: Word, what: &str, safe: Word, can: Word) -> Markup {
    html! {
        h1 { (view.say(title)) }
        div class="panel pad gap" {
            dl class="three" {
                dt { (view.say(w::WHAT_HAPPENED)) } dd { (what) }
                dt { (view.say(w::WHAT_IS_SAFE)) } dd { (view.say(safe)) }
                dt { (view.say(w::WHAT_CAN_BE_DONE)) } dd { (view.say(can)) }
            }
            p class="acts gap" {
                @if title != w::NOT_FOUND_TITLE { a class="button" href=(view.path) { (view.say(w::BACK)) } }
                a class="button" href="/" { (view.say(w::HOME)) }
            }
        }
    }
}

impl View {
    /// The answer to the browser.
    pub(crate) fn answer(&self, answer: Answer) -> Response {
        let mut response = match answer {
            Ok(page) => layout::document(self, &page).into_response(),
            Err(problem) => {
                let page = problem.page(self);
                (problem.status(), layout::document(self, &page)).into_response()
            }
        };
        // A language chosen by hand stays chosen.
        if let Some(language) = session::asked(&self.query) {
            let cookie = format!(
                "{}={}; Path=/; SameSite=Lax; Max-Age=31536000",
                session::LANGUAGE,
                language.tag()
            );
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
        }
        response
    }

    /// A page that who may not see it may not know of.
    pub(crate) fn see(&self, right: Right) -> Result<(), Problem> {
        if self.may(right) {
            Ok(())
        } else {
            Err(Problem::NotFound)
        }
    }

    /// The same look, from another page: where a refused change leads back to.
    pub(crate) fn back_to(&self, page: &str) -> Self {
        Self {
            path: page.to_owned(),
            query: String::new(),
            ..self.clone()
        }
    }
}
