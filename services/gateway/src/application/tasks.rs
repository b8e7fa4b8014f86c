//! The tasks of orders, by what pages and programs know of them.

use puente_proto::sync::{GetTaskRequest, Task};

use super::failure::Failure;
use super::questions::Ask;

/// The task of an order; `None` when it has none.
pub(crate) async fn task_of(ask: Ask<'_>, order_id: &str) -> Result<Option<Task>, Failure> {
    let question = GetTaskRequest {
        order_id: order_id.to_owned(),
    };
    match ask.get_task(question).await {
        Ok(found) => Ok(found.task),
        Err(status) => match Failure::of("sync", &status) {
            Failure::NotFound => Ok(None),
            failure => Err(failure),
        },
    }
}
