//! Publishes to the stream, and matches confirmations with what was sent.
//!
//! One subscription takes all of them: the number of a publish is the last part of the subject that the stream answers
//! on. The client's own way makes a channel, a timer and an inbox for each publish, which under load costs more than the
//! publishing itself.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::{Client, Message, StatusCode, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use puente_bus::Envelope;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout};

/// A confirmation that takes longer is not waited for: the publish is repeated.
const PATIENCE: Duration = Duration::from_secs(5);
/// The client takes nothing while it looks for its server; meanwhile the relay has other things to do, too.
const SEND_PATIENCE: Duration = Duration::from_secs(2);

/// Why it is unknown, or certain not to be so, that an event is in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unconfirmed {
    /// The client could not take it.
    #[error("not sent")]
    NotSent,
    /// Nobody listens: there is no stream, or JetStream is not ready yet.
    #[error("no stream takes it")]
    NoStream,
    /// The stream said no.
    #[error("refused by the stream")]
    Refused,
    /// No word in time.
    #[error("no confirmation in time")]
    Late,
}

/// Publishes that wait for their confirmation, each with what the caller wants back then.
pub(super) struct Confirmations<T> {
    client: Client,
    answers: Option<Subscriber>,
    inbox: String,
    next: u64,
    waiting: BTreeMap<u64, (Instant, T)>,
}

/// What the stream answers; an error has no sequence number.
#[derive(Deserialize)]
struct Answer {
    seq: Option<u64>,
    error: Option<IgnoredAny>,
}

impl<T> Confirmations<T> {
    pub(super) fn new(client: Client) -> Self {
        Self {
            inbox: client.new_inbox(),
            client,
            answers: None,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Sends one; its confirmation comes by [`Confirmations::next`]. Gives `item` back when it was not sent.
    pub(super) async fn publish(&mut self, envelope: Envelope, item: T) -> Result<(), (T, Unconfirmed)> {
        if self.answers.is_none() {
            let answers = self.client.subscribe(format!("{}.*", self.inbox));
            match timeout(SEND_PATIENCE, answers).await {
                Ok(Ok(answers)) => self.answers = Some(answers),
                _ => return Err((item, Unconfirmed::NotSent)),
            }
        }
        let number = self.next;
        self.next += 1;
        let sending = self.client.publish_with_reply_and_headers(
            envelope.subject(),
            format!("{}.{number}", self.inbox),
            envelope.headers(),
            envelope.payload,
        );
        match timeout(SEND_PATIENCE, sending).await {
            Ok(Ok(())) => {
                self.waiting.insert(number, (Instant::now(), item));
                Ok(())
            }
            _ => Err((item, Unconfirmed::NotSent)),
        }
    }

    /// Waits for the next confirmation, or for ever when nothing was sent.
    pub(super) async fn next(&mut self) -> (T, Result<(), Unconfirmed>) {
        loop {
            let answer = match &mut self.answers {
                Some(answers) => answers.next().await,
                None => std::future::pending().await,
            };
            match answer {
                Some(answer) => {
                    if let Some(settled) = self.settle(&answer) {
                        return settled;
                    }
                }
                // The client gave the subscription up; the next publish makes another, and what waits will be late.
                None => self.answers = None,
            }
        }
    }

    /// The next confirmation, if it is here already.
    pub(super) fn ready(&mut self) -> Option<(T, Result<(), Unconfirmed>)> {
        self.next().now_or_never()
    }

    /// What has waited for too long.
    pub(super) fn late(&mut self) -> Option<T> {
        let oldest = self.waiting.first_entry()?;
        (oldest.get().0.elapsed() > PATIENCE).then(|| oldest.remove().1)
    }

    /// `None`: an answer that came too late.
    fn settle(&mut self, answer: &Message) -> Option<(T, Result<(), Unconfirmed>)> {
        let number = answer.subject.rsplit_once('.')?.1.parse().ok()?;
        let (_, item) = self.waiting.remove(&number)?;
        Some((item, read(answer)))
    }
}

fn read(answer: &Message) -> Result<(), Unconfirmed> {
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(Unconfirmed::NoStream);
    }
    match serde_json::from_slice(&answer.payload) {
        Ok(Answer {
            seq: Some(_),
            error: None,
        }) => Ok(()),
        _ => Err(Unconfirmed::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: Option<StatusCode>, payload: &'static str) -> Result<(), Unconfirmed> {
        read(&Message {
            subject: "_INBOX.a.1".into(),
            reply: None,
            payload: payload.into(),
            headers: None,
            status,
            description: None,
            length: payload.len(),
        })
    }

    #[test]
    fn only_a_sequence_number_without_an_error_confirms() {
        assert_eq!(answered(None, r#"{"stream":"EVENTS","seq":7}"#), Ok(()));
        assert_eq!(
            answered(None, r#"{"stream":"EVENTS","seq":7,"duplicate":true}"#),
            Ok(())
        );
        let full = r#"{"error":{"code":503,"description":"insufficient storage"},"stream":"EVENTS","seq":0}"#;
        assert_eq!(answered(None, full), Err(Unconfirmed::Refused));
        assert_eq!(answered(None, "{}"), Err(Unconfirmed::Refused));
        assert_eq!(answered(None, ""), Err(Unconfirmed::Refused));
        let nobody = answered(Some(StatusCode::NO_RESPONDERS), "");
        assert_eq!(nobody, Err(Unconfirmed::NoStream));
    }
}
