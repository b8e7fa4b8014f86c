//! What each hop looks like on the screen.

use puente_bus::Envelope;
use puente_proto::documents::DocumentStored;
use puente_proto::messaging::{MessageReceived, ReceiptChanged, ReceiptState};
use puente_proto::notifications::{
    DeliveryState, MessageParked, MessageQueued, MessageRequested, MessageStateChanged,
};
use puente_proto::orders::{ClientRegistered, OrderOpened, OrderStateChanged, SignatureRequested};
use puente_proto::signature::{EnvelopeSent, SignatureStateChanged, SignerStateChanged};
use puente_proto::sync::TaskChanged;
use puente_providers::sim::Entry;

use crate::demo::plate;
use crate::demo::post::Answer;
use crate::demo::screen::{Line, Side};
use crate::ui::Tone;

/// As much of a message as fits a line.
const EXCERPT: usize = 64;

/// A line of the story.
pub(crate) fn line(who: &str, side: Side, what: &str, detail: String, tone: Tone) -> Line {
    Line {
        who: who.to_owned(),
        side,
        what: what.to_owned(),
        detail,
        tone,
    }
}

/// A person writes.
pub(crate) fn person(name: &str, text: &str) -> Line {
    line(name, Side::Person, "writes", excerpt(text), Tone::Strong)
}

/// What ingress answered to a webhook, and whether that is what it should have answered.
pub(crate) fn answer(answer: &Answer, as_hoped: bool) -> Line {
    let ms = answer.took.as_secs_f64() * 1000.0;
    let tone = match (as_hoped, answer.word.as_str()) {
        (false, _) => Tone::Bad,
        (true, "accepted") => Tone::Good,
        (true, _) => Tone::Notice,
    };
    let (what, detail) = match answer.status {
        200 => (format!("webhook {}", answer.word), format!("200 in {ms:.1} ms")),
        status => (
            "webhook refused".to_owned(),
            format!("{status}, {}", answer.message),
        ),
    };
    line("ingress", Side::Fleet, &what, detail, tone)
}

/// A provider took a message.
pub(crate) fn taken(provider: &str, entry: &Entry) -> Line {
    line(
        provider,
        Side::Provider,
        "takes the message",
        excerpt(&entry.text),
        Tone::Good,
    )
}

/// An event of the fleet; `all` shows also those that every message has.
pub(crate) fn event(envelope: &Envelope, all: bool) -> Option<Line> {
    let fleet =
        |what: &str, detail: String| Some(line(&envelope.source, Side::Fleet, what, detail, Tone::Dim));
    if let Ok(event) = envelope.decode::<ClientRegistered>() {
        return Some(line(
            &envelope.source,
            Side::Fleet,
            "client registered",
            event.name,
            Tone::Good,
        ));
    }
    if let Ok(event) = envelope.decode::<OrderOpened>() {
        let detail = format!(
            "{}, {}: {}",
            event.number,
            event.service,
            excerpt(&event.description)
        );
        return Some(line(
            &envelope.source,
            Side::Fleet,
            "order opened",
            detail,
            Tone::Good,
        ));
    }
    if let Ok(event) = envelope.decode::<MessageParked>() {
        return Some(line(
            &envelope.source,
            Side::Fleet,
            "message parked",
            event.reason,
            Tone::Bad,
        ));
    }
    if let Some((what, detail)) = signing(envelope)
        .or_else(|| task(envelope))
        .or_else(|| plate::shown(envelope))
    {
        return Some(line(&envelope.source, Side::Fleet, what, detail, Tone::Good));
    }
    if !all {
        return None;
    }
    if envelope.is::<MessageReceived>() {
        return fleet("message received", "published after the commit".to_owned());
    }
    if let Ok(event) = envelope.decode::<MessageRequested>() {
        return fleet("message requested", event.template);
    }
    if let Ok(event) = envelope.decode::<MessageQueued>() {
        return fleet(
            "effect journalled",
            format!("{}, as a {} message", event.template, event.form),
        );
    }
    if let Ok(event) = envelope.decode::<MessageStateChanged>() {
        return fleet(
            "message moved",
            format!("{} → {}", state(event.before()), state(event.after())),
        );
    }
    if let Ok(event) = envelope.decode::<ReceiptChanged>() {
        return fleet("receipt received", receipt(event.state()).to_owned());
    }
    None
}

/// What happened to an order's task.
fn task(envelope: &Envelope) -> Option<(&'static str, String)> {
    let event = envelope.decode::<TaskChanged>().ok()?;
    let what = match event.change.as_str() {
        "created" => "task created",
        "assigned" => "task assigned",
        "staged" => "task moved",
        _ => "task completed",
    };
    let detail = if event.stage.is_empty() {
        format!("{} at {}", event.number, event.provider)
    } else {
        format!("{} at {}: {}", event.number, event.provider, event.stage)
    };
    Some((what, detail))
}

/// What happened to an order's documents.
fn signing(envelope: &Envelope) -> Option<(&'static str, String)> {
    if let Ok(event) = envelope.decode::<OrderStateChanged>() {
        return Some((
            "order moved",
            format!("{}: {} → {}", event.number, event.before, event.after),
        ));
    }
    if let Ok(event) = envelope.decode::<SignatureRequested>() {
        return Some(("signature requested", format!("{} parties", event.parties.len())));
    }
    if let Ok(event) = envelope.decode::<DocumentStored>() {
        return Some((
            "document stored",
            format!(
                "{}, {} kB in `{}`",
                event.kind,
                event.bytes / 1024,
                event.container
            ),
        ));
    }
    if let Ok(event) = envelope.decode::<EnvelopeSent>() {
        return Some(("envelope sent", format!("by {}", event.provider)));
    }
    if let Ok(event) = envelope.decode::<SignerStateChanged>() {
        return Some((
            "signer moved",
            format!("{}: {} → {}", event.role, event.before, event.after),
        ));
    }
    let event = envelope.decode::<SignatureStateChanged>().ok()?;
    Some(("signature moved", format!("{} → {}", event.before, event.after)))
}

fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Unspecified => "none",
        DeliveryState::Queued => "queued",
        DeliveryState::Sent => "sent",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        DeliveryState::Failed => "failed",
    }
}

fn receipt(state: ReceiptState) -> &'static str {
    match state {
        ReceiptState::Unspecified => "a state that is not known",
        ReceiptState::Sent => "sent",
        ReceiptState::Delivered => "delivered",
        ReceiptState::Read => "read",
        ReceiptState::Failed => "failed",
    }
}

/// The beginning of a text in one line.
fn excerpt(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= EXCERPT {
        return format!("«{flat}»");
    }
    let cut: String = flat.chars().take(EXCERPT - 1).collect();
    format!("«{}…»", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn long_texts_are_cut_to_one_line() {
        assert_eq!(excerpt("¡Hola!\n\n¿Cómo  está?"), "«¡Hola! ¿Cómo está?»");
        let long = excerpt(&"ñandú ".repeat(40));
        assert!(
            long.chars().count() <= EXCERPT + 2 && long.ends_with("…»"),
            "{long}"
        );
    }

    #[test]
    fn an_answer_is_bad_only_when_it_is_not_what_was_hoped_for() {
        let refused = Answer {
            status: 401,
            word: "not_authentic".to_owned(),
            message: "no".to_owned(),
            took: Duration::from_millis(3),
        };
        assert_eq!(answer(&refused, true).tone, Tone::Notice);
        assert_eq!(answer(&refused, false).tone, Tone::Bad);
    }
}
