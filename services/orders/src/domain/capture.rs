//! A conversation that feeds a capture: the attempt of a person to get the serial of one plate. What is read, asked and
//! answered is ocr's; here it is only known which capture hears the person, how many turns it was told, and when it is
//! over.

use std::fmt;

use puente_types::OrderId;
use uuid::Uuid;

/// The capture that a conversation feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its id.
    pub id: Uuid,
    /// Turns that ocr was told of; 0 while the first photograph is awaited.
    pub turns: u32,
    /// The order that the plate belongs to.
    pub order: Option<OrderId>,
}

/// A file that came with a message, as its provider named it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// The provider's id of the file.
    pub provider_id: String,
    /// Where it may be fetched.
    pub url: String,
    /// Its declared type.
    pub mime_type: String,
    /// Its declared hash.
    pub sha256: String,
    /// Its declared name.
    pub file_name: String,
    /// Whether it is a picture, as far as the provider says.
    pub photo: bool,
}

// A link to somebody's file is not for logs.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("photo", &self.photo)
            .finish_non_exhaustive()
    }
}

/// One turn of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureTurn {
    /// The capture.
    pub capture: Uuid,
    /// The turn, from 1.
    pub turn: u32,
    /// The order that the plate belongs to.
    pub order: Option<OrderId>,
    /// What the person said; `None` when they turned to something else.
    pub said: Option<Said>,
}

/// What a person said to a capture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The file that was sent.
    pub file: Option<Attachment>,
    /// The words, or the caption.
    pub text: String,
    /// The payload of a button or list choice.
    pub choice: Option<String>,
}

impl Capture {
    /// The next turn.
    pub fn next(&mut self, said: Option<Said>) -> CaptureTurn {
        self.turns = self.turns.saturating_add(1);
        CaptureTurn {
            capture: self.id,
            turn: self.turns,
            order: self.order,
            said,
        }
    }
}
