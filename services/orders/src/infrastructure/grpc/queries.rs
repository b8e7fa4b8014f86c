//! The service `OrderQueries`: which question is answered where.

use std::sync::Arc;

use puente_proto::orders::order_queries_server::OrderQueries as Service;
use puente_proto::orders::{
    CountOrdersRequest, CountOrdersResponse, GetClientRequest, GetClientResponse, GetConversationRequest,
    GetConversationResponse, GetJournalRequest, GetJournalResponse, GetOrderRequest, GetOrderResponse,
    ListClientsRequest, ListClientsResponse, ListConversationsRequest, ListConversationsResponse,
    ListOrdersRequest, ListOrdersResponse, LookUpClientRequest, LookUpClientResponse,
};
use puente_rpc::answer;
use puente_types::Clock;
use tonic::{Request, Response, Status};

use super::super::lookups::Lookups;
use super::super::store::{Patience, PgQueries};
use super::{clients, conversations, orders};

/// Answers.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) queries: PgQueries,
    /// Who asks the tenants' ERPs, and how long their answers count; `None` where none can be asked.
    pub(super) lookups: Option<(Lookups, Patience)>,
    pub(super) clock: Arc<dyn Clock>,
}

#[tonic::async_trait]
impl Service for Answers {
    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        answer("OrderQueries/GetOrder", request, |caller, question| {
            orders::get(&self.queries, caller, question)
        })
        .await
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        answer("OrderQueries/ListOrders", request, |caller, question| {
            orders::list(&self.queries, caller, question)
        })
        .await
    }

    async fn get_journal(
        &self,
        request: Request<GetJournalRequest>,
    ) -> Result<Response<GetJournalResponse>, Status> {
        answer("OrderQueries/GetJournal", request, |caller, question| {
            orders::journal(&self.queries, caller, question)
        })
        .await
    }

    async fn list_clients(
        &self,
        request: Request<ListClientsRequest>,
    ) -> Result<Response<ListClientsResponse>, Status> {
        answer("OrderQueries/ListClients", request, |caller, question| {
            clients::list(&self.queries, caller, question)
        })
        .await
    }

    async fn get_client(
        &self,
        request: Request<GetClientRequest>,
    ) -> Result<Response<GetClientResponse>, Status> {
        answer("OrderQueries/GetClient", request, |caller, question| {
            clients::get(&self.queries, caller, question)
        })
        .await
    }

    async fn look_up_client(
        &self,
        request: Request<LookUpClientRequest>,
    ) -> Result<Response<LookUpClientResponse>, Status> {
        answer("OrderQueries/LookUpClient", request, |caller, question| {
            let erp = self.lookups.as_ref();
            clients::look_up(&self.queries, erp, self.clock.now(), caller, question)
        })
        .await
    }

    async fn list_conversations(
        &self,
        request: Request<ListConversationsRequest>,
    ) -> Result<Response<ListConversationsResponse>, Status> {
        answer("OrderQueries/ListConversations", request, |caller, question| {
            conversations::list(&self.queries, caller, question)
        })
        .await
    }

    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        answer("OrderQueries/GetConversation", request, |caller, question| {
            conversations::get(&self.queries, caller, question)
        })
        .await
    }

    async fn count_orders(
        &self,
        request: Request<CountOrdersRequest>,
    ) -> Result<Response<CountOrdersResponse>, Status> {
        answer("OrderQueries/CountOrders", request, |caller, question| {
            orders::count(&self.queries, caller, question)
        })
        .await
    }
}
