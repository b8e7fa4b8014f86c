//! Another service, asking in the name of a person.

use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::operations::{Effect, ListEffectsRequest, Resolution, ResolveEffectRequest};
use puente_proto::sync::tasks_client::TasksClient;
use puente_proto::sync::{CreateTaskRequest, GetTaskRequest, Task};
use puente_testkit::service::Asker;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::Stage;

pub(crate) struct Asking {
    tasks: TasksClient<Channel>,
    operations: OperationsClient<Channel>,
    pub(crate) asker: Asker,
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let asker = Asker::of("sync", stage.grpc, tenant_name).await;
        Self {
            tasks: TasksClient::new(asker.channel.clone()),
            operations: OperationsClient::new(asker.channel.clone()),
            asker,
        }
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        self.asker.signed(message)
    }

    pub(crate) async fn get(&self, order: &str) -> Result<Task, Status> {
        let question = GetTaskRequest {
            order_id: order.to_owned(),
        };
        let answer = self.tasks.clone().get_task(self.signed(question)).await?;
        Ok(answer.into_inner().task.unwrap())
    }

    pub(crate) async fn create(&self, order: &str, key: &str) -> Result<Task, Status> {
        let wish = CreateTaskRequest {
            order_id: order.to_owned(),
            idempotency_key: key.to_owned(),
        };
        let answer = self.tasks.clone().create_task(self.signed(wish)).await?;
        Ok(answer.into_inner().task.unwrap())
    }

    /// The calls in doubt.
    pub(crate) async fn doubts(&self) -> Vec<Effect> {
        let question = ListEffectsRequest {
            states: vec!["unknown".into()],
            ..ListEffectsRequest::default()
        };
        let answer = self.operations.clone().list_effects(self.signed(question)).await;
        answer.unwrap().into_inner().effects
    }

    pub(crate) async fn resolve(&self, id: &str, resolution: Resolution) {
        let command = ResolveEffectRequest {
            id: id.to_owned(),
            resolution: resolution.into(),
            reason: "asked the provider".to_owned(),
        };
        let answer = self.operations.clone().resolve_effect(self.signed(command)).await;
        answer.unwrap();
    }
}
