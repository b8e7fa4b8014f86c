//! What was granted: codes and tokens of the simulated OAuth host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use super::SLUG;
use crate::sim::{Account, Hub};

/// Codes and tokens that are kept; the oldest goes first.
const MAX_KEPT: usize = 20_000;

/// What was granted; tokens are found by their text, which rises with time.
#[derive(Default)]
pub(super) struct Grants(Mutex<Given>);

#[derive(Default)]
pub(super) struct Given {
    pub(super) codes: BTreeMap<String, Code>,
    pub(super) access: BTreeMap<String, Access>,
    /// Refresh token → app. It stays good however often it is used.
    pub(super) refresh: BTreeMap<String, String>,
}

/// A code that waits to be exchanged.
pub(super) struct Code {
    pub(super) app: String,
    pub(super) challenge: String,
    pub(super) redirect_uri: String,
    pub(super) expires: OffsetDateTime,
}

/// An access token.
pub(super) struct Access {
    pub(super) app: String,
    pub(super) expires: OffsetDateTime,
}

impl Grants {
    pub(super) fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account that a token opens, and the OAuth app that it is of. An account may hold a token of its own, which
    /// does not end: of the app, or a person's.
    pub(super) fn opened(&self, hub: &Hub, token: &str) -> Option<(Arc<Account>, Option<String>)> {
        let app = {
            let given = self.given();
            let access = given
                .access
                .get(token)
                .filter(|access| hub.now() < access.expires);
            access.map(|access| access.app.clone())
        };
        if let Some(app) = app {
            return of_app(hub, &app).map(|account| (account, Some(app)));
        }
        let holds = |account: &Arc<Account>| !token.is_empty() && account.holds("access_token", token);
        let account = hub.accounts(SLUG).into_iter().find(holds)?;
        let own = account.secrets.get("client_id").map(|id| id.expose().to_owned());
        let app = (account.setting("token_kind", "oauth") == "oauth").then(|| own.unwrap_or_default());
        Some((account, app))
    }
}

/// The account of an app.
pub(super) fn of_app(hub: &Hub, app: &str) -> Option<Arc<Account>> {
    let all = hub.accounts(SLUG);
    all.into_iter().find(|account| account.holds("client_id", app))
}

pub(super) fn keep<T>(map: &mut BTreeMap<String, T>, key: String, value: T) {
    if map.len() >= MAX_KEPT {
        map.pop_first();
    }
    map.insert(key, value);
}
