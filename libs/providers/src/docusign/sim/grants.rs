//! What was granted: codes, tokens and consents of the simulated OAuth host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{SLUG, number};
use crate::sim::{Account, Hub, reply};

/// Codes and tokens that are kept; the oldest goes first.
const MAX_KEPT: usize = 20_000;
/// What was granted; tokens are found by their text, which rises with time.
#[derive(Default)]
pub(super) struct Grants(Mutex<Given>);

#[derive(Default)]
pub(super) struct Given {
    pub(super) codes: BTreeMap<String, Code>,
    pub(super) access: BTreeMap<String, Access>,
    /// Refresh token → app.
    pub(super) refresh: BTreeMap<String, String>,
    /// Apps whose user was on the consent page.
    pub(super) consented: BTreeSet<String>,
}

/// A code that waits to be exchanged.
pub(super) struct Code {
    pub(super) app: String,
    pub(super) challenge: String,
    pub(super) expires: OffsetDateTime,
}

/// An access token.
pub(super) struct Access {
    app: String,
    expires: OffsetDateTime,
}

impl Grants {
    pub(super) fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expire(&self) {
        self.given().access.clear();
    }

    pub(super) fn revoke(&self) {
        *self.given() = Given::default();
    }

    /// The accounts that a token opens; an account may also hold a token that never ends, as `access_token`.
    pub(super) fn accounts(&self, hub: &Hub, token: &str) -> Vec<Arc<Account>> {
        let app = {
            let given = self.given();
            let access = given
                .access
                .get(token)
                .filter(|access| hub.now() < access.expires);
            access.map(|access| access.app.clone())
        };
        let opens = |account: &Account| match &app {
            Some(app) => account.holds("integration_key", app),
            None => !token.is_empty() && account.holds("access_token", token),
        };
        let all = hub.accounts(SLUG);
        all.into_iter().filter(|account| opens(account)).collect()
    }
}

/// Any account of an app; they share its credentials.
pub(super) fn of_app(hub: &Hub, app: &str) -> Option<Arc<Account>> {
    let all = hub.accounts(SLUG);
    all.into_iter()
        .find(|account| account.holds("integration_key", app))
}

/// A new token, and a refresh token with it where the grant can be refreshed.
pub(super) fn issue(
    hub: &Hub,
    given: &mut Given,
    account: &Account,
    app: &str,
    refreshable: bool,
) -> Response {
    let life = number(account, "token_life_s", if refreshable { 28_800 } else { 3600 });
    let access = format!("{}.access", hub.id());
    let expires = hub.now() + Duration::seconds(i64::try_from(life).unwrap_or(28_800));
    let kept = Access {
        app: app.to_owned(),
        expires,
    };
    keep(&mut given.access, access.clone(), kept);
    let mut answer = json!({"access_token": access, "token_type": "Bearer", "expires_in": life,
        "scope": if refreshable { "extended signature" } else { "signature impersonation" }});
    if refreshable {
        let refresh = format!("{}.refresh", hub.id());
        keep(&mut given.refresh, refresh.clone(), app.to_owned());
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("refresh_token".to_owned(), json!(refresh));
        }
    }
    reply(200, &answer)
}

pub(super) fn keep<T>(map: &mut BTreeMap<String, T>, key: String, value: T) {
    if map.len() >= MAX_KEPT {
        map.pop_first();
    }
    map.insert(key, value);
}
