//! Moves or assigns an order at a person's command, once per key: a command that comes again has no second effect.

use puente_types::{OrderId, TenantId};
use time::Date;
use uuid::Uuid;

use crate::application::change_state::{Change, ChangeError, decide};
use crate::domain::directory::{Kind, admit};
use crate::domain::error::Refused;
use crate::domain::order::Order;
use crate::domain::papers::Expired;
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
    /// The day on which papers of service providers must be good; `None` where they are not asked for.
    pub papers_on: Option<Date>,
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

/// Does what the command says, unless it was done before. Returns the request to sign that it made, then or now.
///
/// # Errors
/// [`CommandError`]; nothing has changed then, and the key is free.
pub async fn command_order<S: OrderStore>(
    store: &S,
    tenant: &TenantId,
    command: &Command,
) -> Result<Option<Uuid>, CommandError> {
    for _ in 0..ATTEMPTS {
        // The order first: had the same command its effect after this, the save below would notice; before this, its
        // key is found.
        let loaded = store.load(tenant, command.order).await;
        let mut order = loaded.map_err(ChangeError::from)?.ok_or(ChangeError::Unknown)?;
        let before = store.issued(tenant, &command.issued.key).await;
        if let Some(done) = before.map_err(ChangeError::from)? {
            return if done.digest == command.issued.digest {
                Ok(done.request)
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
        let change = informed(store, tenant, &order, command).await?;
        let decided = decide(&mut order, &change, &command.issued.by).map_err(ChangeError::from)?;
        let saved = store
            .save(tenant, &order, since, &decided, Some(&command.issued))
            .await
            .map_err(ChangeError::from)?;
        // Otherwise the order moved on, or the same command is being done elsewhere: look again.
        if saved == Saved::Applied {
            return Ok(decided.request.map(|request| request.id));
        }
    }
    Err(ChangeError::Busy.into())
}

/// The change with what the store knows of the people in it: who signs is filled in, who works is held against the
/// directory.
async fn informed<S: OrderStore>(
    store: &S,
    tenant: &TenantId,
    order: &Order,
    command: &Command,
) -> Result<Change, ChangeError> {
    let change = &command.change;
    match change {
        Change::Sign(said, reason) => {
            let known = store.parties(tenant, order.snapshot()).await?;
            let parties = (**said).clone().over(known);
            Ok(Change::Sign(Box::new(parties), reason.clone()))
        }
        Change::Assign(assignment) => {
            let places = [
                (Kind::Agent, &assignment.agent),
                (Kind::ServiceProvider, &assignment.service_provider),
            ];
            for (kind, id) in places {
                let Some(id) = id.as_deref().map(str::trim).filter(|id| !id.is_empty()) else {
                    continue;
                };
                let (found, keeps_any) = store.known(tenant, kind, id).await?;
                admit(kind, id, found.as_ref(), keeps_any)?;
                if let (Kind::ServiceProvider, Some(today)) = (kind, command.papers_on) {
                    let expired = store.expired(tenant, id, today).await?;
                    valid(id, &expired)?;
                }
            }
            Ok(change.clone())
        }
        Change::Move(..) | Change::Quote(..) => Ok(change.clone()),
    }
}

fn valid(id: &str, expired: &[Expired]) -> Result<(), Refused> {
    if expired.is_empty() {
        return Ok(());
    }
    let papers: Vec<String> = expired.iter().map(Expired::to_string).collect();
    Err(Refused::PapersExpired {
        id: id.to_owned(),
        papers: papers.join(", "),
    })
}
