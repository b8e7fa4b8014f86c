//! What is remembered of a conversation between two messages.
//!
//! Only what the next answer needs: no transcript. Progress refers to steps by field name and never by position, so
//! that a skill that changes meanwhile asks for what is missing and keeps what was answered.

use std::collections::BTreeMap;
use std::time::Duration;

use puente_types::Phone;

use crate::domain::capture::{Attachment, Capture};
use crate::domain::order::Reach;

/// Ids of worked messages that are remembered; providers repeat the last few, not older ones.
const REMEMBERED: usize = 16;

/// The memory of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversation {
    /// What is going on.
    pub mode: Mode,
    /// A file without words was answered already, so that ten photos do not bring ten answers.
    pub media_noted: bool,
    /// The provider's ids of the last worked messages, oldest first.
    pub worked: Vec<String>,
}

/// What is going on in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// Nothing.
    #[default]
    Idle,
    /// A skill asks its questions.
    Asking(Progress),
    /// What is said is for the capture of a serial plate; ocr answers.
    Capturing(Capture),
    /// The bot keeps silent: a person has taken over, or should.
    WithPerson,
}

/// How far a skill has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The skill.
    pub skill: String,
    /// Valid answers by field.
    pub answers: BTreeMap<String, String>,
    /// Invalid answers to the present question.
    pub tries: u32,
    /// Everything is asked now, also what could be known: the client did not agree to the summary.
    pub ask_all: bool,
    /// What is done after this skill.
    pub then: Option<Next>,
    /// The message that began the skill, where it may be begun again after somebody was registered.
    pub opening: String,
}

/// A skill that waits for another one to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The skill.
    pub skill: String,
    /// The message that began it.
    pub opening: String,
}

/// A message of a person, as the bot hears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// The provider's id of the message.
    pub message_id: String,
    /// Text, caption, or the title of a choice; empty when nothing was written.
    pub text: String,
    /// The payload of a button or list choice.
    pub choice: Option<String>,
    /// A place, as text.
    pub place: Option<String>,
    /// A file came with it.
    pub media: bool,
    /// That file, where the provider says which it is.
    pub file: Option<Attachment>,
    /// Since the last message of this conversation; `None` for the first one.
    pub pause: Option<Duration>,
}

/// Who wrote, as the provider says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Speaker {
    /// Where answers go.
    pub reach: Reach,
    /// The number the provider vouches for; `None` when it hides it.
    pub phone: Option<Phone>,
    /// The name that they gave themselves at the provider; may be empty.
    pub name: String,
}

impl Conversation {
    /// Notes a message as worked; `false` when it was worked before.
    pub fn note(&mut self, message_id: &str) -> bool {
        if message_id.is_empty() {
            return true;
        }
        if self.worked.iter().any(|id| id == message_id) {
            return false;
        }
        if self.worked.len() >= REMEMBERED {
            self.worked.remove(0);
        }
        self.worked.push(message_id.to_owned());
        true
    }
}

impl Conversation {
    /// The message that began what waits for another skill to end.
    #[must_use]
    pub fn waiting_opening(&self) -> Option<&str> {
        match &self.mode {
            Mode::Asking(progress) => progress.then.as_ref().map(|next| next.opening.as_str()),
            Mode::Idle | Mode::Capturing(_) | Mode::WithPerson => None,
        }
    }
}

impl Heard {
    /// Whether there is anything to answer.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        self.text.trim().is_empty() && self.choice.is_none() && self.place.is_none() && !self.media
    }

    /// A file and no words.
    #[must_use]
    pub fn is_bare_media(&self) -> bool {
        self.media && self.text.trim().is_empty() && self.choice.is_none() && self.place.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_noted_once_and_the_memory_stays_small() {
        let mut conversation = Conversation::default();
        assert!(conversation.note("a") && !conversation.note("a"));
        for n in 0..100 {
            assert!(conversation.note(&n.to_string()));
        }
        assert_eq!(conversation.worked.len(), REMEMBERED);
        assert!(!conversation.note("99"));
        assert!(
            conversation.note("") && conversation.note(""),
            "without an id nothing can be told apart"
        );
    }
}
