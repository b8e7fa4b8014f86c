//! What became of a call, taken into the task in the transaction that settles it.

use std::time::Duration;

use puente_effects::{Effect, Outcome, Resolution};
use puente_outbox::{ApplyError, Tx};
use puente_ports::{
    ASSIGNEE_REFUSED, ErrorTag, NewTask, ProviderError, ProviderErrorKind, Recovery, TaskChange, TaskRef,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::change::Kind;
use crate::domain::state::State;
use crate::infrastructure::desk::{Alter, CHANGE, CREATE, Create, Desk, FIND, queue};
use crate::infrastructure::executor::read;
use crate::infrastructure::store::change;
use crate::infrastructure::store::task::{self, Facts, Task};
use crate::infrastructure::wire;

/// The longest pause before a call is begun anew.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);
/// Calls that begin anew after a failed one: about a day. Then the change is left behind, or the task not created.
const MOST_ROUNDS: i32 = 50;

pub(crate) async fn settled(
    desk: &Desk,
    tx: &mut Tx,
    effect: &Effect,
    outcome: &Outcome,
) -> Result<(), ApplyError> {
    let Ok(id) = effect.subject_id.parse::<Uuid>() else {
        return Ok(());
    };
    let Some(mut task) = task::lock(tx, &effect.tenant, id).await? else {
        return Ok(());
    };
    match effect.operation.as_str() {
        CREATE | FIND => creation(desk, tx, effect, &mut task, outcome).await?,
        CHANGE => {
            let alter: Alter = read(&effect.payload).map_err(|error| ApplyError::Dead(error.to_string()))?;
            alteration(desk, tx, effect, &mut task, &alter, outcome).await?;
        }
        _ => return Ok(()),
    }
    task::save(tx, &task, desk.clock.now()).await?;
    desk.next(tx, &task).await
}

async fn creation(
    desk: &Desk,
    tx: &mut Tx,
    effect: &Effect,
    task: &mut Task,
    outcome: &Outcome,
) -> Result<(), ApplyError> {
    if task.state != State::Creating {
        return Ok(());
    }
    let wanted: Create = read(&effect.payload).map_err(|error| ApplyError::Dead(error.to_string()))?;
    match outcome {
        Outcome::Done(result) => {
            let made: TaskRef = serde_json::from_value(result.clone())
                .map_err(|_| ApplyError::Dead("the result of a creation is none".to_owned()))?;
            task.task_id = made.task_id;
            task.url = made.url;
            task.state = State::Open;
            task.stage = wanted.task.stage;
            made_known(desk, tx, effect, task, Kind::Created);
        }
        Outcome::Failed(error) if error.code() == ASSIGNEE_REFUSED && wanted.task.assignee.is_some() => {
            // The task itself is not the trouble: it is made for nobody, and people see whom it should be for.
            desk.trouble(task, Kind::Assigned, error);
            let for_nobody = Create {
                task: NewTask {
                    assignee: None,
                    ..wanted.task
                },
                again: true,
            };
            queue(tx, task, effect.key.clone(), CREATE, &for_nobody, None).await?;
        }
        Outcome::Failed(error) => {
            desk.trouble(task, Kind::Created, error);
            if effect.operation == CREATE && passes(error) && task.tries < MOST_ROUNDS {
                let again = Create {
                    again: true,
                    ..wanted
                };
                anew(desk, tx, effect, task, CREATE, &again).await?;
            } else {
                given_up(tx, task).await?;
            }
        }
        Outcome::Unknown { reason } => {
            in_doubt(desk, task, Kind::Created, reason);
            if desk.recovery(effect) != Recovery::Unsure {
                take_up_again(desk, tx, effect, task).await?;
            }
        }
    }
    Ok(())
}

async fn alteration(
    desk: &Desk,
    tx: &mut Tx,
    effect: &Effect,
    task: &mut Task,
    alter: &Alter,
    outcome: &Outcome,
) -> Result<(), ApplyError> {
    let kind: Kind = alter
        .kind
        .parse()
        .map_err(|_| ApplyError::Dead("the effect names no change".to_owned()))?;
    match outcome {
        Outcome::Done(_) => altered(desk, tx, effect, task, alter, kind).await,
        Outcome::Failed(error) => {
            desk.trouble(task, kind, error);
            if passes(error) && task.tries < MOST_ROUNDS {
                return anew(desk, tx, effect, task, CHANGE, alter).await;
            }
            left_behind(tx, task, alter).await
        }
        Outcome::Unknown { reason } => {
            // Made twice it is as good as once.
            in_doubt(desk, task, kind, reason);
            take_up_again(desk, tx, effect, task).await
        }
    }
}

/// The provider has made a change, or a person says so.
pub(crate) async fn altered(
    desk: &Desk,
    tx: &mut Tx,
    effect: &Effect,
    task: &mut Task,
    alter: &Alter,
    kind: Kind,
) -> Result<(), ApplyError> {
    if !change::settle(tx, task.id, alter.version).await? {
        return Ok(());
    }
    if let TaskChange::Stage { stage, .. } = &alter.change {
        task.stage.clone_from(stage);
    }
    if kind == Kind::Completed {
        task.state = State::Completed;
        // Nothing is written any more, and orders keeps what is known.
        task.facts = Facts::default();
        change::forget(tx, task.id).await?;
    }
    made_known(desk, tx, effect, task, kind);
    Ok(())
}

/// A change is not made; those after it are.
pub(crate) async fn left_behind(tx: &mut Tx, task: &mut Task, alter: &Alter) -> Result<(), ApplyError> {
    change::settle(tx, task.id, alter.version).await?;
    task.tries = 0;
    Ok(())
}

/// The task is not created; a person may ask for it again, and it is made from the order as it stands then.
pub(crate) async fn given_up(tx: &mut Tx, task: &mut Task) -> Result<(), ApplyError> {
    change::forget(tx, task.id).await?;
    task.state = State::Failed;
    task.tries = 0;
    Ok(())
}

/// Counts a change that the provider made, and tells of it.
fn made_known(desk: &Desk, tx: &mut Tx, effect: &Effect, task: &mut Task, kind: Kind) {
    task.version += 1;
    task.tries = 0;
    task.problem = task.problem.take().filter(|problem| !kind.mends(problem.change));
    let event = wire::changed(task, kind, desk.clock.now()).caused_by(effect.id);
    // In the trace of the call, whoever settles it.
    tx.append(event.in_trace_of(effect.traceparent.as_deref()));
}

fn in_doubt(desk: &Desk, task: &mut Task, kind: Kind, reason: &str) {
    let error = ProviderError::new(ProviderErrorKind::OutcomeUnknown, "outcome_unknown", reason);
    desk.trouble(task, kind, &error);
}

/// Whether it is worth trying later: it passes by itself, or when a person mends the connection.
fn passes(error: &ProviderError) -> bool {
    error.tag() != ErrorTag::Permanent
}

/// A call in doubt that can be settled without a person, but not now: the look-up failed as well, say. It is not parked
/// but due again, later and later; whoever makes it then looks first.
async fn take_up_again(desk: &Desk, tx: &mut Tx, effect: &Effect, task: &mut Task) -> Result<(), ApplyError> {
    if task.tries >= MOST_ROUNDS {
        return Ok(());
    }
    if puente_effects::resolve(tx, effect.id, &Resolution::Repeat, "sync").await? {
        let later = pause(desk, task);
        sqlx::query!(
            "UPDATE effects SET not_before = $2 WHERE id = $1 AND state = 'due'",
            effect.id.uuid(),
            later,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// When a call is begun anew, one time more than before.
fn pause(desk: &Desk, task: &mut Task) -> OffsetDateTime {
    let doublings = u32::try_from(task.tries).unwrap_or(0).min(16);
    task.tries += 1;
    desk.clock.now() + desk.again.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

/// The same call once more, later and later.
async fn anew<P: serde::Serialize + Sync>(
    desk: &Desk,
    tx: &mut Tx,
    effect: &Effect,
    task: &mut Task,
    operation: &'static str,
    payload: &P,
) -> Result<(), ApplyError> {
    let later = pause(desk, task);
    queue(tx, task, effect.key.clone(), operation, payload, Some(later)).await
}
