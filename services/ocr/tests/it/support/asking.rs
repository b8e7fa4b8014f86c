//! Another service, asking in the name of a person.

use std::sync::Arc;

use puente_blob::{BlobKey, Container, MediaType};
use puente_proto::ocr::capture_commands_client::CaptureCommandsClient;
use puente_proto::ocr::capture_queries_client::CaptureQueriesClient;
use puente_proto::ocr::{
    Capture, GetCaptureRequest, GetCaptureResponse, RecognizeSerialRequest, RecognizeSerialResponse,
    StoredPhoto,
};
use puente_proto::operations::operations_client::OperationsClient;
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::{KEY, PATIENCE, Stage, new_id, now, picture, tenant};

pub(crate) struct Asking {
    pub(crate) queries: CaptureQueriesClient<Channel>,
    pub(crate) commands: CaptureCommandsClient<Channel>,
    pub(crate) operations: OperationsClient<Channel>,
    calls: Calls,
    pub(crate) caller: Caller,
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", stage.grpc)).unwrap();
        let channel = endpoint.connect().await.unwrap();
        let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
        Self {
            queries: CaptureQueriesClient::new(channel.clone()),
            commands: CaptureCommandsClient::new(channel.clone()),
            operations: OperationsClient::new(channel),
            calls: Calls::new(keys, "ocr", Arc::new(SystemClock), PATIENCE),
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

    pub(crate) async fn get(&self, id: &str) -> Result<GetCaptureResponse, Status> {
        let question = GetCaptureRequest {
            capture_id: id.to_owned(),
        };
        let answer = self.queries.clone().get_capture(self.signed(question)).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn capture(&self, id: &str) -> Capture {
        self.get(id).await.unwrap().capture.unwrap()
    }

    /// A photograph, stored as the gateway would.
    pub(crate) async fn stored(&self, stage: &Stage, comment: &str) -> StoredPhoto {
        let key = BlobKey::new(self.caller.tenant().unwrap(), now(), "png");
        let stored = stage
            .blobs()
            .put(Container::Assets, &key, picture(comment), MediaType::Png)
            .await
            .unwrap();
        StoredPhoto {
            document_id: String::new(),
            container: "assets".to_owned(),
            key: key.to_string(),
            sha256: stored.sha256.to_string(),
            media_type: "image/png".to_owned(),
            bytes: stored.bytes,
        }
    }

    /// The command that has it read.
    pub(crate) async fn wish(&self, stage: &Stage, comment: &str) -> RecognizeSerialRequest {
        RecognizeSerialRequest {
            photo: Some(self.stored(stage, comment).await),
            file_name: "foto.png".to_owned(),
            wait_ms: 20_000,
            idempotency_key: new_id(),
            ..RecognizeSerialRequest::default()
        }
    }

    pub(crate) async fn recognize(
        &self,
        wish: RecognizeSerialRequest,
    ) -> Result<RecognizeSerialResponse, Status> {
        let answer = self.commands.clone().recognize_serial(self.signed(wish)).await?;
        Ok(answer.into_inner())
    }
}
