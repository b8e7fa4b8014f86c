//! A person decides what becomes of a call whose outcome nobody knows, and the task goes on with it.
//!
//! Whoever says that a task was created does not say as which: it is looked for by our reference. One that cannot be found
//! like that leaves the order without a task here; asking for one again is then a person's decision as well.

use std::sync::Arc;

use async_trait::async_trait;
use puente_effects::{Effect, Resolution, Wake};
use puente_operations::ResolveEffect;
use puente_outbox::{ApplyError, Outbox, OutboxError, Tx};
use puente_ports::{ProviderError, ProviderErrorKind};
use puente_types::{EffectId, TenantId};
use serde_json::Value;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::domain::change::Kind;
use crate::domain::state::State;
use crate::infrastructure::desk::{Alter, CHANGE, CREATE, Create, Desk, FIND, create_key, queue};
use crate::infrastructure::executor::read;
use crate::infrastructure::outcome;
use crate::infrastructure::store::task::{self, Task};

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
        if *resolution != Resolution::Repeat
            && let Ok(id) = parked.subject_id.parse::<Uuid>()
            && let Some(mut task) = task::lock(&mut tx, &parked.tenant, id).await?
        {
            // It goes on in the trace of the call, not in that of the person who decided.
            let span = tracing::info_span!("task.resolve", otel.kind = "internal", effect.id = %effect);
            puente_telemetry::set_parent(&span, parked.traceparent.as_deref());
            puente_telemetry::link(&span, puente_telemetry::current_traceparent().as_deref());
            self.decided(&mut tx, &parked, &mut task, resolution)
                .instrument(span)
                .await
                .map_err(refused)?;
        }
        tx.commit().await?;
        (self.wake)();
        Ok(true)
    }
}

impl Resolver {
    async fn decided(
        &self,
        tx: &mut Tx,
        effect: &Effect,
        task: &mut Task,
        resolution: &Resolution,
    ) -> Result<(), ApplyError> {
        let desk = &self.desk;
        let confirmed = matches!(resolution, Resolution::Confirm { .. });
        let closed = ProviderError::new(
            ProviderErrorKind::Rejected,
            "closed_by_person",
            "a person closed the call",
        );
        if effect.operation == CHANGE {
            let alter: Alter = decode(&effect.payload)?;
            let kind: Kind = alter
                .kind
                .parse()
                .map_err(|_| ApplyError::Dead("the effect names no change".to_owned()))?;
            if confirmed {
                outcome::altered(desk, tx, effect, task, &alter, kind).await?;
            } else {
                desk.trouble(task, kind, &closed);
                outcome::left_behind(tx, task, &alter).await?;
            }
        } else if task.state == State::Creating {
            if confirmed && effect.operation == CREATE {
                let wanted: Create = decode(&effect.payload)?;
                queue(tx, task, create_key(task.id), FIND, &wanted, None).await?;
            } else {
                desk.trouble(task, Kind::Created, &closed);
                outcome::given_up(tx, task).await?;
            }
        }
        task::save(tx, task, desk.clock.now()).await?;
        desk.next(tx, task).await
    }
}

fn decode<T: serde::de::DeserializeOwned>(payload: &Value) -> Result<T, ApplyError> {
    read(payload).map_err(|error| ApplyError::Dead(error.to_string()))
}

/// What keeps a decision from being written.
fn refused(error: ApplyError) -> OutboxError {
    match error {
        ApplyError::Database(error) => OutboxError::Database(error),
        other => OutboxError::Database(sqlx::Error::Decode(other.to_string().into())),
    }
}
