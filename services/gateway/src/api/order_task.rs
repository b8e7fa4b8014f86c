//! The task of an order in the tenant's task manager.

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use puente_proto::sync::CreateTaskRequest;
use serde_json::json;

use super::Answer;
use super::describe::{Api, doc};
use super::input::Asking;
use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::reflect::{Show, json as seen};
use crate::application::tasks::task_of;
use crate::domain::Right;
use crate::web::{Access, Problem};

const TASK: &str = "puente.sync.v1.Task";
/// The state of a task that is not there yet.
const CREATING: &str = "creating";

pub(super) fn routes(api: Api) -> Api {
    api.post(
        "/api/orders/{order}/create-asana-task",
        Access::Needs(Right::ChangeOrders),
        create,
        doc(
            "createAsanaTask",
            "Makes the task of an order in the task manager; 200 with the one that is there, 202 while it is being created",
        )
        .message(TASK)
        .answered(202)
        .also(200),
    )
    .get(
        "/api/orders/{order}/task",
        Access::Needs(Right::ReadOrders),
        get,
        doc("getOrderTask", "The task of an order, with its address and its stage").message(TASK),
    )
}

async fn create(asking: Asking, Path(which): Path<String>) -> Result<Response, Problem> {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let before = json!({ "state": order.state, "version": order.version });
    let question = CreateTaskRequest {
        order_id: order.order_id.clone(),
        idempotency_key: asking.key.clone(),
    };
    let created = async {
        let created = asking.ask().create_task(question).await;
        let created = created.map_err(|status| Failure::of("sync", &status))?;
        created.task.ok_or_else(|| Failure::Broken("sync").into())
    };
    let task = asking
        .recorded(
            "order.task_created",
            &order.order_id,
            (Some(before), None),
            None,
            created,
        )
        .await?;
    let status = if task.state == CREATING {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let answer = seen(TASK, &task, Show::to(&asking.principal));
    Ok((status, Json(answer)).into_response())
}

async fn get(asking: Asking, Path(which): Path<String>) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let found = task_of(asking.ask(), &order.order_id).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Json(seen(TASK, &found, Show::to(&asking.principal))))
}
