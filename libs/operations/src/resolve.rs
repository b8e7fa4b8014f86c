//! A person decides about a call whose outcome nobody knows.

use async_trait::async_trait;
use puente_outbox::OutboxError;
use puente_proto::operations::{Resolution, ResolveEffectRequest, ResolveEffectResponse};
use puente_rpc::Caller;
use puente_types::{EffectId, TenantId};
use tonic::Status;

use crate::Operations;
use crate::failure::{failed, reason, uuid};

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It did not happen: call again.
    Repeat,
    /// It did happen: count it as done.
    Confirm,
    /// It is not wanted any more: leave it.
    Close,
}

/// A service with effects: what it does with its own state when one is decided about.
#[async_trait]
pub trait ResolveEffect: Send + Sync + 'static {
    /// Carries out the decision of `by`, in one transaction with the service's state. With a tenant, only if the effect
    /// is that tenant's. `false` when there is no such effect in doubt (any more).
    ///
    /// # Errors
    /// When the database does not answer.
    async fn resolve(
        &self,
        effect: EffectId,
        tenant: Option<&TenantId>,
        decision: Decision,
        reason: &str,
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
        let reason = reason(&command.reason)?;
        let decision = match command.resolution() {
            Resolution::Repeat => Decision::Repeat,
            Resolution::Confirm => Decision::Confirm,
            Resolution::Close => Decision::Close,
            Resolution::Unspecified => return Err(Status::invalid_argument("say what is to be done")),
        };
        // Whether it exists is told to those only who may see it.
        self.find_effect(&caller, id).await?;
        let Some(resolver) = &self.resolver else {
            return Err(Status::not_found("this service makes no calls"));
        };
        let resolved = resolver
            .resolve(
                id.into(),
                caller.scope.tenant(),
                decision,
                reason,
                &caller.subject,
            )
            .await
            .map_err(|error| match error {
                OutboxError::Database(error) => failed(error),
                OutboxError::SlotLost => Status::unavailable("this replica is taking its place again"),
            })?;
        if !resolved {
            return Err(Status::failed_precondition("its outcome is not in doubt"));
        }
        tracing::info!(effect.id = %id, ?decision, by = caller.subject, "a call in doubt was decided about");
        Ok(ResolveEffectResponse {})
    }
}
