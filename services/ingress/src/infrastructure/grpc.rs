//! Questions and commands of other services about webhooks, as gRPC.

mod deliveries;
mod replays;
mod wire;

use puente_proto::ingress::deliveries_server::DeliveriesServer;
use puente_proto::ingress::replays_server::ReplaysServer;
use puente_rpc::{Caller, Scope};
use puente_types::TenantId;
use tonic::Status;
use tonic::service::Routes;

pub(crate) use deliveries::Deliveries;
pub(crate) use replays::Replays;

/// A question is a filter, a key and a reason.
const MAX_QUESTION: usize = 16 * 1024;

/// Everything that is answered.
pub(crate) fn routes(deliveries: Deliveries, replays: Replays) -> Routes {
    Routes::new(DeliveriesServer::new(deliveries).max_decoding_message_size(MAX_QUESTION))
        .add_service(ReplaysServer::new(replays).max_decoding_message_size(MAX_QUESTION))
}

/// The tenant whose rows the caller may see; `None`: every row.
fn tenant(caller: &Caller) -> Option<&TenantId> {
    match &caller.scope {
        Scope::Tenant(tenant) => Some(tenant),
        Scope::Installation => None,
    }
}

/// The caller learns whether asking again helps; the log learns why.
fn failed(error: sqlx::Error) -> Status {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "a question was not answered"
    );
    match error {
        // The statement took longer than a caller waits.
        sqlx::Error::Database(error) if error.code().as_deref() == Some("57014") => {
            Status::deadline_exceeded("this takes too long; ask for less time")
        }
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            Status::internal("what is stored cannot be read by this version")
        }
        _ => Status::unavailable("deliveries cannot be read now"),
    }
}
