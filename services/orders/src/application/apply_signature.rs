//! What becomes of an order when its signers have done something.
//!
//! Requests are told of at least once, late, or in any order; and an order may have moved on meanwhile. Only news of the
//! newest request that ends it moves an order, and only one that still waits for it.

use crate::domain::error::Refused;
use crate::domain::event::Event;
use crate::domain::order::Order;
use crate::domain::signing::{Progress, Role};
use crate::domain::state::{State, Transition};
use crate::domain::words::tidy;

/// As much of somebody's words as is kept; the role comes before them, and an order takes 500 characters.
const MAX_WORDS: usize = 400;

/// What is known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The sending of the order that it is, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub progress: Progress,
    /// The version of the last event that was heard.
    pub version: i64,
}

/// What is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The event's version.
    pub version: i64,
    /// Where it stands now.
    pub progress: Progress,
    /// Who refused, if somebody did.
    pub role: Option<Role>,
    /// The words of whoever refused or took it back.
    pub words: String,
    /// The document that holds the signatures.
    pub document: String,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// It was heard before, or something later was.
    Old,
    /// The request has moved; the order has not.
    Progress,
    /// The request has ended, and another one of the order is newer.
    Superseded,
    /// The order moves.
    Moved(Box<Event>),
    /// The request has ended, and the order waits for it no longer: only noted, in these words.
    Noted(String),
}

/// Decides. The order is changed only by [`Meaning::Moved`].
///
/// # Errors
/// [`Refused`] when the order's rules are against it, which they are not in a state that waits for signatures.
pub fn apply_signature(order: &mut Order, standing: Standing, news: &News) -> Result<Meaning, Refused> {
    if news.version <= standing.version || standing.progress.is_final() {
        return Ok(Meaning::Old);
    }
    if !news.progress.is_final() {
        return Ok(Meaning::Progress);
    }
    if standing.attempt != order.snapshot().attempts {
        return Ok(Meaning::Superseded);
    }
    let why = why(news);
    if order.state() != State::EnFirma {
        return Ok(Meaning::Noted(if why.is_empty() {
            news.progress.name().to_owned()
        } else {
            format!("{}: {why}", news.progress.name())
        }));
    }
    let event = match news.progress {
        Progress::Firmado => order.signed(&news.document)?,
        Progress::Rechazado => {
            let why = if why.is_empty() { "sin detalle" } else { &why };
            order.apply(Transition::RejectDocuments, Some(why))?
        }
        Progress::Anulado => order.apply(Transition::CancelSignature, Some(&why))?,
        Progress::Solicitada | Progress::EnProceso => return Ok(Meaning::Progress),
    };
    Ok(Meaning::Moved(Box::new(event)))
}

/// Who it was, and what they said.
fn why(news: &News) -> String {
    let words: String = tidy(&news.words).chars().take(MAX_WORDS).collect();
    match (news.role, words.as_str()) {
        (Some(role), "") => role.label().to_owned(),
        (Some(role), words) => format!("{}: {words}", role.label()),
        (None, words) => words.to_owned(),
    }
}

#[cfg(test)]
#[path = "apply_signature_tests.rs"]
mod tests;
