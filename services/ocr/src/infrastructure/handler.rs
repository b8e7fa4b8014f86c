//! Events in: the turns of conversations about plates.

use std::sync::Arc;

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_outbox::{ApplyError, EventHandler, Tx};
use puente_proto::instant;
use puente_proto::orders::CaptureContinued;

use crate::domain::capture::Capture;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::store::turn::{self, Turn};
use crate::infrastructure::wire;

/// How captures of conversations come in.
const CHANNEL: &str = "whatsapp";

/// The consumer's handler.
pub(crate) struct Handler {
    pub(crate) desk: Arc<Desk>,
}

#[async_trait]
impl EventHandler for Handler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        if !event.is::<CaptureContinued>() {
            // Left over from a filter of another version.
            return Ok(());
        }
        self.continued(tx, event, event.decode()?).await
    }

    fn committed(&self) {
        self.desk.wake();
    }
}

impl Handler {
    /// Keeps the turn; the worker works it when it is the next one.
    async fn continued(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        continued: CaptureContinued,
    ) -> Result<(), ApplyError> {
        let at = continued
            .at
            .as_ref()
            .and_then(instant)
            .unwrap_or(event.occurred_at);
        let heard = wire::heard(continued).map_err(|reason| ApplyError::Dead(reason.to_owned()))?;
        let settings = self.desk.settings.of(&event.tenant);
        let capture = Capture::new(settings.attempts, settings.threshold);
        let mut new = Row::new(heard.capture, &event.tenant, CHANNEL, capture, at);
        new.order = heard.order;
        new.contact = heard.contact;
        new.traceparent = new.traceparent.or_else(|| event.traceparent.clone());
        if !row::insert(tx, &new).await? && row::lock(tx, &event.tenant, heard.capture).await?.is_none() {
            return Err(ApplyError::Dead("the capture is another tenant's".to_owned()));
        }
        let turn = Turn {
            turn: heard.turn,
            event_id: event.id.uuid(),
            said: heard.said,
            at,
            traceparent: event.traceparent.clone(),
        };
        turn::keep(tx, &event.tenant, heard.capture, &turn).await?;
        // The worker's own time decides when it begins, whatever the clock of whoever sent.
        let now = self.desk.clock.now();
        turn::wake(tx, &event.tenant, heard.capture, heard.turn, now).await?;
        Ok(())
    }
}
