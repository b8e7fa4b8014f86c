//! Events in: messages are put where their conversation's turn finds them, news of signatures reach their order, what
//! captures come to reaches their asset.
//! Nothing is decided here, and the broker's delivery order never matters.

use std::sync::Arc;

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_documents::Documents;
use puente_outbox::{ApplyError, EventHandler, Tx};
use puente_proto::messaging::MessageReceived;
use puente_proto::ocr::CaptureStateChanged;
use puente_proto::signature::SignatureStateChanged;
use puente_types::Clock;
use tokio::sync::Notify;

use crate::infrastructure::skills::Library;
use crate::infrastructure::{captured, queue, signed, wire};

/// The handler of the consumer.
pub(crate) struct Consumer {
    /// Wakes the workers.
    pub(crate) wake: Arc<Notify>,
    pub(crate) skills: Arc<Library>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) documents: Documents,
    /// Wakes whoever makes sheets.
    pub(crate) sheets: Arc<Notify>,
}

#[async_trait]
impl EventHandler for Consumer {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        if event.is::<SignatureStateChanged>() {
            let set = self.skills.of(&event.tenant);
            return signed::apply(tx, event, &set, self.clock.now()).await;
        }
        if event.is::<CaptureStateChanged>() {
            return captured::apply(tx, event, &self.documents, self.clock.now()).await;
        }
        if !event.is::<MessageReceived>() {
            // Left over from a filter of another version.
            return Ok(());
        }
        let message: MessageReceived = event.decode()?;
        if wire::is_for_bot(&message) {
            wire::check_ids(&message).map_err(|reason| ApplyError::Dead(reason.to_owned()))?;
            queue::put(tx, event, &message).await?;
        } else if wire::check_ids(&message).is_ok() {
            queue::pass(tx, event, &message).await?;
        }
        Ok(())
    }

    fn committed(&self) {
        self.wake.notify_waiters();
        self.sheets.notify_waiters();
    }
}
