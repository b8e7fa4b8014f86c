//! A person decides what becomes of a call whose outcome nobody knows.
//!
//! Repeating looks for the envelope first. Confirming leaves the request where it is: the next report or retry finds its
//! envelope by our reference.

use std::sync::Arc;

use async_trait::async_trait;
use puente_effects::Resolution;
use puente_operations::{Decision, ResolveEffect};
use puente_outbox::{Outbox, OutboxError};
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_types::{EffectId, TenantId};
use uuid::Uuid;

use crate::domain::state::Step;
use crate::infrastructure::desk::{CREATE, Desk};
use crate::infrastructure::store::row;

/// Decides about calls for whoever asks by gRPC.
pub(crate) struct Resolver {
    pub(crate) outbox: Outbox,
    pub(crate) desk: Arc<Desk>,
    /// Wakes the effects: a repeated call is due at once.
    pub(crate) wake: Box<dyn Fn() + Send + Sync>,
}

#[async_trait]
impl ResolveEffect for Resolver {
    async fn resolve(
        &self,
        effect: EffectId,
        tenant: Option<&TenantId>,
        decision: Decision,
        reason: &str,
        by: &str,
    ) -> Result<bool, OutboxError> {
        let mut tx = self.outbox.begin().await?;
        let parked = sqlx::query!(
            "SELECT tenant, operation, subject_id FROM effects
             WHERE id = $1 AND state = 'unknown' AND ($2::text IS NULL OR tenant = $2) FOR UPDATE",
            effect.uuid(),
            tenant.map(TenantId::as_str),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(parked) = parked else { return Ok(false) };
        let reason = reason.to_owned();
        let resolution = match decision {
            Decision::Repeat => Resolution::Repeat,
            Decision::Confirm => Resolution::Confirm { reason },
            Decision::Close => Resolution::Close { reason },
        };
        if !puente_effects::resolve(&mut tx, effect, &resolution, by).await? {
            return Ok(false);
        }
        if decision == Decision::Close
            && parked.operation == CREATE
            && let (Ok(tenant), Ok(id)) = (
                parked.tenant.parse::<TenantId>(),
                parked.subject_id.parse::<Uuid>(),
            )
            && let Some(mut row) = row::lock(&mut tx, &tenant, id).await?
            && row.signature.step == Step::Sending
        {
            let kind = ProviderErrorKind::Rejected;
            let error = ProviderError::new(kind, "closed_by_person", "a person closed the sending");
            self.desk.trouble(&mut row, &error);
            row::save(&mut tx, &mut row, &effect.to_string(), self.desk.clock.now()).await?;
        }
        tx.commit().await?;
        (self.wake)();
        Ok(true)
    }
}
