//! `puente connections`: seals what an operator wrote down, and hands it to the services by the broker.

use std::time::Duration;

use anyhow::{Context, anyhow};
use puente_ports::Manifest;
use puente_service::{NatsConfig, nats};
use puente_types::ConnectionId;
use puente_vault::{ConnectionsFile, publish};

use crate::cli::{ConnectionsAction, ConnectionsArgs};
use crate::events::broker::without_secrets;
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui};

/// Acknowledgements are on their way when a command ends.
pub(crate) const CLOSE: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: ConnectionsArgs, ui: &Ui) -> Done {
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    // What is wrong with the file is told before anything is connected to.
    let file = match &args.action {
        ConnectionsAction::Apply { file } => {
            let variable = |name: &str| process.variable(name);
            Some(ConnectionsFile::read(file, &manifest, &variable).map_err(Failed::usage)?)
        }
        ConnectionsAction::List | ConnectionsAction::Remove { .. } => None,
    };
    let client = connect(target.nats()?).await?;
    match (args.action, file) {
        (ConnectionsAction::Apply { .. }, Some(file)) => {
            let masters = target.master_keys(&process)?;
            let applied = publish::apply(&client, &masters, file.connections).await?;
            say(ui, Tone::Good, "new", &applied.created);
            say(ui, Tone::Notice, "changed", &applied.updated);
            say(ui, Tone::Dim, "as before", &applied.unchanged);
        }
        (ConnectionsAction::Remove { id }, _) => {
            let id: ConnectionId = id.parse().map_err(Failed::usage)?;
            if publish::remove(&client, &id).await? {
                say(ui, Tone::Notice, "removed", &[id]);
            } else {
                return Err(Failed::from(anyhow!(
                    "there was no connection `{id}`; services forget it in any case"
                )));
            }
        }
        (ConnectionsAction::List | ConnectionsAction::Apply { .. }, _) => list(&client, ui).await?,
    }
    nats::drain(&client, CLOSE).await;
    Ok(())
}

/// A provider's manifest, for checking a connections file.
pub(crate) fn manifest(slug: &str) -> Option<&'static Manifest> {
    puente_providers::find(slug).map(|provider| provider.manifest())
}

/// A connection to the broker that is really there.
pub(crate) async fn connect(config: &NatsConfig) -> Done<async_nats::Client> {
    let client = nats::connect(config, "puente")
        .await
        .context("the broker cannot be used")?;
    nats::ready(&client).map_err(|reason| {
        anyhow!(
            "the broker at {} does not answer: {reason}",
            without_secrets(&config.url)
        )
    })?;
    Ok(client)
}

fn say(ui: &Ui, tone: Tone, what: &str, ids: &[ConnectionId]) {
    for id in ids {
        ui.line(&format!("{} {id}", ui.paint(tone, what)));
    }
}

async fn list(client: &async_nats::Client, ui: &Ui) -> Done {
    let rows: Vec<_> = publish::list(client)
        .await?
        .into_iter()
        .map(|listed| {
            vec![
                listed.id.to_string(),
                listed.tenant.to_string(),
                listed.provider,
                listed.account.unwrap_or_default(),
                listed.secrets.join(", "),
                listed.master,
            ]
        })
        .collect();
    if rows.is_empty() {
        ui.line("no connections yet; `puente connections apply FILE` puts some in place");
    } else {
        ui.table(
            &[
                "connection",
                "tenant",
                "provider",
                "account",
                "secrets",
                "sealed under",
            ],
            &rows,
        );
    }
    Ok(())
}
