//! Another service, asking in the name of a person.

use std::sync::Arc;

use puente_proto::signature::get_signature_request::Key;
use puente_proto::signature::signature_commands_client::SignatureCommandsClient;
use puente_proto::signature::signature_queries_client::SignatureQueriesClient;
use puente_proto::signature::{GetSignatureRequest, Signature};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::{KEY, PATIENCE, Stage, tenant};

pub(crate) struct Asking {
    pub(crate) queries: SignatureQueriesClient<Channel>,
    pub(crate) commands: SignatureCommandsClient<Channel>,
    calls: Calls,
    caller: Caller,
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", stage.grpc)).unwrap();
        let channel = endpoint.connect().await.unwrap();
        let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
        Self {
            queries: SignatureQueriesClient::new(channel.clone()),
            commands: SignatureCommandsClient::new(channel),
            calls: Calls::new(keys, "signature", Arc::new(SystemClock), PATIENCE),
            caller: Caller {
                scope: Scope::Tenant(tenant(tenant_name)),
                subject: "user-7".to_owned(),
                role: "agent".to_owned(),
            },
        }
    }

    pub(crate) fn signed<T>(&self, message: T) -> Request<T> {
        self.calls.request(&self.caller, message).unwrap()
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Signature, Status> {
        let question = GetSignatureRequest {
            key: Some(Key::RequestId(id.to_owned())),
        };
        let answer = self.queries.clone().get_signature(self.signed(question)).await?;
        Ok(answer.into_inner().signature.unwrap())
    }
}
