//! Another service, asking in the name of a person.

use bytes::Bytes;
use puente_blob::{BlobKey, Container, MediaType};
use puente_proto::ocr::capture_commands_client::CaptureCommandsClient;
use puente_proto::ocr::capture_queries_client::CaptureQueriesClient;
use puente_proto::ocr::{
    Capture, GetCaptureRequest, GetCaptureResponse, RecognizeSerialRequest, RecognizeSerialResponse,
    StoredPhoto,
};
use puente_proto::operations::operations_client::OperationsClient;
use puente_testkit::service::Asker;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::{Stage, new_id, now, picture};

pub(crate) struct Asking {
    pub(crate) queries: CaptureQueriesClient<Channel>,
    pub(crate) commands: CaptureCommandsClient<Channel>,
    pub(crate) operations: OperationsClient<Channel>,
    pub(crate) asker: Asker,
}

impl Asking {
    pub(crate) async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let asker = Asker::of("ocr", stage.grpc, tenant_name).await;
        Self {
            queries: CaptureQueriesClient::new(asker.channel.clone()),
            commands: CaptureCommandsClient::new(asker.channel.clone()),
            operations: OperationsClient::new(asker.channel.clone()),
            asker,
        }
    }

    pub(crate) fn signed<T>(&self, message: T) -> Request<T> {
        self.asker.signed(message)
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
        self.kept(stage, picture(comment)).await
    }

    async fn kept(&self, stage: &Stage, bytes: Bytes) -> StoredPhoto {
        let key = BlobKey::new(self.asker.caller.tenant().unwrap(), now(), "png");
        let stored = stage
            .blobs()
            .put(Container::Assets, &key, bytes, MediaType::Png)
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

    /// Brings a file as a photograph, and waits for nothing; the capture, or why there is none.
    pub(crate) async fn brings(&self, stage: &Stage, file: Vec<u8>) -> Result<String, Status> {
        let wish = RecognizeSerialRequest {
            photo: Some(self.kept(stage, file.into()).await),
            file_name: "foto.png".to_owned(),
            idempotency_key: new_id(),
            ..RecognizeSerialRequest::default()
        };
        let answer = self.recognize(wish).await?;
        Ok(answer.capture.unwrap().capture_id)
    }

    pub(crate) async fn recognize(
        &self,
        wish: RecognizeSerialRequest,
    ) -> Result<RecognizeSerialResponse, Status> {
        let answer = self.commands.clone().recognize_serial(self.signed(wish)).await?;
        Ok(answer.into_inner())
    }
}
