//! Connections that share their secrets: one app of a provider, behind one webhook URL.
//!
//! A request is verified per app, and routed only among the connections of the app that it was verified for. So a
//! tenant with an app of its own can never make events for another tenant, whatever account the body names.

use std::collections::HashMap;
use std::sync::Arc;

use puente_ports::Connection;
use puente_webhook_auth::secret_eq;

/// Connections with the same secrets.
#[derive(Debug, Clone)]
pub struct App {
    connections: Vec<Arc<Connection>>,
    by_account: HashMap<String, usize>,
}

impl App {
    /// Sorts connections into apps.
    #[must_use]
    pub fn group(connections: &[Arc<Connection>]) -> Arc<[Self]> {
        let mut apps: Vec<Self> = Vec::new();
        for connection in connections {
            match apps.iter_mut().find(|app| same_secrets(app.representative(), Some(connection))) {
                Some(app) => app.add(connection.clone()),
                None => {
                    let mut app = Self { connections: Vec::new(), by_account: HashMap::new() };
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
        for account in [connection.account.as_deref(), connection.setting("waba_id")].into_iter().flatten() {
            self.by_account.entry(account.to_owned()).or_insert(at);
        }
        self.connections.push(connection);
    }

    /// The connection whose secrets stand for all.
    #[must_use]
    pub fn representative(&self) -> Option<&Arc<Connection>> {
        self.connections.first()
    }

    /// Every connection of the app.
    #[must_use]
    pub fn connections(&self) -> &[Arc<Connection>] {
        &self.connections
    }

    /// The connection of an account. Where the webhook names none, the app must have one connection only.
    #[must_use]
    pub fn route(&self, account: Option<&str>) -> Option<&Arc<Connection>> {
        match (account, self.connections.as_slice()) {
            (Some(account), _) => self.by_account.get(account).and_then(|at| self.connections.get(*at)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

fn same_secrets(a: Option<&Arc<Connection>>, b: Option<&Arc<Connection>>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    a.secrets.names().eq(b.secrets.names())
        && a.secrets.iter().zip(b.secrets.iter()).all(|((_, x), (_, y))| secret_eq(x, y.expose()))
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
            secrets: [("app_secret".to_owned(), Secret::new(secret))].into_iter().collect(),
        })
    }

    #[test]
    fn a_request_is_routed_only_among_connections_that_share_the_secret_it_was_verified_with() {
        let all = [
            connection("a1", "a", "1", "shared"),
            connection("b1", "b", "2", "shared"),
            connection("c1", "c", "3", "own"),
        ];
        let apps = App::group(&all);
        assert_eq!(apps.len(), 2);
        let route = |app: usize, account| apps[app].route(account).map(|c| c.id.to_string());
        assert_eq!(route(0, Some("2")).as_deref(), Some("b1"));
        assert_eq!(route(0, Some("3")), None, "another app's account");
        assert_eq!(route(0, None), None, "two tenants: nothing says whose it is");
        assert_eq!(route(1, None).as_deref(), Some("c1"));
        assert_eq!(route(1, Some("1")), None);
    }
}
