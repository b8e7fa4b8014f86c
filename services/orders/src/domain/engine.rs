//! The bot: given what it knows and what it hears, what it does. A pure function, [`advance`].
//!
//! A turn brings at most one reply, so that no two messages can overtake each other on their way to the person.
//! Whatever people send, the answer is a question, a result or silence: never an error.

mod answer;
mod capture;
mod company;
mod route;

pub use company::names_nit;

use std::collections::BTreeMap;

use puente_types::{Nit, OrderId, Phone, Region};
use uuid::Uuid;

use crate::domain::capture::{Capture, CaptureTurn};
use crate::domain::client::Registration;
use crate::domain::company::Checked;
use crate::domain::conversation::{Conversation, Heard, Mode};
use crate::domain::number::OrderNumber;
use crate::domain::order::Request;
use crate::domain::skill::SkillSet;
use crate::domain::words::Phrase;

/// What is known of the speaker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Of a registered client: name and place.
    pub client: Option<KnownClient>,
    /// The number that the provider vouches for.
    pub phone: Option<Phone>,
    /// Where numbers without a country code belong.
    pub region: Region,
    /// What is known of the tax id that [`names_nit`] finds in the message.
    pub checked: Option<Checked>,
    /// The order that is named, if the speaker may name it.
    pub order: Option<(OrderNumber, OrderId)>,
    /// An id for what this message begins.
    pub fresh: Uuid,
}

/// What the bot uses of a registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownClient {
    /// The name.
    pub name: String,
    /// The place.
    pub location: String,
    /// The tax id as people read it, if the client has one.
    pub nit: Option<String>,
}

/// Something to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask notifications for a text.
    Reply {
        /// Its key.
        template: String,
        /// The values of its variables.
        variables: BTreeMap<String, String>,
    },
    /// Register the speaker.
    RegisterClient(Registration),
    /// Make a client of what the ERP says, unless its tax id is somebody's by now. The speaker stays who they are.
    EnrolCompany(Registration),
    /// Keep the tax id that the speaker's client gave, unless it is somebody's by now.
    KeepNit(Nit),
    /// Open an order for the speaker, or for the client of a tax id.
    OpenOrder {
        /// What is asked for.
        request: Request,
        /// Whose order it is; `None` for the speaker's own.
        company: Option<Nit>,
    },
    /// Tell the speaker of an order, if it is theirs.
    TrackOrder {
        /// The number.
        number: OrderNumber,
        /// The text when there is one.
        found: String,
        /// The text when there is none.
        not_found: String,
    },
    /// Tell ocr of a turn of a capture.
    TellCapture(CaptureTurn),
}

/// What a message led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The memory after it.
    pub conversation: Conversation,
    /// What is to be done.
    pub actions: Vec<Action>,
}

/// One turn under way.
struct Bot<'a> {
    set: &'a SkillSet,
    heard: &'a Heard,
    facts: Facts,
    conversation: Conversation,
    actions: Vec<Action>,
}

/// Works one message.
#[must_use]
pub fn advance(set: &SkillSet, mut conversation: Conversation, heard: &Heard, facts: Facts) -> Step {
    if heard.is_silence() || !conversation.note(&heard.message_id) {
        return Step {
            conversation,
            actions: Vec::new(),
        };
    }
    let forgotten = forget(set, &mut conversation, heard);
    if !heard.is_bare_media() {
        conversation.media_noted = false;
    }
    let mut bot = Bot {
        set,
        heard,
        facts,
        conversation,
        actions: Vec::new(),
    };
    if let Some(capture) = forgotten {
        bot.end_capture(capture);
    }
    bot.work(heard);
    Step {
        conversation: bot.conversation,
        actions: bot.actions,
    }
}

/// Drops what is too old to be gone on with; a capture that is dropped has to be told.
fn forget(set: &SkillSet, conversation: &mut Conversation, heard: &Heard) -> Option<Capture> {
    let patience = match conversation.mode {
        Mode::Idle => return None,
        Mode::Asking(_) | Mode::Capturing(_) => set.bot.idle,
        Mode::WithPerson => set.bot.with_person,
    };
    if heard.pause.is_none_or(|pause| pause < patience) {
        return None;
    }
    conversation.media_noted = false;
    match std::mem::take(&mut conversation.mode) {
        Mode::Capturing(capture) => Some(capture),
        Mode::Idle | Mode::Asking(_) | Mode::WithPerson => None,
    }
}

impl Bot<'_> {
    fn work(&mut self, heard: &Heard) {
        if self.command(heard) {
            return;
        }
        match std::mem::take(&mut self.conversation.mode) {
            Mode::WithPerson => self.conversation.mode = Mode::WithPerson,
            Mode::Idle => self.route(heard),
            Mode::Asking(progress) => self.answer(progress, heard),
            Mode::Capturing(capture) => self.feed(capture, heard),
        }
    }

    /// Words that are obeyed anywhere, when they are all that is said.
    fn command(&mut self, heard: &Heard) -> bool {
        let said = Phrase::new(heard.choice.as_deref().unwrap_or(&heard.text));
        let (words, texts) = (&self.set.bot.words, &self.set.bot.texts);
        let (mode, text) = if said.is_any(&words.cancel) {
            let text = if matches!(self.conversation.mode, Mode::Asking(_) | Mode::Capturing(_)) {
                &texts.cancelled
            } else {
                &texts.menu
            };
            (Mode::Idle, text)
        } else if said.is_any(&words.menu) {
            (Mode::Idle, &texts.menu)
        } else if said.is_any(&words.person) && self.conversation.mode != Mode::WithPerson {
            (Mode::WithPerson, &texts.person)
        } else {
            return false;
        };
        if let Mode::Capturing(capture) = std::mem::replace(&mut self.conversation.mode, mode) {
            self.end_capture(capture);
        }
        self.reply(text, BTreeMap::new());
        true
    }

    /// Adds the reply of this turn; every text may use the client's name.
    fn reply(&mut self, template: &str, mut variables: BTreeMap<String, String>) {
        let name = self
            .facts
            .client
            .as_ref()
            .map(|client| client.name.clone())
            .unwrap_or_default();
        let _ = variables.entry("name".to_owned()).or_insert(name);
        self.actions.push(Action::Reply {
            template: template.to_owned(),
            variables,
        });
    }

    /// Answers a file without words, once in a row.
    fn note_media(&mut self) {
        if !self.conversation.media_noted {
            self.conversation.media_noted = true;
            let set = self.set;
            self.reply(&set.bot.texts.media, BTreeMap::new());
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
