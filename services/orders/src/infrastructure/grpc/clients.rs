//! Questions about clients.

use puente_proto::orders::{
    Client, GetClientRequest, GetClientResponse, ListClientsRequest, ListClientsResponse,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, cursor};
use tonic::Status;

use super::super::store::PgQueries;
use super::ask;
use crate::application::list_clients::list_clients;
use crate::domain::queries::ClientQueries;
use crate::domain::view::{ClientFilter, ClientView};

/// The kind of cursors of clients: when the last one was registered, and its id.
const CURSOR: u8 = 2;

pub(super) async fn get(
    queries: &PgQueries,
    caller: Caller,
    question: GetClientRequest,
) -> Result<GetClientResponse, Status> {
    let id = ask::id(&question.client_id, "a client")?;
    let found = ClientQueries::find(queries, caller.tenant()?, id)
        .await
        .map_err(ask::failed)?;
    let client = found.ok_or_else(|| Status::not_found("there is no such client"))?;
    Ok(GetClientResponse {
        client: Some(shown(client)),
    })
}

pub(super) async fn list(
    queries: &PgQueries,
    caller: Caller,
    question: ListClientsRequest,
) -> Result<ListClientsResponse, Status> {
    let filter = ClientFilter {
        phone: ask::phone(&question.phone)?,
    };
    let after = ask::place(CURSOR, &question.cursor)?;
    let page = list_clients(queries, caller.tenant()?, &filter, after, question.page_size)
        .await
        .map_err(ask::failed)?;
    let next = page
        .last_of_many()
        .map(|last| cursor::of_moment(CURSOR, last.registered_at, last.id.uuid()));
    Ok(ListClientsResponse {
        next_cursor: next.unwrap_or_default(),
        clients: page.entries.into_iter().map(shown).collect(),
    })
}

fn shown(client: ClientView) -> Client {
    Client {
        client_id: client.id.to_string(),
        name: client.name,
        email: client.email,
        phone: client.phone,
        location: client.location,
        nit: client.nit,
        registered_at: Some(timestamp(client.registered_at)),
    }
}
