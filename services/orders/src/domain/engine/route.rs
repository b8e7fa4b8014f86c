//! From a message out of nowhere to the skill that serves it, and its first question.

use std::collections::BTreeMap;

use crate::domain::conversation::{Heard, Mode, Next, Progress};
use crate::domain::engine::Bot;
use crate::domain::number::OrderNumber;
use crate::domain::skill::{Completion, Intent, Kind, Known, Skill, SkillSet};
use crate::domain::words::Phrase;

impl Bot<'_> {
    /// Nothing is under way: what does the person want?
    pub(super) fn route(&mut self, heard: &Heard) {
        let set = self.set;
        if heard.is_bare_media() {
            return self.note_media();
        }
        let said = Phrase::new(&heard.text);
        if let Some(skill) = wanted(set, heard, &said) {
            return self.begin(skill, &heard.text);
        }
        if said.is_made_of(&set.bot.words.greeting) {
            let texts = &set.bot.texts;
            let text = if self.facts.client.is_some() {
                &texts.greeting_known
            } else {
                &texts.greeting_new
            };
            return self.reply(text, BTreeMap::new());
        }
        match &set.bot.free_text {
            Some((skill, words)) if said.len() >= *words => self.begin(skill, &heard.text),
            _ => self.reply(&set.bot.texts.fallback, BTreeMap::new()),
        }
    }

    /// Begins a skill; somebody unknown is registered first, and the message that began it is kept for afterwards.
    pub(super) fn begin(&mut self, name: &str, opening: &str) {
        let set = self.set;
        let Some(skill) = set.skills.get(name) else {
            return self.reply(&set.bot.texts.fallback, BTreeMap::new());
        };
        let known = self.facts.client.is_some();
        if let (Completion::RegisterClient { already, .. }, true) = (&skill.done, known) {
            return self.reply(already, BTreeMap::new());
        }
        match set.registration() {
            Some(registration) if skill.client_only && !known => {
                let then = Some(Next {
                    skill: name.to_owned(),
                    opening: opening.to_owned(),
                });
                let answers = self.already_known(registration, "");
                self.go_on(Progress {
                    skill: registration.name.clone(),
                    answers,
                    then,
                    ..Progress::default()
                });
            }
            _ => {
                if let Completion::CapturePlate {
                    ask, order_unknown, ..
                } = &skill.done
                {
                    return self.open_capture(ask, order_unknown, opening);
                }
                let answers = self.already_known(skill, opening);
                let may_begin_again = skill.client_step().is_some();
                self.go_on(Progress {
                    skill: name.to_owned(),
                    answers,
                    opening: if may_begin_again {
                        opening.to_owned()
                    } else {
                        String::new()
                    },
                    ..Progress::default()
                });
            }
        }
    }

    /// Answers that need no question.
    pub(super) fn already_known(&self, skill: &Skill, opening: &str) -> BTreeMap<String, String> {
        let said = Phrase::new(opening);
        let of = |step: &crate::domain::skill::Step| {
            let known = match step.known {
                Some(Known::ContactPhone) => {
                    self.facts.phone.as_ref().map(|phone| phone.as_e164().to_owned())
                }
                Some(Known::ClientLocation) => {
                    self.facts.client.as_ref().map(|client| client.location.clone())
                }
                None if matches!(step.kind, Kind::CheckClient { .. }) => {
                    self.facts.client.as_ref().and_then(|client| client.nit.clone())
                }
                None => None,
            };
            let from_opening = || {
                let enough = step.opening_words.is_some_and(|words| said.len() >= words);
                if enough {
                    self.read_opening(step, opening, &said)
                } else {
                    None
                }
            };
            from_opening()
                .or(known)
                .map(|answer| (step.field.clone(), answer))
        };
        skill.steps.iter().filter_map(of).collect()
    }

    /// Asks the next question, or does what the skill is for.
    pub(super) fn go_on(&mut self, progress: Progress) {
        let set = self.set;
        let Some(skill) = set.skills.get(&progress.skill) else {
            return self.reply(&set.bot.texts.fallback, BTreeMap::new());
        };
        match skill.next_step(&progress.answers) {
            Some(step) => {
                self.reply(&step.ask, variables(skill, &progress));
                self.conversation.mode = Mode::Asking(progress);
            }
            None => self.complete(skill, progress),
        }
    }
}

/// The skill of the intent that fits best: a button, else an order number, else the phrase of most words.
fn wanted<'s>(set: &'s SkillSet, heard: &Heard, said: &Phrase) -> Option<&'s str> {
    if let Some(skill) = heard.choice.as_deref().and_then(|choice| chosen(set, choice)) {
        return Some(skill);
    }
    let intents = &set.bot.intents;
    if OrderNumber::find(&heard.text).is_some() {
        // A skill that takes a number along is meant by its phrase; a number alone means the one that is for numbers.
        let beside = by_phrase(intents.iter().filter(|intent| intent.with_order_number), said);
        let alone = || intents.iter().find(|intent| intent.order_number);
        if let Some(skill) = beside.or_else(|| alone().map(|intent| intent.skill.as_str())) {
            return Some(skill);
        }
    }
    by_phrase(intents.iter(), said)
}

/// The skill of the phrase of most words; the first of equals.
fn by_phrase<'s>(intents: impl Iterator<Item = &'s Intent>, said: &Phrase) -> Option<&'s str> {
    let mut best: Option<(usize, &str)> = None;
    for intent in intents {
        let longest = intent
            .phrases
            .iter()
            .filter(|phrase| said.contains(phrase))
            .map(Phrase::len)
            .max();
        match (longest, best) {
            (Some(words), Some((most, _))) if words <= most => {}
            (Some(words), _) => best = Some((words, &intent.skill)),
            (None, _) => {}
        }
    }
    best.map(|(_, skill)| skill)
}

/// The skill behind a button's payload.
pub(super) fn chosen<'s>(set: &'s SkillSet, choice: &str) -> Option<&'s str> {
    let meant = set
        .bot
        .intents
        .iter()
        .find(|intent| intent.choices.iter().any(|c| c == choice))?;
    Some(&meant.skill)
}

/// The answers so far as people read them, and the choices of the present question.
pub(super) fn variables(skill: &Skill, progress: &Progress) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for step in &skill.steps {
        let (Some(answer), false) = (progress.answers.get(&step.field), step.kind == Kind::Confirm) else {
            continue;
        };
        let shown = match &step.kind {
            Kind::Choice(choices) => choices
                .iter()
                .find(|c| c.value == *answer)
                .map_or(answer, |c| &c.label),
            _ => answer,
        };
        variables.insert(step.field.clone(), shown.clone());
    }
    if let Some(Kind::Choice(choices)) = skill.next_step(&progress.answers).map(|step| &step.kind) {
        let lines = choices
            .iter()
            .enumerate()
            .map(|(at, choice)| format!("{}. {}", at + 1, choice.label));
        variables.insert("options".to_owned(), lines.collect::<Vec<_>>().join("\n"));
    }
    variables
}
