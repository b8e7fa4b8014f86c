//! `puente config check|show`: what the services would run with.

use anyhow::anyhow;
use puente_service::ConfigError;
use puente_service::config::Shown;

use crate::cli::{ConfigAction, ConfigArgs};
use crate::exit::{Done, Failed};
use crate::fleet::{self, Member};
use crate::home::Home;
use crate::target::{Process, Target};
use crate::ui::{Tone, Ui};

pub(crate) fn run(args: &ConfigArgs, ui: &Ui) -> Done {
    let (ConfigAction::Check { services } | ConfigAction::Show { services }) = &args.action;
    let members = fleet::choose(services)?;
    let process = Process::read()?;
    let target = Target::find(&process, &Home::new(&args.dir.dir)?);
    let mut wrong = Vec::new();
    for member in members {
        match (configuration(member, &process, &target)?, &args.action) {
            (Err(error), _) => wrong.push(error.to_string()),
            (Ok(_), ConfigAction::Check { .. }) => {
                ui.line(&format!("{} {}", ui.paint(Tone::Good, "good"), member.name));
            }
            (Ok(keys), ConfigAction::Show { .. }) => show(member.name, &keys, ui),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failed::usage(anyhow!("{}", wrong.join("\n")))) }
}

fn configuration(member: &Member, process: &Process, target: &Target) -> Done<Result<Vec<Shown>, ConfigError>> {
    let overrides = target.overrides(process, member)?;
    Ok(member.configuration(&process.sources.clone().with_overrides(overrides)))
}

fn show(service: &str, keys: &[Shown], ui: &Ui) {
    ui.heading(&format!("[{service}]"));
    let rows: Vec<_> = keys
        .iter()
        .map(|shown| vec![shown.key.clone(), format!("= {}", shown.value), format!("# {}", shown.origin)])
        .collect();
    ui.table(&[], &rows);
}
