//! `puente config check|show`: what the services would run with.

use anyhow::anyhow;
use puente_service::config::Shown;
use puente_service::{ConfigError, Overrides, Sources};

use crate::cli::{ConfigAction, ConfigArgs};
use crate::exit::{Done, Failed};
use crate::fleet::{self, Member};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui};

pub(crate) fn run(args: &ConfigArgs, ui: &Ui) -> Done {
    let (ConfigAction::Check { services } | ConfigAction::Show { services }) = &args.action;
    let members = fleet::choose(services)?;
    let sources = Process::sources()?;
    // A mistake in what all services share must not hide those of each service.
    let process = Process::of(sources.clone());
    let home = Home::new(&args.dir.dir)?;
    let mut wrong = Vec::new();
    for member in members {
        match (
            configuration(member, &sources, process.as_ref().ok(), &home)?,
            &args.action,
        ) {
            (Err(error), _) => wrong.push(error.to_string()),
            (Ok(_), ConfigAction::Check { .. }) => {
                ui.line(&format!("{} {}", ui.paint(Tone::Good, "good"), member.name));
            }
            (Ok(keys), ConfigAction::Show { .. }) => show(member.name, &keys, ui),
        }
    }
    if wrong.is_empty() {
        return process.map(drop);
    }
    Err(Failed::usage(anyhow!("{}", wrong.join("\n"))))
}

fn configuration(
    member: &Member,
    sources: &Sources,
    process: Option<&Process>,
    home: &Home,
) -> Done<Result<Vec<Shown>, ConfigError>> {
    let overrides = match process {
        Some(process) => Target::find(process, home).overrides(process, member)?,
        None => Overrides::default(),
    };
    Ok(member.configuration(&sources.clone().with_overrides(overrides)))
}

fn show(service: &str, keys: &[Shown], ui: &Ui) {
    ui.heading(&format!("[{service}]"));
    let rows: Vec<_> = keys
        .iter()
        .map(|shown| {
            vec![
                shown.key.clone(),
                format!("= {}", shown.value),
                format!("# {}", shown.origin),
            ]
        })
        .collect();
    ui.table(&[], &rows);
}
