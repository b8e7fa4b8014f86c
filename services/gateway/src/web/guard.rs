//! The one place where a request meets the line of its route: who is it, how often, may they, did they mean it.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::net::SocketAddr;
use uuid::Uuid;

use super::routes::{Access, Face, Kind, MAX_BODY, Route};
use super::{form_data, idempotency};
use crate::auth::identify::Identity;
use crate::auth::limits::Standing;
use crate::auth::session::Session;
use crate::domain::{Principal, Right, Who};
use crate::state::App;

/// The header by which scripts send the CSRF token; forms send the field `csrf`.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing was presented that lets anybody in.
    Nobody,
    /// What was presented is not good.
    NotGood,
    /// The tenant that was chosen is none.
    BadTenant,
    /// They may not.
    Forbidden(Right),
    /// The CSRF token is missing or another one, or the request comes from another site.
    Csrf,
    /// Too many requests.
    TooMany(Duration),
    /// The body is too long: bytes at most.
    TooLong(usize),
    /// Too many files are on their way at once.
    Crowded,
    /// As many of their own files are on their way as one may send at once.
    OwnFiles,
    /// The body broke off.
    Broken,
    /// The `Idempotency-Key` is missing or not usable.
    KeyNeeded,
    /// The same key was used for another request.
    KeyReused,
    /// The first request with this key is still under way.
    KeyBusy,
    /// It cannot be told now who it is.
    Away,
}

/// A route's guard.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) app: App,
    pub(crate) face: Face,
    pub(crate) route: Route,
}

/// Lets a request through, or refuses it in the words of its part of the gateway.
pub(crate) async fn pass(State(guarded): State<Guarded>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asked = parts.clone();
    let mut standing = None;
    let passed = admit(&guarded, Request::from_parts(parts, body), next, &mut standing).await;
    let mut response = passed.unwrap_or_else(|refusal| (guarded.face.refuse)(&refusal, &asked));
    if let Some(standing) = standing {
        tell(response.headers_mut(), standing);
    }
    response
}

async fn admit(
    guarded: &Guarded,
    request: Request,
    next: Next,
    standing: &mut Option<Standing>,
) -> Result<Response, Refusal> {
    let Guarded { app, face, route } = guarded;
    let identity = request
        .extensions()
        .get::<Identity>()
        .cloned()
        .unwrap_or(Identity::Unknown);
    if let Identity::TooMany(wait) = identity {
        return Err(Refusal::TooMany(wait));
    }
    if route.access != Access::Anyone {
        known(app, &identity, &request)?;
    }
    if let Some(counted) = count(app, &identity) {
        *standing = Some(counted);
        if let Some(wait) = counted.wait {
            return Err(Refusal::TooMany(wait));
        }
    }
    if let (Access::Needs(right), Some(principal)) = (route.access, identity.principal())
        && !principal.may(right)
    {
        return Err(Refusal::Forbidden(right));
    }
    if route.kind == Kind::Read {
        return Ok(next.run(request).await);
    }
    if cross_site(request.headers()) {
        return Err(Refusal::Csrf);
    }
    let (parts, body) = request.into_parts();
    // Held until the answer: the file is in memory for so long.
    let _place = if route.max_body > MAX_BODY {
        Some(app.places.bring(identity.principal())?)
    } else {
        None
    };
    let body = read(&parts.headers, body, route.max_body).await?;
    if let Identity::Person(session, _) = &identity
        && !meant(session, &parts.headers, &body).await
    {
        return Err(Refusal::Csrf);
    }
    let request = Request::from_parts(parts, Body::from(body.clone()));
    match identity.principal() {
        Some(principal) if face.idempotent && route.kind == Kind::Write => {
            idempotency::once(app, principal, request, &body, next).await
        }
        _ => Ok(next.run(request).await),
    }
}

/// Refuses whoever was not let in; too many of them from one address have to wait.
fn known(app: &App, identity: &Identity, request: &Request) -> Result<(), Refusal> {
    let refusal = match identity {
        Identity::Person(..) | Identity::Key(..) => return Ok(()),
        Identity::Nobody => Refusal::Nobody,
        Identity::BadTenant => Refusal::BadTenant,
        Identity::Unknown => return Err(Refusal::Away),
        Identity::TooMany(wait) => return Err(Refusal::TooMany(*wait)),
        Identity::Refused => Refusal::NotGood,
    };
    stranger(app, request.extensions().get(), request.headers())?;
    Err(refusal)
}

/// Counts an attempt to get in against the address that it comes from.
pub(crate) fn stranger(
    app: &App,
    peer: Option<&ConnectInfo<SocketAddr>>,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let Some(ConnectInfo(peer)) = peer else {
        return Ok(());
    };
    let source = app.limits.source(*peer, headers);
    app.limits.stranger(source).map_err(Refusal::TooMany)
}

fn count(app: &App, identity: &Identity) -> Option<Standing> {
    match identity {
        Identity::Person(session, _) => {
            let id = session.hash.first_chunk::<16>().copied().map(Uuid::from_bytes)?;
            Some(app.limits.count(id, app.session_per_minute))
        }
        Identity::Key(
            Principal {
                who: Who::Key(id), ..
            },
            limit,
        ) => Some(app.limits.count(*id, *limit)),
        _ => None,
    }
}

/// Browsers say where a request comes from; one that another site sends is never meant.
fn cross_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|value| value.as_bytes() == b"cross-site")
}

async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Refusal> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(Refusal::TooLong(most));
    }
    to_bytes(body, most).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        let limit = source.is_some_and(|source| source.to_string().contains("length limit"));
        if limit {
            Refusal::TooLong(most)
        } else {
            Refusal::Broken
        }
    })
}

/// Whether the request carries the session's CSRF token.
async fn meant(session: &Session, headers: &HeaderMap, body: &Bytes) -> bool {
    if let Some(sent) = headers.get(CSRF_HEADER) {
        return sent.to_str().is_ok_and(|sent| session.sent(sent));
    }
    if form_data::is_one(headers) {
        let fields = form_data::read(headers, body.clone()).await;
        return fields.is_ok_and(|fields| session.sent(form_data::text(&fields, "csrf")));
    }
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    form && form_field(body, "csrf").is_some_and(|sent| session.sent(&sent))
}

/// The value of a form's field; the first one of the name.
fn form_field(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, value) = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(other, _)| *other == name)?;
    // The token is hex: what needs unescaping is another value.
    Some(value.to_owned())
}

fn tell(headers: &mut HeaderMap, standing: Standing) {
    let reset = standing.wait.map_or(60, |wait| wait.as_secs() + 1);
    for (name, value) in [
        ("ratelimit-limit", u64::from(standing.limit)),
        ("ratelimit-remaining", u64::from(standing.remaining)),
        ("ratelimit-reset", reset),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}
