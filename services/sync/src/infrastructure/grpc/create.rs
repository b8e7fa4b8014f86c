//! A person asks for the task of an order: made from the order as orders tells it now.
//!
//! Meanwhile events of the order come in. The order's watch decides which is newer: when more was applied than orders told,
//! it is asked again; what it told is not applied again.

use std::sync::Arc;

use puente_outbox::Tx;
use puente_ports::Connection;
use puente_proto::orders::OrderSummary;
use puente_types::{OrderId, TenantId};
use tonic::Status;
use uuid::Uuid;

use super::{Answers, ask};
use crate::domain::state::State;
use crate::infrastructure::choose::{assignee, named_assignee, shows_client};
use crate::infrastructure::desk::create_key;
use crate::infrastructure::store::task::{self, Facts, Task};
use crate::infrastructure::store::watch;

/// How often orders is asked about an order that changes all the time.
const LOOKS: usize = 3;

/// The order has a task afterwards, or one is being created.
pub(super) async fn task(
    answers: &Answers,
    tenant: &TenantId,
    order: OrderId,
    key: &str,
) -> Result<(), Status> {
    for _ in 0..LOOKS {
        let connection = match there(answers, tenant, order, key).await? {
            There::Enough => return Ok(()),
            There::Before(connection) => answers.desk.chooser.known(tenant, &connection),
            There::Nothing => None,
        };
        let connection = match connection {
            // A connection that was chosen stays: a task may be there already.
            Some(known) => known,
            None => {
                let chosen = answers.desk.chooser.choose(tenant);
                chosen.map_err(|error| ask::unconnected(&error))?
            }
        };
        let told = answers.orders.order(tenant, order).await?;
        if answers.desk.is_end(&told.state) {
            return Err(Status::failed_precondition("the order has ended"));
        }
        let user = user(answers, tenant, &connection, &told.agent).await?;
        if write(answers, tenant, order, key, &connection, told, user).await? {
            (answers.wake)();
            return Ok(());
        }
    }
    Err(Status::unavailable("the order is changing: ask again"))
}

/// What is there already.
enum There {
    /// A task, or one that is being created; or the command was given before.
    Enough,
    /// One that was not created, by this connection.
    Before(String),
    /// Nothing.
    Nothing,
}

impl There {
    fn of(task: Option<&Task>, key: &str) -> Self {
        match task {
            None => Self::Nothing,
            Some(task) if task.state == State::Failed && task.command_key != key => {
                Self::Before(task.connection.clone())
            }
            Some(_) => Self::Enough,
        }
    }
}

/// Looks; a creation that waits because of a problem is tried at once, for somebody may have mended it.
async fn there(answers: &Answers, tenant: &TenantId, order: OrderId, key: &str) -> Result<There, Status> {
    let mut database = answers.outbox.pool().acquire().await.map_err(ask::failed)?;
    let found = task::read(&mut database, tenant, order)
        .await
        .map_err(ask::failed)?;
    if let Some(task) = found
        .as_ref()
        .filter(|task| task.state == State::Creating && task.problem.is_some())
    {
        sqlx::query!(
            "UPDATE effects SET not_before = clock_timestamp() WHERE key = $1 AND tenant = $2 AND state = 'due'",
            create_key(task.id),
            tenant.as_str(),
        )
        .execute(&mut *database)
        .await
        .map_err(ask::failed)?;
        (answers.wake)();
    }
    Ok(There::of(found.as_ref(), key))
}

/// Who does it, as the task manager knows them.
async fn user(
    answers: &Answers,
    tenant: &TenantId,
    connection: &Connection,
    agent: &str,
) -> Result<Option<String>, Status> {
    if agent.is_empty() {
        return Ok(None);
    }
    if let Some(named) = named_assignee(connection, agent) {
        return Ok(Some(named));
    }
    let email = answers.orders.email(tenant, agent).await?;
    Ok(assignee(connection, agent, &email))
}

/// Writes the task and queues its creation. `false` when the order went on meanwhile.
async fn write(
    answers: &Answers,
    tenant: &TenantId,
    order: OrderId,
    key: &str,
    connection: &Arc<Connection>,
    told: OrderSummary,
    user: Option<String>,
) -> Result<bool, Status> {
    let mut tx = answers.outbox.begin().await.map_err(ask::failed)?;
    let applied = watch::applied(&mut tx, tenant, order)
        .await
        .map_err(ask::failed)?;
    if applied > told.version {
        return Ok(false);
    }
    watch::advance(&mut tx, tenant, order, told.version)
        .await
        .map_err(ask::failed)?;
    let before = task::lock_of(&mut tx, tenant, order).await.map_err(ask::failed)?;
    if matches!(There::of(before.as_ref(), key), There::Enough) {
        // Somebody else asked at the same time.
        return Ok(true);
    }
    let again = before.is_some();
    let task = new(answers, tenant, order, key, connection, told, before);
    if again {
        let now = answers.desk.clock.now();
        task::save(&mut tx, &task, now).await.map_err(ask::failed)?;
    } else {
        insert(&mut tx, &task).await?;
    }
    answers
        .desk
        .create(&mut tx, &task, user, again)
        .await
        .map_err(ask::unapplied)?;
    tx.commit().await.map_err(ask::uncommitted)?;
    Ok(true)
}

async fn insert(tx: &mut Tx, task: &Task) -> Result<(), Status> {
    // The order's watch is locked: nobody else makes one now.
    let written = task::insert(tx, task).await.map_err(ask::failed)?;
    if written {
        return Ok(());
    }
    Err(Status::unavailable("the command is to be repeated"))
}

/// The task as the order stands; one that was there before keeps its reference.
fn new(
    answers: &Answers,
    tenant: &TenantId,
    order: OrderId,
    key: &str,
    connection: &Connection,
    told: OrderSummary,
    before: Option<Task>,
) -> Task {
    let now = answers.desk.clock.now();
    let shown = shows_client(connection);
    let client = |text: String| if shown { text } else { String::new() };
    Task {
        id: before.as_ref().map_or_else(Uuid::now_v7, |task| task.id),
        tenant: tenant.clone(),
        order,
        number: told.number,
        state: State::Creating,
        provider: connection.provider.clone(),
        connection: connection.id.as_str().to_owned(),
        facts: Facts {
            service: told.service,
            description: told.description,
            location: told.location,
            state: told.state,
            client_name: client(told.client_name),
            client_phone: client(told.client_phone),
        },
        task_id: String::new(),
        url: String::new(),
        stage: String::new(),
        version: before.as_ref().map_or(0, |task| task.version),
        tries: 0,
        command_key: key.to_owned(),
        problem: None,
        traceparent: puente_telemetry::current_traceparent(),
        asked_at: now,
        updated_at: now,
    }
}
