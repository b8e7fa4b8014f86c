//! Events in: what happens to orders, one event of an order after the other.

use std::sync::Arc;

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_effects::Wake;
use puente_outbox::{ApplyError, EventHandler, Tx, next_version};
use puente_ports::TaskChange;
use puente_proto::orders::{OrderAssigned, OrderOpened, OrderStateChanged};
use puente_proto::{Event, instant};
use puente_types::OrderId;
use uuid::Uuid;

use crate::domain::change::Kind;
use crate::domain::state::State;
use crate::infrastructure::choose::{assignee, shows_client};
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::change::Waiting;
use crate::infrastructure::store::task::{self, Facts, Task};
use crate::infrastructure::store::watch;

/// The consumer's handler.
pub(crate) struct Handler {
    pub(crate) desk: Arc<Desk>,
    /// Wakes the effects.
    pub(crate) wake: Wake,
}

#[async_trait]
impl EventHandler for Handler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        // Another event of an order: it changes no task, and still has its place in the order's count.
        let of_an_order =
            (event.event.domain, event.event.entity) == (OrderOpened::TYPE.domain, OrderOpened::TYPE.entity);
        if !of_an_order {
            return Ok(());
        }
        let order: OrderId = event
            .aggregate_id
            .parse()
            .map_err(|_| ApplyError::Dead("an order's event names no order".to_owned()))?;
        let applied = watch::applied(tx, &event.tenant, order).await?;
        let Some(version) = next_version(event.aggregate_version, applied, "an order")? else {
            return Ok(());
        };
        if event.is::<OrderOpened>() {
            self.opened(tx, event, order, event.decode()?).await?;
        } else if event.is::<OrderAssigned>() {
            self.assigned(tx, event, order, version, event.decode()?).await?;
        } else if event.is::<OrderStateChanged>() {
            self.moved(tx, event, order, version, event.decode()?).await?;
        }
        Ok(watch::advance(tx, &event.tenant, order, version).await?)
    }

    fn committed(&self) {
        (self.wake)();
    }
}

impl Handler {
    /// A tenant that keeps tasks gets one.
    async fn opened(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        order: OrderId,
        opened: OrderOpened,
    ) -> Result<(), ApplyError> {
        let connection = match self.desk.chooser.choose(&event.tenant) {
            Ok(connection) => connection,
            Err(none) => {
                tracing::debug!(order.id = %order, tenant.id = %event.tenant, code = none.code(), "the order gets no task");
                return Ok(());
            }
        };
        let contact = opened
            .contact
            .filter(|_| shows_client(&connection))
            .unwrap_or_default();
        let now = self.desk.clock.now();
        let task = Task {
            id: Uuid::now_v7(),
            tenant: event.tenant.clone(),
            order,
            number: opened.number,
            state: State::Creating,
            provider: connection.provider.clone(),
            connection: connection.id.as_str().to_owned(),
            facts: Facts {
                service: opened.service,
                description: opened.description,
                location: opened.location,
                state: opened.state,
                client_name: contact.name,
                client_phone: contact.phone,
            },
            task_id: String::new(),
            url: String::new(),
            stage: String::new(),
            version: 0,
            tries: 0,
            command_key: String::new(),
            problem: None,
            traceparent: event.traceparent.clone(),
            asked_at: now,
            updated_at: now,
        };
        if !task::insert(tx, &task).await? {
            return Ok(());
        }
        self.desk.create(tx, &task, None, false).await
    }

    /// The agent is who does the task; a service provider is nobody in the task manager.
    async fn assigned(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        order: OrderId,
        version: i64,
        assigned: OrderAssigned,
    ) -> Result<(), ApplyError> {
        if assigned.agent == assigned.previous_agent {
            return Ok(());
        }
        let Some(task) = self.followed(tx, event, order).await? else {
            return Ok(());
        };
        let connection = self.desk.chooser.known(&task.tenant, &task.connection);
        let user = connection
            .filter(|_| !assigned.agent.is_empty())
            .and_then(|connection| assignee(&connection, &assigned.agent, &assigned.agent_email));
        let at = assigned.assigned_at.as_ref().and_then(instant);
        let waiting = Waiting {
            version,
            kind: Kind::Assigned,
            change: TaskChange::Assign { assignee: user },
            traceparent: event.traceparent.clone(),
            at: at.unwrap_or(event.occurred_at),
        };
        self.desk.change(tx, &task, &waiting).await
    }

    /// The task goes along, or is done.
    async fn moved(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        order: OrderId,
        version: i64,
        moved: OrderStateChanged,
    ) -> Result<(), ApplyError> {
        let Some(mut task) = self.followed(tx, event, order).await? else {
            return Ok(());
        };
        task.facts.state.clone_from(&moved.after);
        let (kind, change) = if self.desk.is_end(&moved.after) {
            (Kind::Completed, TaskChange::Complete)
        } else {
            (Kind::Staged, self.desk.staged(&task, &moved.after))
        };
        let at = moved.changed_at.as_ref().and_then(instant);
        let waiting = Waiting {
            version,
            kind,
            change,
            traceparent: event.traceparent.clone(),
            at: at.unwrap_or(event.occurred_at),
        };
        task::save(tx, &task, self.desk.clock.now()).await?;
        self.desk.change(tx, &task, &waiting).await
    }

    /// The order's task, if it goes along with the order.
    async fn followed(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        order: OrderId,
    ) -> Result<Option<Task>, ApplyError> {
        let task = task::lock_of(tx, &event.tenant, order).await?;
        Ok(task.filter(|task| task.state.follows()))
    }
}
