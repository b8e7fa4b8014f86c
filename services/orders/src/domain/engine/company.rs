//! Who an order is for: the tax id that is asked for, and where each verdict about it leads.

use puente_types::Nit;

use crate::domain::client::{self, Registration, WrittenNit};
use crate::domain::company::{Company, Verdict};
use crate::domain::conversation::{Conversation, Heard, Mode, Next, Progress};
use crate::domain::engine::route::variables;
use crate::domain::engine::{Action, Bot};
use crate::domain::skill::{Kind, Skill, SkillSet, Step};
use crate::domain::words::Phrase;

/// The answer of a registration that holds the tax id.
pub(super) const NIT: &str = "nit";

/// The tax id that a message names where one is asked for: what is known of it has to be found out before [`super::advance`]
/// works the message.
#[must_use]
pub fn names_nit(set: &SkillSet, conversation: &Conversation, heard: &Heard) -> Option<Nit> {
    let Mode::Asking(progress) = &conversation.mode else {
        return None;
    };
    let known = conversation.worked.contains(&heard.message_id);
    let forgotten = heard.pause.is_some_and(|pause| pause >= set.bot.idle);
    let step = set.skills.get(&progress.skill)?.next_step(&progress.answers)?;
    if known || forgotten || !matches!(step.kind, Kind::CheckClient { .. }) {
        return None;
    }
    match client::written_nit(&heard.text) {
        Ok(WrittenNit::Whole(nit) | WrittenNit::Bare(nit)) => Some(nit),
        Ok(WrittenNit::Ambiguous) | Err(_) => None,
    }
}

impl Bot<'_> {
    /// The message answers the question for the tax id.
    pub(super) fn answer_nit(
        &mut self,
        (skill, step): (&Skill, &Step),
        digit: &str,
        progress: Progress,
        heard: &Heard,
    ) {
        let greets = Phrase::new(&heard.text).is_made_of(&self.set.bot.words.greeting);
        match client::written_nit(&heard.text) {
            Err(_) if greets => self.go_on(progress),
            Err(_) => self.not_understood(skill, &step.retry, progress, heard),
            Ok(WrittenNit::Ambiguous) => self.ask_again(skill, digit, progress),
            Ok(WrittenNit::Whole(nit)) => self.weigh((skill, step), None, progress, nit),
            Ok(WrittenNit::Bare(nit)) => self.weigh((skill, step), Some(digit), progress, nit),
        }
    }

    /// Decides by what is known. `digit` asks for the check digit where it was not given: without it, only a tax id
    /// that somebody knows counts.
    fn weigh(&mut self, (skill, step): (&Skill, &Step), digit: Option<&str>, progress: Progress, nit: Nit) {
        let known = self.facts.checked.take().filter(|checked| checked.nit == nit);
        // Nobody has looked: as good as nobody who answers.
        let verdict = known.map_or(Verdict::Unreachable, |checked| checked.verdict);
        match (verdict, digit) {
            (Verdict::Client, _) => self.is_for(step, progress, &nit),
            (Verdict::Inactive, _) => self.hand_over(skill, &progress),
            (Verdict::Listed(company), _) => match self.enrolment(company, &nit) {
                Some(registration) => {
                    self.actions.push(Action::EnrolCompany(registration));
                    self.is_for(step, progress, &nit);
                }
                None => self.register_with((skill, step), progress, nit),
            },
            (Verdict::Unknown | Verdict::Unreachable, Some(digit)) => self.ask_again(skill, digit, progress),
            (Verdict::Unknown | Verdict::Unreachable, None) => {
                self.register_with((skill, step), progress, nit);
            }
        }
    }

    fn is_for(&mut self, step: &Step, mut progress: Progress, nit: &Nit) {
        progress.answers.insert(step.field.clone(), nit.to_string());
        progress.tries = 0;
        self.go_on(progress);
    }

    /// A client made of what the ERP says; `None` when nobody could be called.
    fn enrolment(&self, company: Company, nit: &Nit) -> Option<Registration> {
        Some(Registration {
            name: Some(company.name).filter(|name| !name.is_empty())?,
            email: company.email,
            phone: company.phone.or_else(|| self.facts.phone.clone())?,
            location: company.location,
            nit: Some(nit.clone()),
        })
    }

    /// The tax id is nobody's: whoever is registered gets it, and whoever is not is registered with it.
    fn register_with(&mut self, (skill, step): (&Skill, &Step), progress: Progress, nit: Nit) {
        let set = self.set;
        match (&mut self.facts.client, set.registration()) {
            (Some(client), _) if client.nit.is_none() => {
                client.nit = Some(nit.to_string());
                self.actions.push(Action::KeepNit(nit.clone()));
                self.is_for(step, progress, &nit);
            }
            (None, Some(registration)) => {
                let mut answers = self.already_known(registration, "");
                answers.insert(NIT.to_owned(), nit.to_string());
                self.go_on(Progress {
                    skill: registration.name.clone(),
                    answers,
                    then: Some(Next {
                        skill: skill.name.clone(),
                        opening: progress.opening,
                    }),
                    ..Progress::default()
                });
            }
            // A client of another tax id, or a bot that registers nobody: a person sorts it out.
            (Some(_), _) | (None, None) => self.hand_over(skill, &progress),
        }
    }

    fn hand_over(&mut self, skill: &Skill, progress: &Progress) {
        self.conversation.mode = Mode::WithPerson;
        self.reply(&skill.handover, variables(skill, progress));
    }
}
