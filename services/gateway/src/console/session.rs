//! Who looks at a page, from what the layer around all routes found out; and the way to the door for who is nobody.

use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, header};
use maud::html;

use super::layout;
use super::view::{encode, form};
use super::words::{self as w, Language};
use crate::auth::identify::Identity;
use crate::auth::session::Session;
use crate::domain::Principal;

/// The cookie that remembers a language which was chosen by hand.
pub(crate) const LANGUAGE: &str = "puente-language";

/// The person of a request, or the answer for who is none: programs have no pages.
pub(crate) fn of(parts: &Parts) -> Result<(Session, Principal), Box<Response>> {
    match parts.extensions.get::<Identity>() {
        Some(Identity::Person(session, principal)) => Ok((session.clone(), principal.clone())),
        Some(Identity::Unknown) => Err(Box::new(unknown(&parts.headers))),
        _ => Err(Box::new(to_the_door(&parts.uri))),
    }
}

/// The log-in page, which leads on to what was asked for.
pub(crate) fn to_the_door(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/", |path| path.as_str());
    let door = if wanted == "/" {
        "/entrar".to_owned()
    } else {
        format!("/entrar?luego={}", encode(wanted))
    };
    Redirect::to(&door).into_response()
}

/// Who it is cannot be told while the database is away.
fn unknown(headers: &HeaderMap) -> Response {
    let language = stranger(headers, "");
    let body = html! {
        h1 { (language.say(w::AWAY_TITLE)) }
        p { (language.say(w::AWAY_SAFE)) }
        p { (language.say(w::AWAY_DO)) }
    };
    let page = layout::bare(language, language.say(w::AWAY_TITLE), &body);
    (StatusCode::SERVICE_UNAVAILABLE, page).into_response()
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
