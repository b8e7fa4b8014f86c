//! A person decides what becomes of a send whose outcome nobody knows.

use std::sync::Arc;

use async_trait::async_trait;
use puente_effects::{Resolution, Wake};
use puente_operations::ResolveEffect;
use puente_outbox::{Outbox, OutboxError};
use puente_types::{Clock, EffectId, MessageId, TenantId};

use crate::domain::state::State;
use crate::infrastructure::store::message::{self, Report};

/// Repeats, confirms or closes a parked send, if it is `of` this tenant. A confirmed one leaves its message sent, a
/// closed one failed, so that nobody goes on waiting for it. `false` when there is no such effect in doubt (any more).
///
/// # Errors
/// The database's own.
pub async fn resolve_doubt(
    outbox: &Outbox,
    clock: &dyn Clock,
    effect: EffectId,
    of: Option<&TenantId>,
    resolution: &Resolution,
    by: &str,
) -> Result<bool, OutboxError> {
    let mut tx = outbox.begin().await?;
    let Some(parked) = puente_effects::lock_parked(&mut tx, effect, of).await? else {
        return Ok(false);
    };
    if !puente_effects::resolve(&mut tx, effect, resolution, by).await? {
        return Ok(false);
    }
    let told = match resolution {
        Resolution::Repeat => None,
        Resolution::Confirm { .. } => Some((State::Sent, None)),
        Resolution::Close { .. } => Some((State::Failed, Some(("closed_by_person".to_owned(), "permanent")))),
    };
    if let Some((state, error)) = told
        && let Ok(id) = parked.subject_id.parse::<MessageId>()
        && let Some(mut row) = message::lock(&mut tx, &parked.tenant, id).await?
    {
        let report = Report {
            state,
            at: clock.now(),
            source: "person",
            error,
            billable: None,
            price_category: None,
            cause: effect.to_string(),
        };
        message::hear(&mut tx, &mut row, &report, &[]).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Decides about sends for whoever asks by gRPC.
pub(crate) struct Resolver {
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    /// Wakes the runner: a repeated send is due at once.
    pub(crate) wake: Wake,
}

#[async_trait]
impl ResolveEffect for Resolver {
    async fn resolve(
        &self,
        effect: EffectId,
        tenant: Option<&TenantId>,
        resolution: &Resolution,
        by: &str,
    ) -> Result<bool, OutboxError> {
        let done = resolve_doubt(&self.outbox, &*self.clock, effect, tenant, resolution, by).await?;
        (self.wake)();
        Ok(done)
    }
}
