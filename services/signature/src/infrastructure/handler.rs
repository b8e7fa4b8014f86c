//! Events in: requests of orders and orders that are cancelled, reports of providers, and what became of messages.

use std::sync::Arc;

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_effects::Wake;
use puente_outbox::{ApplyError, EventHandler, Tx};
use puente_proto::instant;
use puente_proto::notifications::MessageStateChanged;
use puente_proto::orders::{OrderStateChanged, SignatureRequested};
use puente_proto::signing::EnvelopeChanged;

use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::wanted::Asked;
use crate::infrastructure::{cancelled, notices, reports};

/// The consumer's handler.
pub(crate) struct Handler {
    pub(crate) desk: Arc<Desk>,
    /// Wakes the effects.
    pub(crate) wake: Wake,
}

#[async_trait]
impl EventHandler for Handler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        if event.is::<SignatureRequested>() {
            self.requested(tx, event, event.decode()?).await
        } else if event.is::<EnvelopeChanged>() {
            reports::apply(&self.desk, tx, event, &event.decode()?).await
        } else if event.is::<OrderStateChanged>() {
            cancelled::apply(&self.desk, tx, event, &event.decode()?).await
        } else if event.is::<MessageStateChanged>() {
            notices::apply(tx, event, &event.decode()?).await
        } else {
            // Left over from a filter of another version.
            Ok(())
        }
    }

    fn committed(&self) {
        self.desk.wake();
        (self.wake)();
    }
}

impl Handler {
    /// A repeated request is the request that is there.
    async fn requested(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        request: SignatureRequested,
    ) -> Result<(), ApplyError> {
        let at = request.requested_at.as_ref().and_then(instant);
        let asked = Asked::read(request).map_err(|reason| ApplyError::Dead(reason.to_owned()))?;
        let mut row = Row::new(&event.tenant, asked, at.unwrap_or(event.occurred_at));
        row.traceparent = row.traceparent.or_else(|| event.traceparent.clone());
        // The worker's own time decides when it begins, whatever the clock of whoever asked.
        row.due_at = self.desk.clock.now();
        let cancelled = cancelled::before(tx, &event.tenant, row.order).await?;
        if !row::insert(tx, &mut row, &event.id.to_string()).await? {
            tracing::info!(signature.id = %row.id, "request {} was asked for before", row.id);
            return Ok(());
        }
        match cancelled {
            Some(reason) => cancelled::void(&self.desk, tx, &mut row, &reason, event).await,
            None => Ok(()),
        }
    }
}
