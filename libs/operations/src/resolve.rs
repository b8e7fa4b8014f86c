//! A person decides about a call whose outcome nobody knows.

use async_trait::async_trait;
use puente_effects::Resolution;
use puente_outbox::OutboxError;
use puente_proto::operations::{self as proto, ResolveEffectRequest, ResolveEffectResponse};
use puente_rpc::Caller;
use puente_types::{EffectId, TenantId};
use tonic::Status;

use crate::Operations;
use crate::failure::{failed, reason, uuid};

/// A service with effects: what it does with its own state when one is decided about.
#[async_trait]
pub trait ResolveEffect: Send + Sync + 'static {
    /// Carries out what `by` decided, in one transaction with the service's state. With a tenant, only if the effect is
    /// that tenant's. `false` when there is no such effect in doubt (any more).
    ///
    /// # Errors
    /// When the database does not answer.
    async fn resolve(
        &self,
        effect: EffectId,
        tenant: Option<&TenantId>,
        resolution: &Resolution,
        by: &str,
    ) -> Result<bool, OutboxError>;
}

impl Operations {
    pub(crate) async fn resolve(
        &self,
        caller: Caller,
        command: ResolveEffectRequest,
    ) -> Result<ResolveEffectResponse, Status> {
        let id = uuid(&command.id)?;
        let reason = reason(&command.reason)?.to_owned();
        let resolution = match command.resolution() {
            proto::Resolution::Repeat => Resolution::Repeat,
            proto::Resolution::Confirm => Resolution::Confirm { reason },
            proto::Resolution::Close => Resolution::Close { reason },
            proto::Resolution::Unspecified => return Err(Status::invalid_argument("say what is to be done")),
        };
        // Whether it exists is told to those only who may see it.
        self.find_effect(&caller, id).await?;
        let Some(resolver) = &self.resolver else {
            return Err(Status::not_found("this service makes no calls"));
        };
        let resolved = resolver
            .resolve(id.into(), caller.scope.tenant(), &resolution, &caller.subject)
            .await
            .map_err(|error| match error {
                OutboxError::Database(error) => failed(error),
                OutboxError::SlotLost => Status::unavailable("this replica is taking its place again"),
            })?;
        if !resolved {
            return Err(Status::failed_precondition("its outcome is not in doubt"));
        }
        tracing::info!(effect.id = %id, decision = ?command.resolution(), by = caller.subject, "a call in doubt was decided about");
        Ok(ResolveEffectResponse {})
    }
}
