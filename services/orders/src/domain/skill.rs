//! What the bot can do, as data. The files in `skills/` are read into these types; the engine follows them.
//!
//! Nothing here is text for people: texts are named by key, and notifications owns their words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::state::State;
use crate::domain::words::Phrase;

/// All that a tenant's bot knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillSet {
    /// The bot itself.
    pub bot: Bot,
    /// Skills by name.
    pub skills: BTreeMap<String, Skill>,
    /// The states that clients are told of.
    pub told: BTreeSet<State>,
}

/// What leads where, and what holds in every skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// The version of the file, counted by its author.
    pub version: u32,
    /// The language it understands.
    pub language: String,
    /// What people may want; for phrases of equal length the first wins.
    pub intents: Vec<Intent>,
    /// The skill that takes free text, from how many words on.
    pub free_text: Option<(String, usize)>,
    /// Texts of the bot itself.
    pub texts: BotTexts,
    /// Words that are understood everywhere.
    pub words: Words,
    /// After this pause a skill that was under way is forgotten.
    pub idle: Duration,
    /// After this pause the bot speaks again in a conversation that a person had.
    pub with_person: Duration,
}

/// Something that people may want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The skill that serves it.
    pub skill: String,
    /// How they say it.
    pub phrases: Vec<Phrase>,
    /// Payloads of buttons and list entries that mean it.
    pub choices: Vec<String>,
    /// An order number in the message means it.
    pub order_number: bool,
    /// Its phrases count also beside an order number, which the skill takes along.
    pub with_order_number: bool,
}

/// Keys of the bot's own texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotTexts {
    /// To somebody unknown who greets.
    pub greeting_new: String,
    /// To a client who greets.
    pub greeting_known: String,
    /// What the bot can do.
    pub menu: String,
    /// Not understood.
    pub fallback: String,
    /// What was under way is dropped.
    pub cancelled: String,
    /// A file without words.
    pub media: String,
    /// A person will answer.
    pub person: String,
}

/// Words that are understood everywhere, when they are the whole message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Greetings.
    pub greeting: Vec<Phrase>,
    /// Drop what is under way.
    pub cancel: Vec<Phrase>,
    /// Show the menu.
    pub menu: Vec<Phrase>,
    /// A person is wanted.
    pub person: Vec<Phrase>,
    /// Agreed.
    pub yes: Vec<Phrase>,
    /// Not agreed.
    pub no: Vec<Phrase>,
    /// May stand beside a yes or a no without changing it.
    pub polite: Vec<Phrase>,
    /// No answer to an optional question.
    pub skip: Vec<Phrase>,
}

/// One skill: questions, and what is done with the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// Its name, unique in the set.
    pub name: String,
    /// The version of the file, counted by its author.
    pub version: u32,
    /// Only for registered clients: others are registered first.
    pub client_only: bool,
    /// Questions in order.
    pub steps: Vec<Step>,
    /// Invalid answers in a row before a person takes over.
    pub max_tries: u32,
    /// The text that says so; empty where nothing is asked.
    pub handover: String,
    /// What is done in the end.
    pub done: Completion,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name of the answer.
    pub field: String,
    /// What kind of answer is wanted.
    pub kind: Kind,
    /// The text that asks.
    pub ask: String,
    /// The text that asks again.
    pub retry: String,
    /// Not asked when this is known.
    pub known: Option<Known>,
    /// The message that began the skill answers the question if it has at least so many words.
    pub opening_words: Option<usize>,
    /// May be skipped.
    pub optional: bool,
    /// Beginnings of answers that are not part of them: `me llamo`.
    pub leads: Vec<Phrase>,
}

/// The kind of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Words, from so many to so many characters.
    Text(usize, usize),
    /// A name, from so many to so many characters.
    Name(usize, usize),
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A place, written or sent.
    Location(usize, usize),
    /// One of these.
    Choice(Vec<Choice>),
    /// The number of an order.
    OrderNumber,
    /// A tax id.
    Nit,
    /// The tax id of who the order is for, checked among our clients and in the tenant's ERP.
    CheckClient {
        /// The text that asks for the check digit, where nobody knows the tax id without it.
        digit: String,
    },
    /// Yes, or else everything is asked again.
    Confirm,
}

