//! Two tenants, one of them at two messaging providers, at DocuSign and at two readers of pictures, and their accounts at
//! the simulators.

use puente_ports::Connection;
use puente_providers::sim::{Account, Hub};
use puente_types::Secret;

/// The WhatsApp number id of the tenant `algesta`.
pub const ALGESTA_NUMBER: &str = "106540352242922";
/// The WhatsApp number id of the tenant `norte`, behind the same app.
pub const NORTE_NUMBER: &str = "209988776655443";
/// The Jelou bot of the tenant `algesta`.
pub const JELOU_BOT: &str = "bot-algesta";

/// The DocuSign account of the tenant `algesta`.
pub const DOCUSIGN_ACCOUNT: &str = "8b1f0c52-7d3e-4a61-9a5e-0c2d4e6f8a10";
/// Its connection.
pub const DOCUSIGN: &str = "algesta-docusign";

/// The resource of the tenant `algesta` at Azure AI Vision, and its project at Google Cloud Vision.
pub const AZURE_VISION: &str = "algesta-azure";
/// The same at Google.
pub const GOOGLE_VISION: &str = "algesta-google";

/// The connections, pointing at simulators on `sims`.
pub(crate) fn all(sims: &str) -> Vec<Connection> {
    let cloud = |id: &str, tenant: &str, number: &str| {
        connection(
            sims,
            (id, tenant, "whatsapp_cloud", number),
            &[("waba_id", &format!("waba-{tenant}"))],
            &[
                ("app_secret", "e2e-app-secret"),
                ("verify_token", "e2e-verify-token"),
                ("access_token", &format!("e2e-token-{tenant}")),
            ],
        )
    };
    vec![
        cloud("algesta-wa", "algesta", ALGESTA_NUMBER),
        cloud("norte-wa", "norte", NORTE_NUMBER),
        connection(
            sims,
            ("algesta-jelou", "algesta", "jelou", JELOU_BOT),
            &[("bot_id", JELOU_BOT)],
            &[
                ("client_id", "e2e-client"),
                ("client_secret", "e2e-client-secret"),
                ("signing_secret", "e2e-signing-secret"),
                ("endpoint_credential", "e2e-endpoint"),
            ],
        ),
        connection(
            sims,
            (DOCUSIGN, "algesta", "docusign", DOCUSIGN_ACCOUNT),
            &[],
            &[
                ("integration_key", "e2e-integration-key"),
                ("secret_key", "e2e-docusign-secret"),
                ("hmac_key", "e2e-hmac-key="),
            ],
        ),
        connection(
            sims,
            (AZURE_VISION, "algesta", "azure_vision", AZURE_VISION),
            &[],
            &[("key", "e2e-azure-key")],
        ),
        connection(
            sims,
            (GOOGLE_VISION, "algesta", "google_vision", GOOGLE_VISION),
            &[],
            &[("api_key", "e2e-google-key")],
        ),
    ]
}

fn connection(
    sims: &str,
    (id, tenant, provider, account): (&str, &str, &str, &str),
    settings: &[(&str, &str)],
    secrets: &[(&str, &str)],
) -> Connection {
    let base_url = format!("{sims}/sim/{provider}");
    let known = puente_providers::find(provider)
        .expect("a provider of ours")
        .manifest();
    let settings = settings
        .iter()
        .filter(|(name, _)| known.settings.iter().any(|s| s.name == *name))
        .chain([&("base_url", base_url.as_str())])
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    Connection {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        provider: provider.into(),
        account: Some(account.into()),
        settings,
        secrets: secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
    }
}

/// Opens an account at the simulator for every connection; its webhooks go to `ingress`.
pub(crate) fn open_accounts(hub: &Hub, connections: &[Connection], ingress: &str) {
    for connection in connections {
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let account = Account {
            account: connection.account.clone().unwrap(),
            tenant: Some(connection.tenant.to_string()),
            secrets: connection
                .secrets
                .iter()
                .map(|(name, secret)| (name.to_owned(), secret.clone()))
                .collect(),
            settings: connection
                .settings
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            webhook_url: Some(format!(
                "{ingress}/webhooks/{}/{}",
                connection.provider, connection.id
            )),
            enforce_session: true,
            ..Account::default()
        };
        hub.put_account(&connection.provider, account);
    }
}
