//! What happens to an order brings calls with it: queued here, in the transaction of what happened.

use std::sync::Arc;
use std::time::Duration;

use puente_effects::{Effect, NewEffect, Priority, enqueue};
use puente_outbox::{ApplyError, Tx};
use puente_ports::{NewTask, ProviderError, Recovery, TaskChange};
use puente_types::Clock;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::domain::change::Kind;
use crate::domain::state::State;
use crate::infrastructure::choose::Chooser;
use crate::infrastructure::store::change::{self, Waiting};
use crate::infrastructure::store::task::{Problem, Task};
use crate::infrastructure::words::Words;

/// The effect that creates a task.
pub(crate) const CREATE: &str = "tasks.create";
/// The effect that looks for a task that a person says is there.
pub(crate) const FIND: &str = "tasks.find";
/// The effect that changes one.
pub(crate) const CHANGE: &str = "tasks.change";

/// What the call that creates a task is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Create {
    pub(crate) task: NewTask,
    /// A call of this task ended before: it is looked for first where that can be done.
    pub(crate) again: bool,
}

/// What the call that changes a task is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Alter {
    pub(crate) task_id: String,
    /// The order's version that the change belongs to.
    pub(crate) version: i64,
    pub(crate) kind: String,
    pub(crate) change: TaskChange,
}

/// Queues calls.
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chooser: Chooser,
    pub(crate) words: Words,
    /// States of an order that complete its task.
    pub(crate) end_states: Vec<String>,
    /// The pause before a call whose budget is used up is begun anew; doubles each time.
    pub(crate) again: Duration,
}

impl Desk {
    /// Whether an order in this state has ended.
    pub(crate) fn is_end(&self, state: &str) -> bool {
        self.end_states.iter().any(|end| end == state)
    }

    /// Queues the call that creates the task, as the facts are now.
    pub(crate) async fn create(
        &self,
        tx: &mut Tx,
        task: &Task,
        assignee: Option<String>,
        again: bool,
    ) -> Result<(), ApplyError> {
        let facts = &task.facts;
        let new = NewTask {
            reference: task.id.to_string(),
            title: Words::title(&task.number, facts),
            notes: self.words.notes(&task.tenant, &task.number, facts, &facts.state),
            stage: facts.state.clone(),
            assignee,
        };
        let key = create_key(task.id);
        queue(tx, task, key, CREATE, &Create { task: new, again }, None).await
    }

    /// Keeps a change of the task, and queues its call if it is the next one.
    pub(crate) async fn change(&self, tx: &mut Tx, task: &Task, waiting: &Waiting) -> Result<(), ApplyError> {
        change::keep(tx, &task.tenant, task.id, waiting).await?;
        self.next(tx, task).await
    }

    /// Queues the call of the next change, in the trace of what led to it, unless another one is under way.
    pub(crate) async fn next(&self, tx: &mut Tx, task: &Task) -> Result<(), ApplyError> {
        if task.state != State::Open {
            return Ok(());
        }
        let Some(waiting) = change::next(tx, task.id).await? else {
            return Ok(());
        };
        let alter = Alter {
            task_id: task.task_id.clone(),
            version: waiting.version,
            kind: waiting.kind.as_str().to_owned(),
            change: waiting.change,
        };
        let key = format!("task:{}:{}", task.id, waiting.version);
        let span = tracing::info_span!("task.change", otel.kind = "internal", order.id = %task.order);
        puente_telemetry::set_parent(&span, waiting.traceparent.as_deref());
        queue(tx, task, key, CHANGE, &alter, None).instrument(span).await
    }

    /// How a call recovers when its outcome is unknown.
    pub(crate) fn recovery(&self, effect: &Effect) -> Recovery {
        if effect.operation != CREATE {
            // Setting what is set, and reading, may be done twice.
            return Recovery::Repeatable;
        }
        let connection = self.chooser.connections.get(&effect.connection);
        match (connection, self.chooser.adapter(&effect.provider)) {
            (Some(connection), Ok(adapter)) => adapter.creation(&connection),
            _ => Recovery::Unsure,
        }
    }

    /// The change that brings a task to a state.
    pub(crate) fn staged(&self, task: &Task, state: &str) -> TaskChange {
        TaskChange::Stage {
            stage: state.to_owned(),
            notes: self.words.notes(&task.tenant, &task.number, &task.facts, state),
        }
    }

    /// Something went wrong with a task; people see it with the order.
    pub(crate) fn trouble(&self, task: &mut Task, kind: Kind, error: &ProviderError) {
        let same = task
            .problem
            .as_ref()
            .filter(|problem| problem.code == error.code() && problem.change == kind);
        let since = same.map_or_else(|| self.clock.now(), |problem| problem.since);
        task.problem = Some(Problem {
            code: error.code().to_owned(),
            detail: error.detail().to_owned(),
            tag: error.tag().as_str().to_owned(),
            change: kind,
            since,
        });
    }
}

/// The key of the call that creates a task.
pub(crate) fn create_key(task: Uuid) -> String {
    format!("task:{task}")
}

/// Queues a call of a task.
pub(crate) async fn queue<P: Serialize + Sync>(
    tx: &mut Tx,
    task: &Task,
    key: String,
    operation: &'static str,
    payload: &P,
    not_before: Option<OffsetDateTime>,
) -> Result<(), ApplyError> {
    let connection = task
        .connection
        .parse()
        .map_err(|_| ApplyError::Dead("the task names no connection".to_owned()))?;
    let effect = NewEffect {
        key,
        tenant: task.tenant.clone(),
        provider: task.provider.clone(),
        connection,
        operation,
        subject_id: task.id.to_string(),
        payload: serde_json::to_value(payload)
            .map_err(|_| ApplyError::Dead("the call cannot be written".to_owned()))?,
        priority: Priority::Normal,
        not_before,
    };
    enqueue(tx, &effect).await?;
    Ok(())
}
