//! `puente skills check`: reads skill files as the orders service would.

use anyhow::anyhow;

use crate::cli::{SkillsAction, SkillsArgs};
use crate::exit::{Done, Failed};
use crate::ui::{Tone, Ui};

pub(crate) fn run(args: &SkillsArgs, ui: &Ui) -> Done {
    let SkillsAction::Check { folder } = &args.action;
    match puente_orders::skills::check(folder) {
        Ok(summary) => {
            for (set, skills) in &summary.sets {
                let skills: Vec<_> = skills
                    .iter()
                    .map(|(name, version)| format!("{name} {version}"))
                    .collect();
                ui.line(&format!(
                    "{} {set}: {}",
                    ui.paint(Tone::Good, "good"),
                    skills.join(", ")
                ));
            }
            ui.line(&ui.paint(Tone::Dim, &format!("{} texts are used", summary.texts.len())));
            Ok(())
        }
        Err(problems) => {
            let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
            Err(Failed::usage(anyhow!(
                "the skills are not right:{}",
                lines.concat()
            )))
        }
    }
}
