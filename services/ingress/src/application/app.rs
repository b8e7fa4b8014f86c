//! Connections that share the secrets that their webhooks are verified with: one app of a provider, behind one URL.
//!
//! A request is verified per app, and routed only among the connections of the app that it was verified for. So a
//! tenant with an app of its own can never make events for another tenant, whatever account the body names.

use std::collections::HashMap;
use std::sync::Arc;

use puente_ports::{Connection, InboundWebhook};
use puente_webhook_auth::secret_eq;

/// Connections with the same webhook secrets; other credentials, such as a token for sending, may differ.
#[derive(Debug, Clone)]
pub(crate) struct App {
    connections: Vec<Arc<Connection>>,
    by_account: HashMap<String, usize>,
}

impl App {
    /// Sorts connections into apps.
    #[must_use]
    pub(crate) fn group(webhook: &dyn InboundWebhook, connections: &[Arc<Connection>]) -> Arc<[Self]> {
        let mut apps: Vec<Self> = Vec::new();
        for connection in connections {
            match apps.iter_mut().find(|app| {
                app.representative()
                    .is_some_and(|first| same_app(webhook, first, connection))
            }) {
                Some(app) => app.add(connection.clone()),
                None => {
                    let mut app = Self {
                        connections: Vec::new(),
                        by_account: HashMap::new(),
                    };
                    app.add(connection.clone());
                    apps.push(app);
                }
            }
        }
        apps.into()
    }

    fn add(&mut self, connection: Arc<Connection>) {
        let at = self.connections.len();
        // Providers name an account by more than one id: a number for messages, an account for templates.
        for account in [connection.account.as_deref(), connection.setting("waba_id")]
            .into_iter()
            .flatten()
        {
            self.by_account.entry(account.to_owned()).or_insert(at);
        }
        self.connections.push(connection);
    }

    /// The connection whose secrets stand for all.
    #[must_use]
    pub(crate) fn representative(&self) -> Option<&Arc<Connection>> {
        self.connections.first()
    }

    /// Every connection of the app.
    #[must_use]
    pub(crate) fn connections(&self) -> &[Arc<Connection>] {
        &self.connections
    }

    /// The connection of an account. Where the webhook names none, the app must have one connection only.
    #[must_use]
    pub(crate) fn route(&self, account: Option<&str>) -> Option<&Arc<Connection>> {
        match (account, self.connections.as_slice()) {
            (Some(account), _) => self
                .by_account
                .get(account)
                .and_then(|at| self.connections.get(*at)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

fn same_app(webhook: &dyn InboundWebhook, a: &Connection, b: &Connection) -> bool {
    let (auth_a, auth_b) = (webhook.auth(a), webhook.auth(b));
    // A rule of the provider's own may use any secret; without secrets nothing tells two connections apart safely.
    let (Some(names), Some(others)) = (auth_a.secret_names(), auth_b.secret_names()) else {
        return false;
    };
    let mut in_use = false;
    let same = names == others
        && names
            .iter()
            .all(|name| match (a.secrets.get(name), b.secrets.get(name)) {
                (Some(x), Some(y)) => {
                    in_use = true;
                    secret_eq(x, y.expose())
                }
                (None, None) => true,
                _ => false,
            });
    same && in_use
}

#[cfg(test)]
mod tests {
    use super::*;
    use puente_types::Secret;

    fn connection(id: &str, tenant: &str, account: &str, secret: &str) -> Arc<Connection> {
        Arc::new(Connection {
            id: id.parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            provider: "whatsapp_cloud".into(),
            account: Some(account.into()),
            settings: serde_json::Map::new(),
            secrets: [
                ("app_secret".to_owned(), Secret::new(secret)),
                (
                    "access_token".to_owned(),
                    Secret::new(format!("token of {tenant}")),
                ),
            ]
            .into_iter()
            .collect(),
        })
    }

    #[test]
    fn a_request_is_routed_only_among_connections_that_share_the_secret_it_was_verified_with() {
        let all = [
            connection("a1", "a", "1", "shared"),
            connection("b1", "b", "2", "shared"),
            connection("c1", "c", "3", "own"),
        ];
        let webhook = puente_providers::find("whatsapp_cloud")
            .unwrap()
            .webhook()
            .unwrap();
        let apps = App::group(webhook, &all);
        assert_eq!(apps.len(), 2);
        let route = |app: usize, account| apps[app].route(account).map(|c| c.id.to_string());
        assert_eq!(route(0, Some("2")).as_deref(), Some("b1"));
        assert_eq!(route(0, Some("3")), None, "another app's account");
        assert_eq!(route(0, None), None, "two tenants: nothing says whose it is");
        assert_eq!(route(1, None).as_deref(), Some("c1"));
        assert_eq!(route(1, Some("1")), None);
    }
}
