//! From a task to the event that tells of it; pure.

use puente_outbox::NewEvent;
use puente_proto::sync::TaskChanged;
use puente_proto::timestamp;
use time::OffsetDateTime;

use crate::domain::change::Kind;
use crate::infrastructure::store::task::Task;

/// The provider has made a change: the task stands at its version after it.
pub(crate) fn changed(task: &Task, kind: Kind, at: OffsetDateTime) -> NewEvent {
    let staged = matches!(kind, Kind::Created | Kind::Staged);
    let event = TaskChanged {
        order_id: task.order.to_string(),
        number: task.number.clone(),
        provider: task.provider.clone(),
        connection: task.connection.clone(),
        task_id: task.task_id.clone(),
        url: task.url.clone(),
        change: kind.as_str().to_owned(),
        stage: if staged { task.stage.clone() } else { String::new() },
        at: Some(timestamp(at)),
    };
    NewEvent::new(&task.tenant, task.id, &event).version(task.version)
}
