//! `puente simulate`: the simulators of all providers, for a fleet that runs elsewhere.

use crate::cli::SimulateArgs;
use crate::exit::Done;
use crate::signals::Signals;
use crate::simulators::Simulators;
use crate::target::Process;
use crate::ui::{Tone, Ui};

pub(crate) async fn run(args: SimulateArgs, ui: &Ui) -> Done {
    let process = Process::read()?;
    let mut signals = Signals::catch()?;
    let variable = |name: &str| process.variable(name);
    let simulators = match &args.connections {
        Some(file) => Simulators::start_with(args.listen, file, &variable).await?,
        None => Simulators::start(args.listen).await?,
    };
    let webhooks = args.webhooks.trim_end_matches('/');
    simulators.open_accounts(Some(webhooks));
    let rows: Vec<_> = simulators
        .connections
        .iter()
        .map(|connection| {
            vec![
                connection.provider.clone(),
                connection.account.clone().unwrap_or_default(),
                format!("{}/{}", simulators.url(), connection.provider),
                format!("{webhooks}/webhooks/{}/{}", connection.provider, connection.id),
            ]
        })
        .collect();
    ui.heading("The simulators answer. Ctrl-C stops them.");
    ui.table(&["provider", "account", "base_url", "webhooks to"], &rows);
    let control = "  Under each base URL: /_control/inbound lets a person write, /_control/journal tells what was sent.";
    ui.line(&ui.paint(Tone::Dim, control));
    signals.next().await;
    simulators.stop().await;
    Ok(())
}
