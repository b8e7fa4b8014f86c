//! Another service, asking in the name of a person.

use puente_proto::signature::get_signature_request::Key;
use puente_proto::signature::signature_commands_client::SignatureCommandsClient;
use puente_proto::signature::signature_queries_client::SignatureQueriesClient;
use puente_proto::signature::{GetSignatureRequest, Signature};
use puente_testkit::service::Asker;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::Stage;

pub(crate) struct Asking {
    pub(crate) queries: SignatureQueriesClient<Channel>,
    pub(crate) commands: SignatureCommandsClient<Channel>,
    asker: Asker,
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let asker = Asker::of("signature", stage.grpc, tenant_name).await;
        Self {
            queries: SignatureQueriesClient::new(asker.channel.clone()),
            commands: SignatureCommandsClient::new(asker.channel.clone()),
            asker,
        }
    }

    pub(crate) fn signed<T>(&self, message: T) -> Request<T> {
        self.asker.signed(message)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Signature, Status> {
        let question = GetSignatureRequest {
            key: Some(Key::RequestId(id.to_owned())),
        };
        let answer = self.queries.clone().get_signature(self.signed(question)).await?;
        Ok(answer.into_inner().signature.unwrap())
    }
}
