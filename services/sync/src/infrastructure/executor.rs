//! The effects `tasks.*`: the only place that changes something at a provider.

use std::sync::Arc;

use async_trait::async_trait;
use puente_effects::{Effect, EffectExecutor, Outcome};
use puente_outbox::{ApplyError, Tx};
use puente_ports::{CallCtx, ProviderError, ProviderErrorKind, Recovery, TaskRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::infrastructure::desk::{Alter, CHANGE, CREATE, Create, Desk, FIND};
use crate::infrastructure::outcome;

/// A person said that a task is there, and it is not.
const NOT_FOUND: &str = "task_not_found";

/// Calls providers, and takes in what became of it.
pub(crate) struct Caller {
    pub(crate) desk: Arc<Desk>,
}

#[async_trait]
impl EffectExecutor for Caller {
    fn recovery(&self, effect: &Effect) -> Recovery {
        self.desk.recovery(effect)
    }

    async fn call(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Value, ProviderError> {
        let adapter = self.desk.chooser.adapter(&effect.provider)?;
        match effect.operation.as_str() {
            CREATE => {
                let wanted: Create = read(&effect.payload)?;
                let may_be_there = wanted.again || effect.attempts > 1;
                if may_be_there
                    && self.recovery(effect) == Recovery::Findable
                    && let Some(found) = adapter.find(ctx, &wanted.task.reference).await?
                {
                    return value(&found);
                }
                value(&adapter.create(ctx, &wanted.task).await?)
            }
            FIND => {
                let wanted: Create = read(&effect.payload)?;
                let found = adapter.find(ctx, &wanted.task.reference).await?;
                let detail = "the task manager knows no task of this reference";
                let missing = || ProviderError::new(ProviderErrorKind::Rejected, NOT_FOUND, detail);
                value(&found.ok_or_else(missing)?)
            }
            CHANGE => {
                let wanted: Alter = read(&effect.payload)?;
                adapter.change(ctx, &wanted.task_id, &wanted.change).await?;
                Ok(Value::Null)
            }
            _ => Err(ProviderError::malformed("unknown operation")),
        }
    }

    async fn find(&self, effect: &Effect, ctx: CallCtx<'_>) -> Result<Option<Value>, ProviderError> {
        if effect.operation != CREATE {
            return Ok(None);
        }
        let wanted: Create = read(&effect.payload)?;
        let adapter = self.desk.chooser.adapter(&effect.provider)?;
        let found: Option<TaskRef> = adapter.find(ctx, &wanted.task.reference).await?;
        found.as_ref().map(value).transpose()
    }

    async fn settled(&self, tx: &mut Tx, effect: &Effect, outcome: &Outcome) -> Result<(), ApplyError> {
        outcome::settled(&self.desk, tx, effect, outcome).await
    }
}

/// What an effect is given.
pub(crate) fn read<T: DeserializeOwned>(payload: &Value) -> Result<T, ProviderError> {
    serde_json::from_value(payload.clone()).map_err(|_| ProviderError::malformed("the effect cannot be read"))
}

fn value<T: Serialize>(result: &T) -> Result<Value, ProviderError> {
    serde_json::to_value(result).map_err(|_| ProviderError::malformed("the result cannot be written"))
}
