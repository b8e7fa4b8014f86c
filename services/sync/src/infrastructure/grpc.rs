//! Questions and commands of other services, as gRPC: decode, ask or do, encode. Whose data is read or changed is what the
//! caller's token says.

mod ask;
mod create;
mod shown;

use std::sync::Arc;

use puente_effects::Wake;
use puente_outbox::Outbox;
use puente_proto::sync::tasks_server::{Tasks as Service, TasksServer};
use puente_proto::sync::{CreateTaskRequest, CreateTaskResponse, GetTaskRequest, GetTaskResponse, Task};
use puente_rpc::{Caller, answer};
use puente_service::Readers;
use puente_types::OrderId;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::infrastructure::desk::Desk;
use crate::infrastructure::orders::Orders;
use crate::infrastructure::store::{change, task};

/// A question is an id and a key.
const MAX_QUESTION: usize = 8 * 1024;

/// What answers need.
pub(crate) struct Answers {
    pub(crate) readers: Readers,
    pub(crate) outbox: Outbox,
    pub(crate) desk: Arc<Desk>,
    pub(crate) orders: Orders,
    /// Wakes the effects.
    pub(crate) wake: Wake,
}

/// Everything that is answered.
pub(crate) fn routes(answers: Answers) -> Routes {
    let tasks = Tasks(Arc::new(answers));
    Routes::new(TasksServer::new(tasks).max_decoding_message_size(MAX_QUESTION))
}

/// The service `Tasks`.
struct Tasks(Arc<Answers>);

#[tonic::async_trait]
impl Service for Tasks {
    async fn get_task(&self, request: Request<GetTaskRequest>) -> Result<Response<GetTaskResponse>, Status> {
        answer("Tasks/GetTask", request, async |caller: Caller, question| {
            let order = OrderId::from(ask::id(&question.order_id, "an order")?);
            let task = Some(show(&self.0, &caller, order).await?);
            Ok(GetTaskResponse { task })
        })
        .await
    }

    async fn create_task(
        &self,
        request: Request<CreateTaskRequest>,
    ) -> Result<Response<CreateTaskResponse>, Status> {
        answer("Tasks/CreateTask", request, async |caller: Caller, wish| {
            let order = OrderId::from(ask::id(&wish.order_id, "an order")?);
            let issued = ask::issued(
                &caller,
                wish.idempotency_key,
                &["create_task", &order.to_string()],
            )?;
            create::task(&self.0, caller.tenant()?, order, &issued.key).await?;
            let task = Some(show(&self.0, &caller, order).await?);
            Ok(CreateTaskResponse { task })
        })
        .await
    }
}

async fn show(answers: &Answers, caller: &Caller, order: OrderId) -> Result<Task, Status> {
    let tenant = caller.tenant()?;
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let found = task::read(&mut tx, tenant, order).await.map_err(ask::failed)?;
    let found = found.ok_or_else(ask::unknown)?;
    let waiting = change::count(&mut tx, tenant, found.id)
        .await
        .map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let name = answers.desk.chooser.name(&found.provider);
    Ok(shown::task(found, waiting, name))
}
