//! Works the queues of conversations: claims some, works what waits in each, and commits them together.
//!
//! When a portion fails, it is rolled back and its conversations are worked one by one, so that a bad message delays
//! its own conversation only. A message that fails again and again becomes a dead letter, and the conversation goes on.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use puente_outbox::{NewEvent, Outbox, Tx};
use puente_proto::messaging::MessageReceived;
use puente_telemetry::set_parent;
use puente_types::{Clock, ConversationId, Region};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::application::handle_message::{Handled, Message, handle_message};
use crate::domain::conversation::Conversation;
use crate::domain::error::StoreError;
use crate::domain::skill::SkillSet;
use crate::infrastructure::queue::{After, Claimed, Waiting};
use crate::infrastructure::skills::Library;
use crate::infrastructure::store::{Patience, PgTurn};
use crate::infrastructure::{memory, queue, wire};

/// Conversations of one transaction.
const PORTION: i64 = 32;
/// Messages of one conversation in one transaction: more means somebody floods, and others come first.
const MESSAGES: i64 = 32;
/// Another replica's commits do not wake this one; so often it looks by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The pause while the database is away.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);
/// Failures of one message before it is given up.
const ATTEMPTS: i32 = 6;

/// Works conversations.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) outbox: Outbox,
    pub(crate) skills: Arc<Library>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) region: Region,
    /// How long a message waits for one that is missing before it.
    pub(crate) settle: Duration,
    pub(crate) wake: Arc<Notify>,
    /// How long the ERP's answers count and are waited for; `None` where no ERP can be asked.
    pub(crate) patience: Option<Patience>,
    /// Wakes whoever asks the ERP.
    pub(crate) asks: Arc<Notify>,
}

/// What a transaction did.
#[derive(Default)]
struct Worked {
    /// Messages that had their turn.
    messages: usize,
    /// Conversations that rest until the ERP has answered.
    waiting: usize,
}

/// What failed, and whose turn it was.
struct Failure {
    conversation: Option<ConversationId>,
    error: StoreError,
}

