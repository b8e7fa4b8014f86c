//! Simulators of the providers: the vendors' paths, envelopes, limits and signed webhooks, served from one [`Hub`].
//!
//! A connection whose `base_url` is `http://…/sim/<slug>` talks to a simulator instead of the vendor. The hub is the
//! judge of tests about lost and doubled effects: it keeps a [`Entry`] in its journal for every effect that was
//! carried out, also when it then hides the answer ([`FaultKind::CutAfter`]). What it holds is bounded, in memory, and
//! made-up: nothing here may ever meet a real customer's data.
//!
//! ```text
//! /sim/<slug>/…                      the vendor's own paths
//! /sim/<slug>/_control/journal       GET: what was carried out
//! /sim/<slug>/_control/faults        POST a fault, DELETE all
//! /sim/<slug>/_control/accounts      PUT one account or a list
//! /sim/<slug>/_control/inbound       POST: a person writes; answers with the webhook's HTTP status
//! /sim/<slug>/_control/callbacks     GET: how many callbacks arrived, and how many were given up
//! /sim/<slug>/_control/reset         POST: forgets everything but the accounts
//! /sim/<slug>/_control/media         files that people send, where the vendor carries any: see media.rs
//! /sim/<slug>/_control/readings      what stands in pictures, where the vendor reads any: see reading.rs
//! ```

mod account;
mod callback;
mod connection;
mod consent;
mod control;
mod fault;
mod hub;
mod journal;
pub(crate) mod media;
pub(crate) mod picture;
pub(crate) mod reading;
mod webhook;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Query;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;

pub use account::{Account, Callbacks, Template};
pub use callback::Counts;
pub use consent::{Consent, NoConsent, consent};
pub use fault::{Fault, FaultKind};
pub use hub::{Hub, Limit};
pub use journal::{Effect, Entry};
pub use reading::{ReadLine, ReadTrouble};
pub use webhook::{Inbound, SimError, Webhook};

use crate::SIMULATORS;

/// What one provider's folder adds to the simulators.
pub trait Simulator: Send + Sync {
    /// The vendor's paths.
    fn routes(&self) -> Router<Hub>;

    /// The vendor's answer to too many calls.
    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response;

    /// Control paths of its own, below `_control`; no fault strikes them.
    fn control(&self) -> Router<Hub> {
        Router::new()
    }

    /// Forgets what it keeps beyond the journal.
    fn reset(&self, _hub: &Hub) {}

    /// The webhook of a person who wrote.
    ///
    /// # Errors
    /// [`SimError`] when the account cannot receive this.
    fn inbound(&self, _hub: &Hub, _account: &Account, _message: &Inbound) -> Result<Webhook, SimError> {
        Err(SimError::NoMessages)
    }

    /// The webhook that tells how a sent message fares: `sent`, `delivered`, `read`, or `failed` with a code.
    ///
    /// # Errors
    /// [`SimError`] when the account cannot receive this.
    fn receipt(
        &self,
        _hub: &Hub,
        _account: &Account,
        _sent: &Entry,
        _state: &str,
    ) -> Result<Webhook, SimError> {
        Err(SimError::NoMessages)
    }

    /// How often the vendor tries a webhook that is not answered with 2xx.
    fn attempts(&self) -> u32 {
        1
    }

    /// The vendor's own limit of messages per second and account; 0 for none.
    fn rate_per_second(&self) -> u32;
}

/// The routes of every simulator. Must be called inside a Tokio runtime: it starts the sender of callbacks.
pub fn router(hub: Hub) -> Router {
    hub.start_callbacks();
    SIMULATORS
        .iter()
        .fold(Router::new(), |router, (slug, simulator)| {
            let vendor = simulator
                .routes()
                .layer(axum::middleware::from_fn_with_state(
                    (hub.clone(), *slug),
                    fault::inject,
                ))
                .with_state(hub.clone());
            let control = simulator.control().with_state(hub.clone());
            router.nest(
                &format!("/sim/{slug}"),
                vendor
                    .merge(control::routes(hub.clone(), slug))
                    .nest("/_control", control),
            )
        })
}

/// Serves every simulator until `shutdown`. Only so can connections be cut.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    hub: Hub,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    if let Ok(address) = listener.local_addr() {
        hub.serve_at(address);
    }
    let service = router(hub).into_make_service_with_connect_info::<connection::Peer>();
    axum::serve(connection::CutListener(listener), service)
        .with_graceful_shutdown(shutdown)
        .await
}

/// The simulator of a provider.
pub(crate) fn find(slug: &str) -> Option<&'static dyn Simulator> {
    SIMULATORS
        .iter()
        .find(|(name, _)| *name == slug)
        .map(|(_, simulator)| *simulator)
}

/// An answer with a JSON body.
pub(crate) fn reply(status: u16, body: &serde_json::Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// The fields of a form body, read as a query is.
pub(crate) fn form_fields(body: &[u8]) -> BTreeMap<String, String> {
    let uri = format!("/?{}", String::from_utf8_lossy(body));
    let uri = uri.parse::<axum::http::Uri>().unwrap_or_default();
    Query::try_from_uri(&uri)
        .map(|Query(fields)| fields)
        .unwrap_or_default()
}

/// An answer without a body.
pub(crate) fn bare(status: u16) -> Response {
    StatusCode::from_u16(status)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        .into_response()
}

/// A JSON answer with `Retry-After`.
pub(crate) fn reply_later(status: u16, body: &serde_json::Value, retry_after_s: Option<u32>) -> Response {
    let mut response = reply(status, body);
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
