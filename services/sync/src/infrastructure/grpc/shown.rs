//! A task as callers are shown it; pure.

use puente_proto::sync::Task as Shown;
use puente_proto::timestamp;

use crate::infrastructure::store::task::Task;

pub(super) fn task(task: Task, waiting: i64, provider_name: String) -> Shown {
    let trace = task.traceparent.as_deref().and_then(puente_telemetry::trace_id);
    let trace_id = trace.unwrap_or_default().to_owned();
    let since = task.problem.as_ref().map(|problem| timestamp(problem.since));
    let change = task.problem.as_ref().map(|problem| problem.change.as_str());
    let problem_change = change.unwrap_or_default().to_owned();
    let (problem_code, problem, problem_tag) = task
        .problem
        .map(|problem| (problem.code, problem.detail, problem.tag))
        .unwrap_or_default();
    Shown {
        reference: task.id.to_string(),
        order_id: task.order.to_string(),
        number: task.number,
        state: task.state.as_str().to_owned(),
        provider: task.provider,
        provider_name,
        connection: task.connection,
        task_id: task.task_id,
        url: task.url,
        stage: task.stage,
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        problem_code,
        problem,
        problem_tag,
        problem_change,
        problem_since: since,
        version: task.version,
        asked_at: Some(timestamp(task.asked_at)),
        updated_at: Some(timestamp(task.updated_at)),
        trace_id,
    }
}
