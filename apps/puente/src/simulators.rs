//! The simulated providers, and connections to them.
//!
//! Each connection of the file becomes an account at its simulator with the same credentials, so that both sides
//! agree as a tenant and its vendor would.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, anyhow};
use puente_ports::Connection;
use puente_providers::sim::{self, Account, Hub};
use puente_service::{NatsConfig, nats};
use puente_types::TenantId;
use puente_vault::{ConnectionsFile, MasterKeys, publish};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::command::connections::{CLOSE, connect, manifest};
use crate::exit::{Done, Failed};

/// The demo's own connections.
const DEMO: &str = include_str!("../demo/connections.toml");
/// What stands for the simulators' address in a connections file.
const PLACEHOLDER: &str = "${SIMULATORS}";

/// Simulators that answer.
pub(crate) struct Simulators {
    /// What they share: accounts, journal, webhooks to be sent.
    pub(crate) hub: Hub,
    /// The connections to them.
    pub(crate) connections: Vec<Connection>,
    address: SocketAddr,
    end: CancellationToken,
    served: JoinHandle<()>,
}

impl Simulators {
    /// Serves the simulators with the demo's connections.
    pub(crate) async fn start(listen: SocketAddr) -> Done<Self> {
        Self::serve(listen, DEMO, Path::new(""), &|_| None).await
    }

    /// Serves the simulators with the connections of a file.
    pub(crate) async fn start_with(
        listen: SocketAddr,
        file: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Done<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))
            .map_err(Failed::usage)?;
        Self::serve(listen, &text, file.parent().unwrap_or(Path::new("")), variable).await
    }

    async fn serve(
        listen: SocketAddr,
        connections: &str,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Done<Self> {
        let what = || format!("the simulators cannot listen on {listen}");
        let listener = TcpListener::bind(listen).await.with_context(what)?;
        let address = listener.local_addr().with_context(what)?;
        let text = connections.replace(PLACEHOLDER, &format!("http://{address}/sim"));
        let file = ConnectionsFile::parse(&text, folder, &manifest, variable).map_err(Failed::usage)?;
        let hub = Hub::new();
        let end = CancellationToken::new();
        let serve = sim::serve(listener, hub.clone(), end.clone().cancelled_owned());
        let served = async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the simulators no longer answer");
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "they answer until after the services have drained"
        )]
        let served = tokio::spawn(served);
        let simulators = Self {
            hub,
            connections: file.connections,
            address,
            end,
            served,
        };
        simulators.open_accounts(None);
        Ok(simulators)
    }

    /// Opens an account for every connection. Webhooks go to `ingress`, once that is known.
    pub(crate) fn open_accounts(&self, ingress: Option<&str>) {
        for connection in &self.connections {
            self.hub
                .put_account(&connection.provider, account(connection, ingress));
        }
    }

    /// Where they answer; each provider below its own name.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/sim", self.address)
    }

    /// Hands the connections to the services.
    pub(crate) async fn apply_connections(&self, broker: &NatsConfig, masters: &MasterKeys) -> Done {
        let client = connect(broker).await?;
        publish::apply(&client, masters, self.connections.clone()).await?;
        nats::drain(&client, CLOSE).await;
        Ok(())
    }

    /// The connection of a tenant to a provider.
    pub(crate) fn connection(&self, provider: &str, tenant: &str) -> Done<&Connection> {
        let tenant: TenantId = tenant.parse().context("no tenant")?;
        self.connections
            .iter()
            .find(|connection| connection.provider == provider && connection.tenant == tenant)
            .ok_or_else(|| Failed::from(anyhow!("the demo has no connection of {tenant} to {provider}")))
    }

    /// Stops answering.
    pub(crate) async fn stop(self) {
        self.end.cancel();
        // Whoever keeps a connection open loses it.
        self.served.abort();
        let _ = self.served.await;
    }
}

fn account(connection: &Connection, ingress: Option<&str>) -> Account {
    let Connection {
        id,
        tenant,
        provider,
        account,
        settings,
        secrets,
    } = connection;
    // Lists of accounts are parted by blanks.
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) => {
            let entries: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
            entries.join(" ")
        }
        other => other.to_string(),
    };
    Account {
        account: account.clone().unwrap_or_else(|| id.to_string()),
        tenant: Some(tenant.to_string()),
        secrets: secrets
            .iter()
            .map(|(name, secret)| (name.to_owned(), secret.clone()))
            .collect(),
        settings: settings
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        webhook_url: ingress.map(|ingress| format!("{ingress}/webhooks/{provider}/{id}")),
        enforce_session: true,
        ..Account::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anywhere() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[tokio::test]
    async fn every_demo_connection_is_an_account_of_its_simulator_and_points_there() {
        let simulators = Simulators::start(anywhere()).await.unwrap();
        simulators.open_accounts(Some("http://127.0.0.1:8080"));
        for connection in &simulators.connections {
            let account = connection.account.as_deref().unwrap();
            let account = simulators.hub.account(&connection.provider, account).unwrap();
            let expected = format!(
                "http://127.0.0.1:8080/webhooks/{}/{}",
                connection.provider, connection.id
            );
            assert_eq!(account.webhook_url.as_deref(), Some(expected.as_str()));
            assert!(
                connection
                    .setting("base_url")
                    .unwrap()
                    .starts_with(&simulators.url())
            );
        }
        assert!(simulators.connection("jelou", "algesta").is_ok());
        assert!(simulators.connection("whatsapp_cloud", "norte").is_ok());
        assert!(simulators.connection("jelou", "norte").is_err());
        simulators.stop().await;
    }

    #[test]
    fn demo_secrets_are_clearly_no_secrets() {
        let secrets = DEMO.lines().filter(|line| line.starts_with("secrets"));
        for value in secrets.flat_map(|line| line.split('"').skip(1).step_by(2)) {
            assert!(value.contains("demo-"), "{value}");
        }
    }
}
