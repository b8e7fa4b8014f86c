//! Another service, asking in the name of a person.

use std::sync::Arc;

use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::operations::{Effect, ListEffectsRequest, Resolution, ResolveEffectRequest};
use puente_proto::sync::tasks_client::TasksClient;
use puente_proto::sync::{CreateTaskRequest, GetTaskRequest, Task};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::{KEY, PATIENCE, Stage, tenant};

pub(crate) struct Asking {
    tasks: TasksClient<Channel>,
    operations: OperationsClient<Channel>,
    calls: Calls,
    pub(crate) caller: Caller,
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", stage.grpc)).unwrap();
        let channel = endpoint.connect().await.unwrap();
        let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
        Self {
            tasks: TasksClient::new(channel.clone()),
            operations: OperationsClient::new(channel),
            calls: Calls::new(keys, "sync", Arc::new(SystemClock), PATIENCE),
            caller: Caller {
                scope: Scope::Tenant(tenant(tenant_name)),
                subject: "user-7".to_owned(),
                role: "agent".to_owned(),
            },
        }
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        self.calls.request(&self.caller, message).unwrap()
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