impl Worker {
    /// Works until `shutdown`; a portion under way is finished.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        // After a failure so many conversations are worked one by one.
        let mut alone = 0;
        while !shutdown.is_cancelled() {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before the look, so that a commit between look and wait is not missed.
            woken.as_mut().enable();
            let portion = if alone > 0 { 1 } else { PORTION };
            let pause = match self.round(portion).await {
                Ok(0) => self.until_due().await,
                Ok(_) => {
                    alone = (alone - 1).max(0);
                    continue;
                }
                Err(failure) if portion > 1 && failure.conversation.is_some() => {
                    tracing::debug!(error = %failure.error, "a portion of conversations failed; each is worked alone");
                    alone = PORTION;
                    continue;
                }
                Err(failure) => self.failed(failure).await,
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = woken => {}
            }
        }
    }

    /// One transaction; returns the number of messages worked, or put off until the ERP has answered.
    async fn round(&self, portion: i64) -> Result<usize, Failure> {
        let outside = |error: StoreError| Failure {
            conversation: None,
            error,
        };
        let mut tx = self.outbox.begin().await.map_err(|error| outside(error.into()))?;
        let claimed = queue::claim(&mut tx, self.settle, portion)
            .await
            .map_err(|error| outside(error.into()))?;
        let mut all = Worked::default();
        for conversation in claimed {
            let id = conversation.id;
            let worked = self.work(&mut tx, conversation).await.map_err(|error| Failure {
                conversation: Some(id),
                error,
            })?;
            all.messages += worked.messages;
            all.waiting += worked.waiting;
        }
        let count = all.messages + all.waiting;
        if count > 0 {
            tx.commit().await.map_err(|error| outside(error.into()))?;
        }
        if all.waiting > 0 {
            self.asks.notify_waiters();
        }
        Ok(count)
    }

    /// All that waits in one conversation; nothing when a message that has to wait has just come before them.
    async fn work(&self, tx: &mut Tx, claimed: Claimed) -> Result<Worked, StoreError> {
        let set = self.skills.of(&claimed.tenant);
        let waiting = queue::waiting(tx, &claimed, self.settle, MESSAGES).await?;
        if waiting.is_empty() {
            return Ok(Worked::default());
        }
        let mut conversation = memory::from_json(claimed.memory.clone()).unwrap_or_else(|error| {
            // Better to ask again than never to answer again.
            tracing::error!(conversation.id = %claimed.id, error = %error, "a conversation begins anew");
            Conversation::default()
        });
        let (mut last_at, mut client, mut waits_for, mut messages) = (claimed.last_at, None, None, 0);
        for message in &waiting {
            let span = tracing::info_span!(
                "conversation.turn",
                tenant.id = %claimed.tenant,
                conversation.id = %claimed.id,
                event.id = %message.event_id,
            );
            set_parent(&span, message.traceparent.as_deref());
            let turn = self.turn(tx, &claimed, &set, conversation, last_at, message);
            let (handled, written_at) = turn.instrument(span).await?;
            conversation = handled.conversation;
            if handled.waits_for.is_some() {
                // This message and those after it have their turn when the answer is there.
                waits_for = handled.waits_for;
                break;
            }
            client = handled.client.or(client);
            last_at = last_at.max(Some(written_at));
            messages += 1;
        }
        let after = After {
            memory: memory::to_json(&conversation),
            last_at,
            client,
        };
        let done = waiting.get(..messages).unwrap_or_default();
        if !done.is_empty() {
            queue::worked(tx, claimed.id, done, &after).await?;
        }
        let mut worked = Worked { messages, waiting: 0 };
        if let (Some(nit), Some(patience)) = (waits_for, self.patience) {
            queue::awaits(tx, claimed.id, &nit, patience.wait).await?;
            worked.waiting = 1;
        }
        Ok(worked)
    }

    /// One message.
    async fn turn(
        &self,
        tx: &mut Tx,
        claimed: &Claimed,
        set: &SkillSet,
        conversation: Conversation,
        last_at: Option<time::OffsetDateTime>,
        waiting: &Waiting,
    ) -> Result<(Handled, time::OffsetDateTime), StoreError> {
        let message = MessageReceived::decode(waiting.payload.as_slice())
            .map_err(|_| StoreError::Corrupt("the message's payload".into()))?;
        let written_at = waiting.written_at(&message);
        let speaker = wire::speaker(&message);
        let mut heard = wire::heard(&message);
        heard.pause = last_at.map(|last| Duration::try_from(written_at - last).unwrap_or_default());
        let mut turn = PgTurn {
            tx: &mut *tx,
            tenant: &claimed.tenant,
            conversation: claimed.id,
            set,
            cause: waiting.event_id,
            now: self.clock.now(),
            patience: self.patience,
        };
        let message = Message {
            id: claimed.id,
            speaker: &speaker,
            heard: &heard,
            region: self.region,
            fresh: uuid::Uuid::now_v7(),
        };
        let mut handled = handle_message(set, &mut turn, conversation, message).await?;
        for notice in std::mem::take(&mut handled.notices) {
            let about = notice.about.clone();
            let event = NewEvent::new(&claimed.tenant, about, &wire::requested(notice));
            tx.append(event.caused_by(waiting.event_id));
        }
        if let Some(order) = &handled.opened {
            let order = order.snapshot();
            tracing::info!(order.id = %order.id, "order {} opened", order.number);
        }
        Ok((handled, written_at))
    }

    async fn until_due(&self) -> Duration {
        let due = async {
            let mut connection = self.outbox.pool().acquire().await?;
            queue::next_due(&mut connection, self.settle).await
        };
        match due.await {
            // A moment more: what is due to the microsecond would be looked for too early.
            Ok(Some(due)) => due
                .saturating_add(Duration::from_millis(1))
                .clamp(Duration::from_millis(10), LOOK_AGAIN),
            Ok(None) => LOOK_AGAIN,
            Err(_) => DATABASE_PAUSE,
        }
    }

    /// Notes a failure of one conversation; returns how long to wait before the next look.
    async fn failed(&self, failure: Failure) -> Duration {
        let Some(conversation) = failure.conversation else {
            tracing::warn!(error = %failure.error, "conversations wait for the database");
            return DATABASE_PAUSE;
        };
        let reason = match failure.error {
            StoreError::Unavailable(error) => {
                tracing::warn!(conversation.id = %conversation, error = %error, "a conversation waits for the database");
                return DATABASE_PAUSE;
            }
            StoreError::Corrupt(reason) => reason,
        };
        match self.note(conversation, &reason).await {
            Ok(()) => Duration::ZERO,
            Err(_) => DATABASE_PAUSE,
        }
    }

    async fn note(&self, conversation: ConversationId, reason: &str) -> Result<(), StoreError> {
        let mut tx = self.outbox.begin().await?;
        let pause =
            |failures: i32| Duration::from_millis(250) * 2_u32.pow(failures.clamp(0, 6).unsigned_abs());
        let failures = queue::failed(&mut tx, conversation, pause).await?;
        if failures >= ATTEMPTS {
            if let Some(event) = queue::bury_first(&mut tx, conversation, reason).await? {
                puente_telemetry::metric::dead_letter("orders", "refused");
                tracing::error!(conversation.id = %conversation, event.id = %event, reason, "event is a dead letter");
            }
        } else {
            tracing::warn!(conversation.id = %conversation, attempt = failures, reason, "a turn failed and will be tried again");
        }
        Ok(tx.commit().await?)
    }
}
