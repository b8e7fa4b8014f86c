//! What a change of a capture brings with it, in the transaction of the change: messages that are asked for, ids that are
//! generated; and, after it, who is woken.

use std::sync::Arc;

use puente_outbox::Tx;
use puente_types::Clock;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::domain::capture::{CONTACT, Next};
use crate::domain::say::Say;
use crate::domain::words::{self, Said};
use crate::infrastructure::settings::Settings;
use crate::infrastructure::store::row::Row;
use crate::infrastructure::store::serials;
use crate::infrastructure::store::turn::Said as Sent;
use crate::infrastructure::wire;

/// Says, generates and wakes.
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<Settings>,
    /// Wakes the worker.
    pub(crate) work: Arc<Notify>,
    /// Wakes callers that wait for a reading.
    pub(crate) read: Arc<Notify>,
}

impl Desk {
    /// Asks for a message to the person of the conversation, if there is one.
    pub(crate) fn say(&self, tx: &mut Tx, row: &Row, say: Option<Say>, cause: &str) {
        let message = say.and_then(|say| wire::message(row, &say));
        if let Some(message) = message {
            tx.append(message.caused_by(cause));
        }
    }

    /// Takes in words, and says what follows from them.
    pub(crate) async fn words(
        &self,
        tx: &mut Tx,
        row: &mut Row,
        sent: &Sent,
        cause: &str,
        at: OffsetDateTime,
    ) -> Result<(), sqlx::Error> {
        let said = meant(sent);
        let say = match row.capture.words(said, at) {
            Next::Say(say) => say,
            Next::Generate => {
                let id = serials::generate(tx, &row.tenant).await?;
                row.capture.generate(id, CONTACT, at).ok()
            }
        };
        self.say(tx, row, say, cause);
        Ok(())
    }

    /// Wakes the worker; after a commit.
    pub(crate) fn wake(&self) {
        self.work.notify_waiters();
    }

    /// Wakes callers that wait; after a commit.
    pub(crate) fn told(&self) {
        self.read.notify_waiters();
    }
}

/// A button's payload says what its words would.
fn meant(sent: &Sent) -> Said {
    let text = if sent.choice.is_empty() {
        &sent.text
    } else {
        &sent.choice
    };
    words::understand(text)
}
