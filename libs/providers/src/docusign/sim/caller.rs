//! Who calls the REST interface: the token's account, within its limits. DocuSign tells of the limits in every answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use time::{Duration, OffsetDateTime};

use super::grants::Grants;
use super::{number, refuse};
use crate::sim::{Account, Hub};

/// An account whose token and limits are in order.
pub(super) struct Caller {
    pub(super) account: Arc<Account>,
    limits: HeaderMap,
}

impl Caller {
    /// The answer with the headers that all of DocuSign's answers have.
    pub(super) fn answer(&self, mut response: Response) -> Response {
        response.headers_mut().extend(self.limits.clone());
        response
    }
}

impl FromRequestParts<Hub> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Response> {
        let path = RawPathParams::from_request_parts(parts, hub).await;
        let path = path.map_err(|_| refuse(400, "INVALID_REQUEST_PARAMETER", "The path is not valid."))?;
        let named = path.iter().find(|(name, _)| *name == "account");
        let named = named.map(|(_, value)| value.to_owned()).unwrap_or_default();
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let accounts = hub.own::<Grants>().accounts(hub, token);
        if accounts.is_empty() {
            let message = "The access token provided is expired, revoked or malformed.";
            return Err(refuse(401, "AUTHORIZATION_INVALID_TOKEN", message));
        }
        let Some(account) = accounts.into_iter().find(|one| one.account == named) else {
            let message = "The specified User is not a member of the specified Account.";
            return Err(refuse(400, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT", message));
        };
        let (limits, over) = hub.own::<Counts>().count(hub, &account);
        let caller = Self { account, limits };
        let Some(code) = over else { return Ok(caller) };
        let status = if caller.account.setting("limit_style", "429") == "400" {
            400
        } else {
            429
        };
        let message = "The maximum number of API invocations has been exceeded.";
        Err(caller.answer(refuse(status, code, message)))
    }
}

/// The calls of each account: of this clock hour, and of the last 30 seconds.
#[derive(Default)]
pub(super) struct Counts(Mutex<BTreeMap<String, Taken>>);

#[derive(Default)]
struct Taken {
    hour: i64,
    hourly: u64,
    burst: VecDeque<OffsetDateTime>,
}

impl Counts {
    /// Counts a call, unless it is over a limit; the headers tell what is left.
    fn count(&self, hub: &Hub, account: &Account) -> (HeaderMap, Option<&'static str>) {
        const BURST: Duration = Duration::seconds(30);
        let now = hub.now();
        let (hourly, burst) = (
            number(account, "hourly_limit", 3000),
            number(account, "burst_limit", 500),
        );
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(account.account.clone()).or_default();
        let hour = now.unix_timestamp() / 3600;
        if taken.hour != hour {
            (taken.hour, taken.hourly) = (hour, 0);
        }
        while taken.burst.front().is_some_and(|at| now - *at >= BURST) {
            taken.burst.pop_front();
        }
        let recent = taken.burst.len() as u64;
        let over = if hourly > 0 && taken.hourly >= hourly {
            Some("HOURLY_APIINVOCATION_LIMIT_EXCEEDED")
        } else if burst > 0 && recent >= burst {
            Some("BURST_APIINVOCATION_LIMIT_EXCEEDED")
        } else {
            taken.hourly += 1;
            taken.burst.push_back(now);
            None
        };
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        if hourly > 0 {
            put("x-ratelimit-limit", hourly.to_string());
            put(
                "x-ratelimit-remaining",
                hourly.saturating_sub(taken.hourly).to_string(),
            );
            put("x-ratelimit-reset", ((hour + 1) * 3600).to_string());
        }
        if burst > 0 {
            put("x-burstlimit-limit", burst.to_string());
            put(
                "x-burstlimit-remaining",
                burst.saturating_sub(taken.burst.len() as u64).to_string(),
            );
        }
        put("x-docusign-tracetoken", hub.id().to_string());
        (headers, over)
    }
}

/// The limits of a polled envelope: the code of the refusal, if it is asked for too soon.
pub(super) fn poll(hub: &Hub, account: &Account, id: &str) -> Option<&'static str> {
    let now = hub.now();
    let desk = hub.own::<super::desk::Desk>();
    let mut shelf = desk.shelf();
    let envelope = shelf.envelopes.get_mut(id)?;
    let since = envelope.polled.map(|at| (now - at).whole_milliseconds());
    envelope.polls += 1;
    envelope.polled = Some(now);
    if let Some(since) = since {
        let shortest = envelope.shortest_poll_ms.unwrap_or(since);
        envelope.shortest_poll_ms = Some(shortest.min(since));
    }
    let least = i128::from(number(account, "poll_interval_ms", 0));
    since
        .is_some_and(|since| since < least)
        .then_some("Hourly_Envelope_Polling_Limit_Exceeded")
}
