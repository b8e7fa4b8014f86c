//! Questions and commands of other services, as gRPC: decode, ask, encode. Whose data is meant is what the caller's
//! token says.

mod ask;
mod assets;
mod clients;
mod commands;
mod conversations;
mod directory;
mod orders;
mod queries;
mod signing;

use std::sync::Arc;

use puente_proto::orders::assets_server::{Assets, AssetsServer};
use puente_proto::orders::directory_server::DirectoryServer;
use puente_proto::orders::order_commands_server::OrderCommandsServer;
use puente_proto::orders::order_queries_server::OrderQueriesServer;
use puente_types::{Clock, Region};
use tokio::sync::Notify;
use tonic::service::Routes;

use super::lookups::Lookups;
use super::store::{Patience, PgOrders, PgQueries};

/// A question is a key, a filter or a cursor.
const MAX_QUESTION: usize = 4 * 1024;
/// A command holds sentences besides: a reason, a note on a price, the three who sign.
const MAX_COMMAND: usize = 16 * 1024;

/// Questions and commands about assets; `sheets` wakes whoever makes them.
pub(crate) fn assets(queries: PgQueries, orders: PgOrders, sheets: Arc<Notify>) -> AssetsServer<impl Assets> {
    let assets = assets::Assets {
        orders,
        queries,
        sheets,
    };
    AssetsServer::new(assets).max_decoding_message_size(MAX_COMMAND)
}

/// Everything else that is answered.
pub(crate) fn routes(
    queries: PgQueries,
    orders: PgOrders,
    lookups: Option<(Lookups, Patience)>,
    clock: Arc<dyn Clock>,
    region: Region,
    papers_required: bool,
) -> Routes {
    let directory = directory::Directory {
        orders: orders.clone(),
        queries: queries.clone(),
    };
    let commands = commands::Commands {
        orders,
        queries: queries.clone(),
        clock: clock.clone(),
        region,
        papers_required,
    };
    let queries = queries::Answers {
        queries,
        lookups,
        clock,
    };
    Routes::new(OrderQueriesServer::new(queries).max_decoding_message_size(MAX_QUESTION))
        .add_service(OrderCommandsServer::new(commands).max_decoding_message_size(MAX_COMMAND))
        .add_service(DirectoryServer::new(directory).max_decoding_message_size(MAX_COMMAND))
}
