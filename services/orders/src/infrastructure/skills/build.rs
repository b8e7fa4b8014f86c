//! From files to a checked set. Every check that can be made without a person writing is made here, so that the
//! engine never meets a set that it cannot follow.

mod bot;
mod check;
mod skill;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::file::{BotFile, SkillFile, UpdatesFile};
use super::problem::Examined;
use super::{Files, Problem};
use crate::domain::skill::{Completion, SkillSet};
use crate::domain::state::{State, TABLE};
use crate::domain::words::Phrase;

/// The form of the files that this version reads.
const FORMAT: u32 = 1;

pub(super) fn build(files: &Files) -> Result<SkillSet, Vec<Problem>> {
    let mut problems = Vec::new();
    let bot = read::<BotFile, _>(files, "bot.toml", &mut problems, bot::build);
    let told = read::<UpdatesFile, _>(files, "status_updates.toml", &mut problems, told);
    let Some((names, bot)) = bot else {
        return Err(problems);
    };
    let mut skills = BTreeMap::new();
    for name in &names {
        let file = format!("{name}.toml");
        let skill = read::<SkillFile, _>(files, &file, &mut problems, |written, file| {
            skill::build(written, name, file)
        });
        if let Some(skill) = skill {
            skills.insert(name.clone(), skill);
        }
    }
    let set = SkillSet {
        bot,
        skills,
        told: told.unwrap_or_default(),
    };
    if problems.is_empty() {
        // What concerns several files is only worth saying when each is right by itself.
        together(files, &set, &mut problems);
    }
    if problems.is_empty() {
        Ok(set)
    } else {
        Err(problems)
    }
}

/// Reads one file and lets `build` make of it what it is for.
fn read<F: DeserializeOwned, T>(
    files: &Files,
    name: &str,
    problems: &mut Vec<Problem>,
    build: impl FnOnce(F, &mut Examined<'_>) -> T,
) -> Option<T> {
    let (path, text) = match files.read(name) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let mut file = Examined::new(&path, &text);
    let built = match toml::from_str::<F>(&text) {
        Ok(written) => Some(build(written, &mut file)),
        Err(error) => {
            file.syntax(&error);
            None
        }
    };
    problems.append(&mut file.found);
    built
}

fn told(written: UpdatesFile, file: &mut Examined<'_>) -> BTreeSet<State> {
    check::format(&written.format, file);
    check::version(&written.version, file);
    let mut states = BTreeSet::new();
    for name in written.states {
        match name.get_ref().parse::<State>() {
            Err(error) => file.at(&name.span(), "states", error.to_string()),
            Ok(state) if !state.visible() => {
                file.at(
                    &name.span(),
                    "states",
                    format!("`{state}` is internal: clients are not told of it"),
                );
            }
            Ok(state) if !TABLE.iter().any(|(_, _, to)| *to == state) => {
                file.at(
                    &name.span(),
                    "states",
                    format!("no transition leads to `{state}`"),
                );
            }
            Ok(state) if !states.insert(state) => {
                file.at(&name.span(), "states", format!("`{state}` is listed twice"));
            }
            Ok(_) => {}
        }
    }
    states
}

/// What concerns several files.
fn together(files: &Files, set: &SkillSet, problems: &mut Vec<Problem>) {
    let (path, text) = files.read("bot.toml").unwrap_or_default();
    let mut file = Examined::new(&path, &text);
    let registering: Vec<&str> = set
        .skills
        .values()
        .filter(|skill| matches!(skill.done, Completion::RegisterClient { .. }))
        .map(|skill| skill.name.as_str())
        .collect();
    if registering.len() > 1 {
        file.whole(
            "skills",
            format!(
                "only one skill may register clients, not {}",
                registering.join(" and ")
            ),
        );
    }
    for skill in set.skills.values() {
        if skill.client_only && registering.is_empty() {
            file.whole(
                "skills",
                format!(
                    "`{}` is for clients only, but no skill registers clients",
                    skill.name
                ),
            );
        }
        let intended = set.bot.intents.iter().any(|intent| intent.skill == skill.name);
        let by_text = set
            .bot
            .free_text
            .as_ref()
            .is_some_and(|(name, _)| *name == skill.name);
        if !intended && !by_text && !registering.contains(&skill.name.as_str()) {
            file.whole(
                "skills",
                format!("nothing leads to `{}`: it has no intent", skill.name),
            );
        }
    }
    problems.append(&mut file.found);
}

/// Phrases of a list; one that says nothing is a mistake.
fn phrases(list: Vec<Spanned<String>>, key: &str, file: &mut Examined<'_>) -> Vec<Phrase> {
    let mut phrases = Vec::with_capacity(list.len());
    for text in list {
        let phrase = Phrase::new(text.get_ref());
        if phrase.is_empty() {
            file.at(&text.span(), key, "a phrase needs at least one letter or digit");
        } else {
            phrases.push(phrase);
        }
    }
    phrases
}
