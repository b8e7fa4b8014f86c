//! A conversation's memory as JSON. Fields are added, never renamed: replicas of two versions read the same rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::capture::Capture;
use crate::domain::conversation::{Conversation, Mode, Next, Progress};
use crate::domain::error::StoreError;

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    asking: Option<Asking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capturing: Option<Capturing>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    with_person: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    media_noted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    worked: Vec<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Asking {
    skill: String,
    answers: BTreeMap<String, String>,
    tries: u32,
    ask_all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Then>,
    #[serde(skip_serializing_if = "String::is_empty")]
    opening: String,
}

#[derive(Serialize, Deserialize)]
struct Capturing {
    capture: Uuid,
    #[serde(default)]
    turns: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Uuid>,
}

#[derive(Serialize, Deserialize)]
struct Then {
    skill: String,
    opening: String,
}

/// For storing.
pub(crate) fn to_json(conversation: &Conversation) -> serde_json::Value {
    let asking = match &conversation.mode {
        Mode::Asking(progress) => Some(Asking {
            skill: progress.skill.clone(),
            answers: progress.answers.clone(),
            tries: progress.tries,
            ask_all: progress.ask_all,
            then: progress.then.as_ref().map(|next| Then {
                skill: next.skill.clone(),
                opening: next.opening.clone(),
            }),
            opening: progress.opening.clone(),
        }),
        Mode::Idle | Mode::Capturing(_) | Mode::WithPerson => None,
    };
    let capturing = match &conversation.mode {
        Mode::Capturing(capture) => Some(Capturing {
            capture: capture.id,
            turns: capture.turns,
            order: capture.order.map(|order| order.uuid()),
        }),
        Mode::Idle | Mode::Asking(_) | Mode::WithPerson => None,
    };
    let stored = Stored {
        asking,
        capturing,
        with_person: conversation.mode == Mode::WithPerson,
        media_noted: conversation.media_noted,
        worked: conversation.worked.clone(),
    };
    // Maps with text keys and no numbers out of range: this cannot fail.
    serde_json::to_value(stored).unwrap_or_default()
}

/// As stored.
///
/// # Errors
/// When it is not what [`to_json`] made.
pub(crate) fn from_json(value: serde_json::Value) -> Result<Conversation, StoreError> {
    let stored: Stored =
        serde_json::from_value(value).map_err(|_| StoreError::Corrupt("a conversation's memory".into()))?;
    let mode = match (stored.asking, stored.capturing, stored.with_person) {
        (None, Some(capturing), _) => Mode::Capturing(Capture {
            id: capturing.capture,
            turns: capturing.turns,
            order: capturing.order.map(Into::into),
        }),
        (Some(asking), ..) => Mode::Asking(Progress {
            skill: asking.skill,
            answers: asking.answers,
            tries: asking.tries,
            ask_all: asking.ask_all,
            then: asking.then.map(|then| Next {
                skill: then.skill,
                opening: then.opening,
            }),
            opening: asking.opening,
        }),
        (None, None, true) => Mode::WithPerson,
        (None, None, false) => Mode::Idle,
    };
    Ok(Conversation {
        mode,
        media_noted: stored.media_noted,
        worked: stored.worked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_comes_back_as_it_went() {
        let progress = Progress {
            skill: "registration".into(),
            answers: BTreeMap::from([("name".into(), "Íñigo".into())]),
            tries: 2,
            ask_all: true,
            then: Some(Next {
                skill: "order_creation".into(),
                opening: "hola".into(),
            }),
            opening: "necesito".into(),
        };
        let capture = |turns, order| {
            Mode::Capturing(Capture {
                id: Uuid::now_v7(),
                turns,
                order,
            })
        };
        let order = Some(puente_types::OrderId::new());
        for mode in [
            Mode::Idle,
            Mode::WithPerson,
            Mode::Asking(progress),
            capture(0, None),
            capture(7, order),
        ] {
            let conversation = Conversation {
                mode,
                media_noted: true,
                worked: vec!["wamid.1".into()],
            };
            assert_eq!(from_json(to_json(&conversation)).unwrap(), conversation);
        }
    }

    #[test]
    fn a_new_row_is_an_empty_memory_and_a_foreign_one_is_refused() {
        assert_eq!(from_json(serde_json::json!({})).unwrap(), Conversation::default());
        assert!(from_json(serde_json::json!({ "asking": 7 })).is_err());
    }
}
