//! Tasks of orders.

use puente_proto::sync::tasks_server::Tasks;
use puente_proto::sync::*;
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, tenant};

#[async_trait]
impl Tasks for Desk {
    async fn get_task(&self, request: Request<GetTaskRequest>) -> Result<Response<GetTaskResponse>, Status> {
        let whose = tenant(&request)?;
        let order = request.into_inner().order_id;
        let tables = self.tables.lock().unwrap();
        let found = tables
            .tasks
            .iter()
            .find(|(of, task)| *of == whose && task.order_id == order);
        let task = Some(
            found
                .ok_or_else(|| Status::not_found("the order has no task"))?
                .1
                .clone(),
        );
        Ok(Response::new(GetTaskResponse { task }))
    }

    async fn create_task(
        &self,
        request: Request<CreateTaskRequest>,
    ) -> Result<Response<CreateTaskResponse>, Status> {
        let whose = tenant(&request)?;
        let order = request.into_inner().order_id;
        let mut tables = self.tables.lock().unwrap();
        tables.done.push("create_task".to_owned());
        let known = tables
            .tasks
            .iter()
            .find(|(of, task)| *of == whose && task.order_id == order);
        let task = if let Some((_, task)) = known {
            task.clone()
        } else {
            let task = Task {
                reference: "ref-1".to_owned(),
                order_id: order,
                number: "OT-000042".to_owned(),
                state: "creating".to_owned(),
                provider: "asana".to_owned(),
                provider_name: "Asana".to_owned(),
                ..Task::default()
            };
            tables.tasks.push((whose, task.clone()));
            task
        };
        Ok(Response::new(CreateTaskResponse { task: Some(task) }))
    }
}
