//! Moves or assigns an order at a person's command, once per key: a command that comes again has no second effect.

use puente_types::{OrderId, TenantId};

use crate::application::change_state::{Change, ChangeError, decide};
use crate::domain::ports::{Issued, OrderStore, Saved};

/// How often a command is decided anew when somebody else was faster. An order has few writers.
const ATTEMPTS: usize = 5;

/// What a person wants done.
#[derive(Debug, Clone)]
pub struct Command {
    /// The order.
    pub order: OrderId,
    /// What is to change.
    pub change: Change,
    /// The version that the person saw, if it matters.
    pub expected: Option<i64>,
    /// Who, and by which key it is known again.
    pub issued: Issued,
}

/// Why a command had no effect.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Another command had this key.
    #[error("the idempotency key was used for something else")]
    KeyUsed,
    /// Somebody changed the order since the person saw it.
    #[error("the order is at version {actual}, not at version {expected}")]
    Moved {
        /// The version that the person saw.
        expected: i64,
        /// The version it has.
        actual: i64,
    },
    /// The change itself.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Does what the command says, unless it was done before.
///
/// # Errors
/// [`CommandError`]; nothing has changed then, and the key is free.
pub async fn command_order<S: OrderStore>(
    store: &S,
    tenant: &TenantId,
    command: &Command,
) -> Result<(), CommandError> {
    for _ in 0..ATTEMPTS {
        // The order first: had the same command its effect after this, the save below would notice; before this, its
        // key is found.
        let loaded = store.load(tenant, command.order).await;
        let mut order = loaded.map_err(ChangeError::from)?.ok_or(ChangeError::Unknown)?;
        let before = store.issued(tenant, &command.issued.key).await;
        if let Some(digest) = before.map_err(ChangeError::from)? {
            return if digest == command.issued.digest {
                Ok(())
            } else {
                Err(CommandError::KeyUsed)
            };
        }
        let since = order.version();
        if let Some(expected) = command.expected.filter(|expected| *expected != since) {
            return Err(CommandError::Moved {
                expected,
                actual: since,
            });
        }
        let events = decide(&mut order, &command.change).map_err(ChangeError::from)?;
        let saved = store
            .save(tenant, &order, since, &events, Some(&command.issued))
            .await
            .map_err(ChangeError::from)?;
        // Otherwise the order moved on, or the same command is being done elsewhere: look again.
        if saved == Saved::Applied {
            return Ok(());
        }
    }
    Err(ChangeError::Busy.into())
}