/// One of several answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is kept.
    pub value: String,
    /// What people read.
    pub label: String,
    /// How they say it.
    pub phrases: Vec<Phrase>,
}

/// What may be known without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The number that the provider vouches for.
    ContactPhone,
    /// The place of the registered client.
    ClientLocation,
}

/// What a skill ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// A client is registered. `done` says so, `already` that this had happened before.
    RegisterClient {
        /// The text when nothing else follows.
        done: String,
        /// The text for somebody who is registered.
        already: String,
    },
    /// An order is opened; its event brings the confirmation.
    OpenOrder,
    /// The client is told of an order.
    TrackOrder {
        /// The text with the state.
        found: String,
        /// The text when the client has no such order.
        not_found: String,
    },
    /// A capture of a serial plate is opened; ocr goes on with the person.
    CapturePlate {
        /// The text that asks for the photograph.
        ask: String,
        /// The text when the order that was named is none of the speaker's.
        order_unknown: String,
        /// Captures that one conversation may begin within a day.
        per_day: u32,
        /// The text when those are used up.
        too_many: String,
    },
}

impl SkillSet {
    /// The skill that registers clients.
    #[must_use]
    pub fn registration(&self) -> Option<&Skill> {
        self.skills
            .values()
            .find(|skill| matches!(skill.done, Completion::RegisterClient { .. }))
    }

    /// How many captures one conversation may begin within a day, and the text when those are used up.
    #[must_use]
    pub fn captures_per_day(&self) -> Option<(u32, &str)> {
        self.skills.values().find_map(|skill| match &skill.done {
            Completion::CapturePlate {
                per_day, too_many, ..
            } => Some((*per_day, too_many.as_str())),
            _ => None,
        })
    }

    /// Every text that may be asked for, by key.
    #[must_use]
    pub fn texts(&self) -> BTreeSet<&str> {
        let bot = &self.bot.texts;
        let mut keys: BTreeSet<&str> = [
            &bot.greeting_new,
            &bot.greeting_known,
            &bot.menu,
            &bot.fallback,
            &bot.cancelled,
            &bot.media,
            &bot.person,
        ]
        .into_iter()
        .map(String::as_str)
        .collect();
        for skill in self.skills.values() {
            if !skill.handover.is_empty() {
                keys.insert(&skill.handover);
            }
            keys.extend(
                skill
                    .steps
                    .iter()
                    .flat_map(|step| [step.ask.as_str(), step.retry.as_str()]),
            );
            keys.extend(skill.steps.iter().filter_map(|step| match &step.kind {
                Kind::CheckClient { digit } => Some(digit.as_str()),
                _ => None,
            }));
            match &skill.done {
                Completion::RegisterClient { done, already } => {
                    keys.extend([done.as_str(), already.as_str()]);
                }
                Completion::TrackOrder { found, not_found } => {
                    keys.extend([found.as_str(), not_found.as_str()]);
                }
                Completion::CapturePlate {
                    ask,
                    order_unknown,
                    too_many,
                    ..
                } => {
                    keys.extend([ask.as_str(), order_unknown.as_str(), too_many.as_str()]);
                }
                Completion::OpenOrder => {}
            }
        }
        keys
    }
}

impl Skill {
    /// The question for the tax id of who it is for, if the skill asks one.
    #[must_use]
    pub fn client_step(&self) -> Option<&Step> {
        self.steps
            .iter()
            .find(|step| matches!(step.kind, Kind::CheckClient { .. }))
    }

    /// The question to ask next; `None` when all is answered.
    #[must_use]
    pub fn next_step(&self, answers: &BTreeMap<String, String>) -> Option<&Step> {
        self.steps.iter().find(|step| !answers.contains_key(&step.field))
    }
}
