//! A person decides what becomes of a call whose outcome nobody knows.
//!
//! Repeating looks for the envelope first. Confirming leaves the request where it is: the next report or retry finds its
//! envelope by our reference.

use std::sync::Arc;

use async_trait::async_trait;
use puente_effects::{Resolution, Wake};
use puente_operations::ResolveEffect;
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
        let mut tx = self.outbox.begin().await?;
        let Some(parked) = puente_effects::lock_parked(&mut tx, effect, tenant).await? else {
            return Ok(false);
        };
        if !puente_effects::resolve(&mut tx, effect, resolution, by).await? {
            return Ok(false);
        }
        if matches!(resolution, Resolution::Close { .. })
            && parked.operation == CREATE
            && let Ok(id) = parked.subject_id.parse::<Uuid>()
            && let Some(mut row) = row::lock(&mut tx, &parked.tenant, id).await?
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
