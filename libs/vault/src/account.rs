//! Which accounts at its provider a connection answers for, and that nobody else does.

use std::collections::HashMap;

use puente_ports::Connection;
use serde_json::{Map, Value};

/// The setting that lists further accounts, for connections that stand for several: `accounts = ["a", "b"]`.
pub(crate) const ACCOUNTS: &str = "accounts";

/// The connection's account, then every text in its setting `accounts`.
pub(crate) fn accounts(connection: &Connection) -> impl Iterator<Item = &str> {
    of(connection.account.as_deref(), &connection.settings)
}

/// As [`accounts`], from the parts.
pub(crate) fn of<'a>(
    account: Option<&'a str>,
    settings: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let listed = settings.get(ACCOUNTS).and_then(Value::as_array);
    account
        .into_iter()
        .chain(listed.into_iter().flatten().filter_map(Value::as_str))
}

/// Who holds which account at which provider. Two holders of one could get each other's webhooks.
#[derive(Default)]
pub(crate) struct Holders<'a>(HashMap<(&'a str, &'a str), &'a str>);

impl<'a> Holders<'a> {
    /// Notes that `id` holds the account; gives the other holder if there is one.
    pub(crate) fn claim(&mut self, provider: &'a str, account: &'a str, id: &'a str) -> Option<&'a str> {
        let holder = *self.0.entry((provider, account)).or_insert(id);
        (holder != id).then_some(holder)
    }
}
