//! Finds out who makes a request, once, before anything else looks at it.
//!
//! `Authorization: Bearer pk_…` for programs, the session cookie for people. A request that gives both is judged by its
//! key. People of the installation may narrow themselves to one tenant by the header or cookie `puente-tenant`;
//! whoever belongs to a tenant stays there, whatever they send.

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};
use puente_rpc::Scope;
use puente_types::Clock as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::random;
use super::session::{self, Session};
use crate::domain::Principal;
use crate::keys;
use crate::state::App;

/// The header, and the cookie, by which people of the installation choose one tenant.
pub(crate) const TENANT: &str = "puente-tenant";

/// Who makes a request, as far as it can be told.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// Nothing was presented.
    Nobody,
    /// What was presented is not good: forged, expired, revoked, disabled.
    Refused,
    /// The tenant that was chosen is none.
    BadTenant,
    /// It cannot be told now: the database is away.
    Unknown,
    /// It was not looked up: too many requests of nobody come from this address.
    TooMany(Duration),
    /// A person.
    Person(Session, Principal),
    /// A program, with its requests a minute.
    Key(Principal, NonZeroU32),
}

impl Identity {
    /// Who, if they were let in.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Person(_, principal) | Self::Key(principal, _) => Some(principal),
            Self::Nobody | Self::Refused | Self::BadTenant | Self::Unknown | Self::TooMany(_) => None,
        }
    }
}

/// The layer around every route: puts [`Identity`] into the request's extensions.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let identity = identify(&app, peer.map(|peer| peer.0), request.headers()).await;
    if let Some(principal) = identity.principal() {
        let principal = principal.clone();
        request.extensions_mut().insert(principal);
    }
    if let Identity::Person(session, _) = &identity {
        let session = session.clone();
        request.extensions_mut().insert(session);
    }
    request.extensions_mut().insert(identity);
    next.run(request).await
}

async fn identify(app: &App, peer: Option<SocketAddr>, headers: &HeaderMap) -> Identity {
    let presented = presented(headers);
    let hash = match &presented {
        Presented::Key(token) | Presented::Session(token) => random::hash(token),
        Presented::Nothing | Presented::Nonsense => Vec::new(),
    };
    // Whoever was let in before is not held up; whoever may be anybody is counted before the database is asked.
    if let Some(peer) = peer
        && !app.limits.good.has(&hash)
        && let Err(wait) = app.limits.visit(app.limits.source(peer, headers))
    {
        return Identity::TooMany(wait);
    }
    let found = match presented {
        Presented::Nothing => return Identity::Nobody,
        Presented::Nonsense => return Identity::Refused,
        Presented::Key(key) => keys::find(&app.pool, key, app.clock.now())
            .await
            .map(|found| found.map(|(principal, limit)| Identity::Key(principal, limit))),
        Presented::Session(token) => session::find(app, token)
            .await
            .map(|found| found.map(|(session, principal)| Identity::Person(session, principal))),
    };
    match found {
        Ok(Some(mut identity)) => {
            app.limits.good.note(&hash);
            match narrow(&mut identity, headers) {
                Ok(()) => identity,
                Err(BadTenant) => Identity::BadTenant,
            }
        }
        Ok(None) => {
            app.limits.good.forget(&hash);
            Identity::Refused
        }
        Err(error) => {
            tracing::error!(error = %error, "callers cannot be identified");
            Identity::Unknown
        }
    }
}

enum Presented<'a> {
    Nothing,
    Nonsense,
    Key(&'a str),
    Session(&'a str),
}

fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = given.next() {
        // Of two keys nobody knows which one is meant.
        let one = given.next().is_none();
        let text = value.to_str().ok().and_then(|text| text.split_once(' '));
        return match text {
            Some((scheme, key)) if one && scheme.eq_ignore_ascii_case("bearer") => Presented::Key(key.trim()),
            _ => Presented::Nonsense,
        };
    }
    match cookie(headers, session::COOKIE) {
        Some(token) if !token.is_empty() => Presented::Session(token),
        _ => Presented::Nothing,
    }
}

struct BadTenant;

/// Applies the chosen tenant, for people and programs of the installation only.
fn narrow(identity: &mut Identity, headers: &HeaderMap) -> Result<(), BadTenant> {
    let (Identity::Person(_, principal) | Identity::Key(principal, _)) = identity else {
        return Ok(());
    };
    if principal.scope != Scope::Installation {
        return Ok(());
    }
    let chosen = match headers.get(TENANT) {
        Some(value) => Some(value.to_str().map_err(|_| BadTenant)?),
        None => cookie(headers, TENANT),
    };
    if let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) {
        principal.scope = Scope::Tenant(chosen.parse().map_err(|_| BadTenant)?);
    }
    Ok(())
}

/// The value of a cookie; the first one of the name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}
