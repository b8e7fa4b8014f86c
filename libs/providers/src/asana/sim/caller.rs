//! Who calls the interface: the token's account, within the limit of a minute.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;
use time::{Duration, OffsetDateTime};

use super::grants::Grants;
use super::{SIMULATOR, number, refuse};
use crate::sim::{Account, Hub, Simulator as _};

const MINUTE: Duration = Duration::seconds(60);
/// Tokens whose calls are counted.
const MAX_TOKENS: usize = 10_000;

/// A caller whose token and limit are in order.
pub(super) struct Caller {
    pub(super) account: Arc<Account>,
    /// The OAuth app; none over a personal token.
    pub(super) app: Option<String>,
}

impl FromRequestParts<Hub> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Response> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let Some((account, app)) = hub.own::<Grants>().opened(hub, token) else {
            return Err(refuse(401, "Not Authorized"));
        };
        let limit = number(&account, "minute_limit", 150);
        if let Some(wait) = hub.own::<Counts>().count(token, limit, hub.now()) {
            return Err(SIMULATOR.rate_limited(Some(wait)));
        }
        if parts.method != Method::GET && account.setting("plan_ended", "") == "true" {
            return Err(refuse(402, "Payment Required: this needs a paid plan"));
        }
        Ok(Self { account, app })
    }
}

/// The calls of each token in the last minute, refused ones included.
#[derive(Default)]
pub(super) struct Counts(Mutex<BTreeMap<String, VecDeque<OffsetDateTime>>>);

impl Counts {
    /// Counts a call; over the limit, the seconds to wait.
    fn count(&self, token: &str, limit: u64, now: OffsetDateTime) -> Option<u32> {
        if limit == 0 {
            return None;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_TOKENS && !all.contains_key(token) {
            all.pop_first();
        }
        let calls = all.entry(token.to_owned()).or_default();
        while calls.front().is_some_and(|at| now - *at >= MINUTE) {
            calls.pop_front();
        }
        let over = calls.len() as u64 >= limit;
        let free_at = calls.front().map_or(now, |at| *at + MINUTE);
        calls.push_back(now);
        if calls.len() as u64 > limit {
            calls.pop_front();
        }
        let wait = (free_at - now).whole_seconds() + 1;
        over.then(|| u32::try_from(wait).unwrap_or(60))
    }

    pub(super) fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
