//! What is said to the person of a conversation, as data: the text's key and its variables.

use crate::domain::reading::Flaw;

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Say {
    /// The serial was read.
    Read { serial: String, permille: u32 },
    /// Is it this one?
    Confirm { serial: String, photo_left: bool },
    /// The words were not understood as an answer to that.
    ConfirmAgain { serial: String },
    /// It is not that one: which, then?
    Denied { photo_left: bool },
    /// Another photograph, please.
    Retry {
        flaw: Option<Flaw>,
        attempt: u32,
        allowed: u32,
    },
    /// That was no picture that can be opened.
    Unusable { attempt: u32, allowed: u32 },
    /// It could not be read now, and not because of the photograph.
    Unavailable,
    /// The attempts are used up: write it.
    Illegible { allowed: u32 },
    /// Words came where the serial is to be written.
    IllegibleAgain,
    /// Words came where a photograph is wanted.
    SendPhoto,
    /// A photograph came, and no more are read.
    NoMorePhotos,
    /// What was written can be no serial.
    NoSerial,
    /// The serial was taken down.
    Written { serial: String },
    /// An id was generated.
    Generated { serial: String },
    /// Nobody went on: it was given up.
    Abandoned,
}

impl Say {
    /// The text's key.
    pub(crate) const fn key(&self) -> &'static str {
        match self {
            Self::Read { .. } => "plate_read",
            Self::Confirm { photo_left: true, .. } => "plate_confirm",
            Self::Confirm {
                photo_left: false, ..
            } => "plate_confirm_last",
            Self::ConfirmAgain { .. } => "plate_confirm_again",
            Self::Denied { photo_left: true } => "plate_denied",
            Self::Denied { photo_left: false } => "plate_denied_last",
            Self::Retry { flaw, .. } => match flaw {
                None => "plate_retry",
                Some(Flaw::Dark) => "plate_retry_dark",
                Some(Flaw::Blurred) => "plate_retry_blurred",
                Some(Flaw::Glare) => "plate_retry_glare",
                Some(Flaw::CutOff) => "plate_retry_cut_off",
                Some(Flaw::Far) => "plate_retry_far",
                Some(Flaw::NoText) => "plate_retry_no_text",
            },
            Self::Unusable { .. } => "plate_unusable",
            Self::Unavailable => "plate_unavailable",
            Self::Illegible { .. } => "plate_illegible",
            Self::IllegibleAgain => "plate_illegible_again",
            Self::SendPhoto => "plate_send_photo",
            Self::NoMorePhotos => "plate_no_more_photos",
            Self::NoSerial => "plate_no_serial",
            Self::Written { .. } => "plate_written",
            Self::Generated { .. } => "plate_generated",
            Self::Abandoned => "plate_abandoned",
        }
    }

    /// What its text may name.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Read { serial, permille } => vec![
                ("serial", serial.clone()),
                ("confidence", format!("{} %", permille / 10)),
            ],
            Self::Confirm { serial, .. }
            | Self::ConfirmAgain { serial }
            | Self::Written { serial }
            | Self::Generated { serial } => vec![("serial", serial.clone())],
            Self::Retry { attempt, allowed, .. } | Self::Unusable { attempt, allowed } => {
                vec![("attempt", attempt.to_string()), ("allowed", allowed.to_string())]
            }
            Self::Illegible { allowed } => vec![("allowed", allowed.to_string())],
            Self::Denied { .. }
            | Self::Unavailable
            | Self::IllegibleAgain
            | Self::SendPhoto
            | Self::NoMorePhotos
            | Self::NoSerial
            | Self::Abandoned => Vec::new(),
        }
    }
}
