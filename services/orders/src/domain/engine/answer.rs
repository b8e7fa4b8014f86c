//! Answers to questions: read, accepted or asked again; and what is done when all are there.

use crate::domain::client::{self, BadField, Registration};
use crate::domain::conversation::{Heard, Mode, Progress};
use crate::domain::engine::company::NIT;
use crate::domain::engine::route::{chosen, variables};
use crate::domain::engine::{Action, Bot, KnownClient};
use crate::domain::number::OrderNumber;
use crate::domain::order::Request;
use crate::domain::skill::{Choice, Completion, Kind, Skill, Step};
use crate::domain::words::{Phrase, tidy, without_lead};

/// What an answer is worth.
enum Read {
    /// This.
    Value(String),
    /// The person does not agree to the summary.
    Disagrees,
    /// Politeness, but no answer.
    Greeting,
    /// Not what was asked for.
    Bad,
}

impl Bot<'_> {
    /// A skill is under way: the message answers its question.
    pub(super) fn answer(&mut self, mut progress: Progress, heard: &Heard) {
        let set = self.set;
        let Some(skill) = set.skills.get(&progress.skill) else {
            return self.route(heard);
        };
        let Some(step) = skill.next_step(&progress.answers) else {
            return self.go_on(progress);
        };
        if heard.is_bare_media() {
            self.conversation.mode = Mode::Asking(progress);
            return self.note_media();
        }
        if let Kind::CheckClient { digit } = &step.kind {
            return self.answer_nit((skill, step), digit, progress, heard);
        }
        match self.read(step, heard) {
            Read::Value(value) => {
                progress.answers.insert(step.field.clone(), value);
                progress.tries = 0;
                self.go_on(progress);
            }
            Read::Disagrees => {
                let Progress {
                    skill: name,
                    then,
                    opening,
                    mut answers,
                    ..
                } = progress;
                // What no question of this skill asks for was brought along, and is not asked again.
                answers.retain(|field, _| skill.steps.iter().all(|step| step.field != *field));
                self.go_on(Progress {
                    skill: name,
                    then,
                    opening,
                    answers,
                    ask_all: true,
                    ..Progress::default()
                });
            }
            Read::Greeting => self.go_on(progress),
            Read::Bad => self.not_understood(skill, &step.retry, progress, heard),
        }
    }

    /// Not what was asked for. Only a button of the menu leads away: words may well be part of an answer.
    pub(super) fn not_understood(&mut self, skill: &Skill, retry: &str, progress: Progress, heard: &Heard) {
        let set = self.set;
        match heard.choice.as_deref().and_then(|choice| chosen(set, choice)) {
            Some(other) => self.begin(other, ""),
            None => self.ask_again(skill, retry, progress),
        }
    }

    /// Asks by the text `retry`, until it was tried too often.
    pub(super) fn ask_again(&mut self, skill: &Skill, retry: &str, mut progress: Progress) {
        progress.tries += 1;
        let variables = variables(skill, &progress);
        if progress.tries >= skill.max_tries {
            self.conversation.mode = Mode::WithPerson;
            return self.reply(&skill.handover, variables);
        }
        self.reply(retry, variables);
        self.conversation.mode = Mode::Asking(progress);
    }

    fn read(&self, step: &Step, heard: &Heard) -> Read {
        let words = &self.set.bot.words;
        let said = Phrase::new(&heard.text);
        let picked = heard.choice.as_deref().map(Phrase::new);
        if step.kind == Kind::Confirm {
            let means = |list: &[Phrase]| {
                said.is_mainly(list, &words.polite)
                    || picked.as_ref().is_some_and(|picked| picked.is_any(list))
            };
            return match (means(&words.yes), means(&words.no)) {
                (true, false) => Read::Value("yes".to_owned()),
                (false, true) => Read::Disagrees,
                _ if said.is_made_of(&words.greeting) => Read::Greeting,
                _ => Read::Bad,
            };
        }
        if step.optional && said.is_any(&words.skip) {
            return Read::Value(String::new());
        }
        if said.is_made_of(&words.greeting) && heard.place.is_none() {
            return Read::Greeting;
        }
        self.read_value(step, heard, &said).map_or(Read::Bad, Read::Value)
    }

    fn read_value(&self, step: &Step, heard: &Heard, said: &Phrase) -> Result<String, BadField> {
        let text = without_lead(&heard.text, &step.leads);
        match &step.kind {
            Kind::Text(min, max) => client::line(text, *min, *max),
            Kind::Name(min, max) => client::name(text, *min, *max),
            Kind::Email => client::email(text),
            Kind::Phone => client::phone(text, self.facts.region).map(|phone| phone.as_e164().to_owned()),
            Kind::Location(min, max) => match &heard.place {
                // A pin on the map is a place however short its name is.
                Some(place) => client::line(place, 1, *max),
                None => client::line(text, *min, *max),
            },
            Kind::Choice(choices) => {
                let by_payload = heard
                    .choice
                    .as_deref()
                    .and_then(|p| choices.iter().find(|c| c.value == p));
                let by_number = || tidy(text).trim_end_matches(['.', ')']).parse::<usize>().ok();
                by_payload
                    .or_else(|| by_number().and_then(|n| choices.get(n.checked_sub(1)?)))
                    .or_else(|| by_words(choices, said))
                    .map(|choice| choice.value.clone())
                    .ok_or(BadField::Choice)
            }
            Kind::OrderNumber => OrderNumber::read(text)
                .map(|n| n.to_string())
                .ok_or(BadField::Form),
            Kind::Nit => client::nit(text).map(|nit| nit.to_string()),
            // Read elsewhere: their answers are no single value.
            Kind::CheckClient { .. } | Kind::Confirm => Err(BadField::Form),
        }
    }

    /// What the message that began a skill says about a question; only what is clear counts.
    pub(super) fn read_opening(&self, step: &Step, opening: &str, said: &Phrase) -> Option<String> {
        match &step.kind {
            Kind::Choice(choices) => by_words(choices, said).map(|choice| choice.value.clone()),
            Kind::OrderNumber => OrderNumber::find(opening).map(|number| number.to_string()),
            Kind::Text(min, max) => client::line(opening, *min, *max).ok(),
            _ => None,
        }
    }

    /// All is answered: what the skill is for.
    pub(super) fn complete(&mut self, skill: &Skill, progress: Progress) {
        let variables = variables(skill, &progress);
        self.conversation.mode = Mode::Idle;
        let field = |name: &str| progress.answers.get(name).cloned().unwrap_or_default();
        match &skill.done {
            Completion::RegisterClient { done, .. } => {
                let Some(registration) = self.registration(&field) else {
                    // The file promises these fields and its check proves it; a person sorts out what is left.
                    self.conversation.mode = Mode::WithPerson;
                    return self.reply(&skill.handover, variables);
                };
                self.facts.client = Some(KnownClient {
                    name: registration.name.clone(),
                    location: registration.location.clone(),
                    nit: registration.nit.as_ref().map(ToString::to_string),
                });
                self.actions.push(Action::RegisterClient(registration));
                match progress.then {
                    Some(next) => self.begin(&next.skill, &next.opening),
                    None => self.reply(done, variables),
                }
            }
            // A skill that became this one while it was asking.
            Completion::CapturePlate {
                ask, order_unknown, ..
            } => self.open_capture(ask, order_unknown, ""),
            Completion::OpenOrder => self.actions.push(Action::OpenOrder {
                request: Request {
                    // As people read it: the same word stands in the confirmation, in the console and in tasks.
                    service: variables.get("service").cloned().unwrap_or_default(),
                    description: field("description"),
                    location: field("location"),
                },
                company: skill
                    .client_step()
                    .and_then(|step| client::nit(&field(&step.field)).ok()),
            }),
            Completion::TrackOrder { found, not_found } => match OrderNumber::read(&field("number")) {
                Some(number) => self.actions.push(Action::TrackOrder {
                    number,
                    found: found.clone(),
                    not_found: not_found.clone(),
                }),
                None => self.reply(not_found, variables),
            },
        }
    }

    fn registration(&self, field: &dyn Fn(&str) -> String) -> Option<Registration> {
        let phone = client::phone(&field("phone"), self.facts.region)
            .ok()
            .or_else(|| self.facts.phone.clone())?;
        let nit = field(NIT);
        Some(Registration {
            name: Some(field("name")).filter(|name| !name.is_empty())?,
            email: field("email"),
            phone,
            location: field("location"),
            nit: if nit.is_empty() {
                None
            } else {
                client::nit(&nit).ok()
            },
        })
    }
}

/// The choice whose phrase has most words in common; the first of equals.
fn by_words<'c>(choices: &'c [Choice], said: &Phrase) -> Option<&'c Choice> {
    let mut best: Option<(usize, &Choice)> = None;
    for choice in choices {
        let longest = choice
            .phrases
            .iter()
            .filter(|phrase| said.contains(phrase))
            .map(Phrase::len)
            .max();
        if let Some(words) = longest
            && best.is_none_or(|(most, _)| words > most)
        {
            best = Some((words, choice));
        }
    }
    best.map(|(_, choice)| choice)
}
