//! Messages, found by their trace.

use puente_proto::notifications::message_queries_server::MessageQueries;
use puente_proto::notifications::*;
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, tenant};

#[async_trait]
impl MessageQueries for Desk {
    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let whose = tenant(&request)?;
        let tables = self.tables.lock().unwrap();
        let messages = tables.messages.iter().filter(|(of, _)| *of == whose);
        Ok(Response::new(ListMessagesResponse {
            messages: messages.map(|(_, one)| one.clone()).collect(),
            next_cursor: String::new(),
        }))
    }

    async fn get_message(
        &self,
        _: Request<GetMessageRequest>,
    ) -> Result<Response<GetMessageResponse>, Status> {
        Err(Status::not_found("no such message"))
    }

    async fn get_contact(
        &self,
        _: Request<GetContactRequest>,
    ) -> Result<Response<GetContactResponse>, Status> {
        Err(Status::not_found("no such contact"))
    }

    async fn count_messages(
        &self,
        request: Request<CountMessagesRequest>,
    ) -> Result<Response<CountMessagesResponse>, Status> {
        tenant(&request)?;
        Ok(Response::new(CountMessagesResponse::default()))
    }
}
