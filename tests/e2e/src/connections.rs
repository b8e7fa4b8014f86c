//! Two tenants, one of them at two messaging providers, at DocuSign and at two readers of pictures, the other with a task
//! manager, and their accounts at the simulators.

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

/// The Asana workspace of the tenant `norte`.
pub const ASANA: &str = "1100000000000001";
/// Its project.
pub const ASANA_PROJECT: &str = "1100000000000002";
/// Sections that stand for states of an order; the others go into the notes.
pub const ASANA_SECTIONS: [(&str, &str); 3] = [
    ("Nueva", "1100000000000010"),
    ("Asignada", "1100000000000011"),
    ("EnCotizacion", "1100000000000012"),
];

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
        asana(sims),
    ]
}

/// The task manager of the tenant `norte`, over a token of an OAuth app that does not end.
fn asana(sims: &str) -> Connection {
    let mut asana = connection(
        sims,
        ("norte-asana", "norte", "asana", ASANA),
        &[("project", ASANA_PROJECT)],
        &[("access_token", "e2e-asana-token")],
    );
    let sections = ASANA_SECTIONS.map(|(state, section)| format!("{state}={section}"));
    asana
        .settings
        .insert("sections".to_owned(), sections.to_vec().into());
    // A paid plan, on both sides: long runs open more orders in a minute than a free one takes.
    for (name, value) in [("quota_per_minute", "1500/60000"), ("minute_limit", "1500")] {
        asana.settings.insert(name.to_owned(), value.into());
    }
    asana
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
        // Lists of accounts are parted by blanks.
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(list) => {
                let entries: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
                entries.join(" ")
            }
            other => other.to_string(),
        };
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
