//! Who looks at a page, from what the layer around all routes found out; and the way to the door for who is nobody.

use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use maud::html;

use super::problem::Problem;
use super::view::{encode, form};
use super::words::{self as w, Language, Word};
use super::{layout, live};
use crate::auth::identify::Identity;
use crate::auth::session::Session;
use crate::domain::Principal;

/// The cookie that remembers a language which was chosen by hand.
pub(crate) const LANGUAGE: &str = "puente-language";

/// The person of a request, or the answer for who is none: programs have no pages.
pub(crate) fn of(parts: &Parts) -> Result<(Session, Principal), Box<Response>> {
    match parts.extensions.get::<Identity>() {
        Some(Identity::Person(session, principal)) => Ok((session.clone(), principal.clone())),
        Some(Identity::Unknown) => {
            let away = Problem::Away("gateway").words();
            Err(Box::new(trouble(
                &parts.headers,
                StatusCode::SERVICE_UNAVAILABLE,
                away,
            )))
        }
        _ => Err(Box::new(nobody(parts))),
    }
}

/// The answer for who is nobody: a page leads to the door and on from there; a change and a stream cannot be taken up
/// again by a link, so that they are refused.
pub(crate) fn nobody(parts: &Parts) -> Response {
    let page = matches!(parts.method, Method::GET | Method::HEAD) && parts.uri.path() != live::PATH;
    if page {
        to_the_door(&parts.uri)
    } else {
        let gone = [w::GONE_TITLE, w::FORBIDDEN_SAFE, w::GONE_DO];
        trouble(&parts.headers, StatusCode::UNAUTHORIZED, gone)
    }
}

/// The log-in page, which leads on to what was asked for.
fn to_the_door(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/", |path| path.as_str());
    let door = if wanted == "/" {
        "/entrar".to_owned()
    } else {
        format!("/entrar?luego={}", encode(wanted))
    };
    Redirect::to(&door).into_response()
}

/// A page of trouble for somebody who is not known: what it is called, what is safe, what can be done.
pub(crate) fn trouble(headers: &HeaderMap, status: StatusCode, words: [Word; 3]) -> Response {
    let language = stranger(headers, "");
    let [title, safe, can] = words.map(|word| language.say(word));
    let body = html! {
        h1 { (title) }
        p { (safe) }
        p { (can) }
        p class="acts gap" { a class="button" href="/entrar" { (language.say(w::LOGIN_BUTTON)) } }
    };
    (status, layout::bare(language, title, &body)).into_response()
}

/// What a person reads: what they ask for now, what they chose before, what their account says.
pub(crate) fn language(parts: &Parts, account: &str) -> Language {
    asked(parts.uri.query().unwrap_or_default())
        .or_else(|| chosen(&parts.headers))
        .or_else(|| Language::of_tag(account))
        .unwrap_or_default()
}

/// What somebody reads whose account is not known yet.
pub(crate) fn stranger(headers: &HeaderMap, query: &str) -> Language {
    asked(query)
        .or_else(|| chosen(headers))
        .or_else(|| {
            let wanted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
            Language::of_header(wanted)
        })
        .unwrap_or_default()
}

/// The language that a query asks for.
pub(crate) fn asked(query: &str) -> Option<Language> {
    form(query)
        .into_iter()
        .find(|(name, _)| name == "lang")
        .and_then(|(_, tag)| Language::of_tag(&tag))
}

fn chosen(headers: &HeaderMap) -> Option<Language> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == LANGUAGE)
        .and_then(|(_, tag)| Language::of_tag(tag))
}
