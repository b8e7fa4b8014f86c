//! Questions of other services about messages, as gRPC: decode, ask, encode. Whose data is read is what the caller's
//! token says.

mod ask;
mod counts;
mod media;
mod messages;

use std::sync::Arc;

use puente_proto::notifications::media_files_server::{MediaFiles, MediaFilesServer};
use puente_proto::notifications::message_queries_server::{MessageQueries as Service, MessageQueriesServer};
use puente_proto::notifications::{
    CountMessagesRequest, CountMessagesResponse, GetContactRequest, GetContactResponse, GetMessageRequest,
    GetMessageResponse, ListMessagesRequest, ListMessagesResponse, StoreMediaRequest, StoreMediaResponse,
};
use puente_rpc::answer;
use puente_service::Readers;
use puente_types::Clock;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::infrastructure::media::Media;

/// A question is a key, a filter or a cursor.
const MAX_QUESTION: usize = 8 * 1024;

/// Everything that is answered.
pub(crate) fn routes(readers: &Readers, clock: &Arc<dyn Clock>, media: Media) -> Routes {
    let answers = Answers {
        readers: readers.clone(),
        clock: clock.clone(),
    };
    Routes::new(MessageQueriesServer::new(answers).max_decoding_message_size(MAX_QUESTION))
        .add_service(MediaFilesServer::new(Files(media)).max_decoding_message_size(MAX_QUESTION))
}

/// Answers.
#[derive(Clone)]
struct Answers {
    readers: Readers,
    clock: Arc<dyn Clock>,
}

#[tonic::async_trait]
impl Service for Answers {
    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        answer("MessageQueries/ListMessages", request, |caller, question| {
            messages::list(&self.readers, caller, question)
        })
        .await
    }

    async fn get_message(
        &self,
        request: Request<GetMessageRequest>,
    ) -> Result<Response<GetMessageResponse>, Status> {
        answer("MessageQueries/GetMessage", request, |caller, question| {
            messages::get(&self.readers, caller, question)
        })
        .await
    }

    async fn get_contact(
        &self,
        request: Request<GetContactRequest>,
    ) -> Result<Response<GetContactResponse>, Status> {
        answer("MessageQueries/GetContact", request, |caller, question| {
            counts::contact(&self.readers, self.clock.now(), caller, question)
        })
        .await
    }

    async fn count_messages(
        &self,
        request: Request<CountMessagesRequest>,
    ) -> Result<Response<CountMessagesResponse>, Status> {
        answer("MessageQueries/CountMessages", request, |caller, question| {
            counts::count(&self.readers, self.clock.now(), caller, question)
        })
        .await
    }
}

/// Fetches files.
#[derive(Clone)]
struct Files(Media);

#[tonic::async_trait]
impl MediaFiles for Files {
    async fn store_media(
        &self,
        request: Request<StoreMediaRequest>,
    ) -> Result<Response<StoreMediaResponse>, Status> {
        answer("MediaFiles/StoreMedia", request, |caller, wanted| {
            media::store(&self.0, caller, wanted)
        })
        .await
    }
}
