//! What a change of a request brings with it, in the transaction of the change: calls that are queued, messages that are
//! asked for, workers that are woken.

use std::sync::Arc;
use std::time::Duration;

use puente_effects::{NewEffect, Priority, enqueue};
use puente_outbox::{ApplyError, Tx};
use puente_ports::ProviderError;
use puente_telemetry::metric;
use puente_types::Clock;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::domain::problem::Tag;
use crate::domain::report::{Envelope, Report};
use crate::domain::state::Step;
use crate::infrastructure::choose::Chooser;
use crate::infrastructure::store::row::Row;
use crate::infrastructure::wire;

/// The effect that sends an envelope.
pub(crate) const CREATE: &str = "envelopes.create";
/// The effect that calls one back.
pub(crate) const VOID: &str = "envelopes.void";
/// The effect that asks the open signers again.
pub(crate) const RESEND: &str = "envelopes.resend";

/// What the call that calls an envelope back is given.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CallBack {
    pub(crate) reason: String,
    /// Another envelope than the request's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<String>,
}

/// What the call that sends an envelope is given: everything else is read when it is made.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Send {
    /// A call of this request ended before: it is looked for first.
    pub(crate) again: bool,
}

/// Queues, asks and wakes.
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chooser: Chooser,
    /// Wakes the workers.
    pub(crate) work: Arc<Notify>,
}

impl Desk {
    /// The key of the call that sends a request's envelope.
    pub(crate) fn create_key(request: Uuid) -> String {
        format!("envelope:{request}")
    }

    /// Queues the call that sends the envelope; without a connection it is a problem for a person. A connection that was
    /// chosen stays: an envelope may be there already.
    pub(crate) async fn send(
        &self,
        tx: &mut Tx,
        row: &mut Row,
        again: bool,
        not_before: Option<OffsetDateTime>,
    ) -> Result<(), ApplyError> {
        let chosen = match self.chooser.known(&row.tenant, &row.connection) {
            Some(known) => Ok(known),
            None => self.chooser.choose(&row.tenant),
        };
        match chosen {
            Ok(connection) => {
                row.provider.clone_from(&connection.provider);
                connection.id.as_str().clone_into(&mut row.connection);
                let key = Self::create_key(row.id);
                queue(tx, row, key, CREATE, &Send { again }, not_before).await
            }
            Err(error) => {
                self.trouble(row, &error);
                Ok(())
            }
        }
    }

    /// Queues the call that calls the envelope back, if there is one.
    pub(crate) async fn call_back(
        &self,
        tx: &mut Tx,
        row: &Row,
        reason: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<(), ApplyError> {
        if row.signature.envelope_id.is_none() {
            return Ok(());
        }
        let wish = CallBack {
            reason: reason.to_owned(),
            other: None,
        };
        self.recall(tx, row, &wish, not_before).await
    }

    /// Queues the call that calls an envelope back: the request's own, or another one.
    pub(crate) async fn recall(
        &self,
        tx: &mut Tx,
        row: &Row,
        wish: &CallBack,
        not_before: Option<OffsetDateTime>,
    ) -> Result<(), ApplyError> {
        let key = match &wish.other {
            None => format!("void:{}", row.id),
            Some(other) => format!("void:{}:{other}", row.id),
        };
        queue(tx, row, key, VOID, wish, not_before).await
    }

    /// The provider has another envelope of this request: a call that was given up was carried out after all. It is called
    /// back unless it has ended already, and people see it as long as somebody may sign it.
    pub(crate) async fn second(
        &self,
        tx: &mut Tx,
        row: &mut Row,
        envelope_id: &str,
        told: Envelope,
    ) -> Result<(), ApplyError> {
        metric::events_consumed("signature", "second_envelope", 1, Duration::ZERO);
        tracing::error!(signature.id = %row.id, "request {} has a second envelope at its provider", row.id);
        let now = self.clock.now();
        match told {
            Envelope::Open => {
                let detail =
                    format!("the provider made a second envelope, {envelope_id}; it is being called back");
                row.signature.second_envelope(&detail, Tag::Temporary, now);
                let wish = CallBack {
                    reason: String::new(),
                    other: Some(envelope_id.to_owned()),
                };
                self.recall(tx, row, &wish, None).await?;
            }
            Envelope::Completed => {
                let detail = format!("a second envelope, {envelope_id}, was signed by all");
                row.signature.second_envelope(&detail, Tag::Permanent, now);
            }
            Envelope::Declined | Envelope::Voided => row.signature.second_called_back(now),
        }
        Ok(())
    }

    /// Queues the call that asks the open signers again, once per `key`.
    pub(crate) async fn resend(&self, tx: &mut Tx, row: &Row, key: &str) -> Result<(), ApplyError> {
        queue(tx, row, format!("resend:{}:{key}", row.id), RESEND, &(), None).await
    }

    /// The envelope exists: the request goes on, or calls it back.
    pub(crate) async fn named(
        &self,
        tx: &mut Tx,
        row: &mut Row,
        envelope_id: &str,
        at: OffsetDateTime,
    ) -> Result<(), ApplyError> {
        if let Some(known) = &row.signature.envelope_id {
            if known != envelope_id {
                self.second(tx, row, envelope_id, Envelope::Open).await?;
            }
            return Ok(());
        }
        let unwanted = row.signature.envelope_known(envelope_id, at);
        row.quiet_since = at;
        row.polls = 0;
        row.tries = 0;
        if unwanted {
            let reason = row.signature.reason.clone();
            self.call_back(tx, row, &reason, None).await?;
        }
        Ok(())
    }

    /// Takes in a report, and what follows from it.
    pub(crate) fn hear(&self, tx: &mut Tx, row: &mut Row, report: &Report) {
        let before = row.signature.step;
        let heard = row.signature.hear(report);
        if heard.contradicts {
            tracing::warn!(
                signature.id = %row.id,
                "the provider contradicts how request {} ended; that stays", row.id
            );
        }
        for role in heard.tell {
            let message = wire::rejected(row, role);
            let asked_by = message.as_ref().map(|message| message.id.uuid());
            row.signature.asked_to_tell(role, asked_by, report.at);
            if let Some(message) = message {
                tx.append(message);
            }
        }
        if row.signature.step == Step::Storing && before != Step::Storing {
            row.due_at = self.clock.now();
            row.tries = 0;
        }
    }

    /// Something stops a request.
    pub(crate) fn trouble(&self, row: &mut Row, error: &ProviderError) {
        let tag = wire::tag(error.tag());
        row.signature
            .trouble(error.code(), error.detail(), tag, self.clock.now());
    }

    /// Wakes the workers; after a commit.
    pub(crate) fn wake(&self) {
        self.work.notify_waiters();
    }
}

async fn queue<P: Serialize + Sync>(
    tx: &mut Tx,
    row: &Row,
    key: String,
    operation: &'static str,
    payload: &P,
    not_before: Option<OffsetDateTime>,
) -> Result<(), ApplyError> {
    let connection = row
        .connection
        .parse()
        .map_err(|_| ApplyError::Dead("the request names no connection".to_owned()))?;
    let effect = NewEffect {
        key,
        tenant: row.tenant.clone(),
        provider: row.provider.clone(),
        connection,
        operation,
        subject_id: row.id.to_string(),
        payload: serde_json::to_value(payload)
            .map_err(|_| ApplyError::Dead("the call cannot be written".to_owned()))?,
        priority: Priority::Normal,
        not_before,
    };
    enqueue(tx, &effect).await?;
    Ok(())
}
