//! Questions and commands of other services, as gRPC: decode, ask, encode. Whose data is meant is what the caller's
//! token says.

mod ask;
mod clients;
mod commands;
mod conversations;
mod orders;
mod queries;

use puente_proto::orders::order_commands_server::OrderCommandsServer;
use puente_proto::orders::order_queries_server::OrderQueriesServer;
use tonic::service::Routes;

use super::store::{PgOrders, PgQueries};

/// A question is a key, a filter or a cursor.
const MAX_QUESTION: usize = 4 * 1024;
/// A command holds a reason besides: a sentence.
const MAX_COMMAND: usize = 8 * 1024;

/// Everything that is answered.
pub(crate) fn routes(queries: PgQueries, orders: PgOrders) -> Routes {
    let commands = commands::Commands {
        orders,
        queries: queries.clone(),
    };
    let queries = queries::Answers { queries };
    Routes::new(OrderQueriesServer::new(queries).max_decoding_message_size(MAX_QUESTION))
        .add_service(OrderCommandsServer::new(commands).max_decoding_message_size(MAX_COMMAND))
}
