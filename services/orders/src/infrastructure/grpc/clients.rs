//! Questions about clients.

use puente_proto::orders::{
    Client, Company, GetClientRequest, GetClientResponse, ListClientsRequest, ListClientsResponse,
    LookUpClientRequest, LookUpClientResponse,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, cursor};
use puente_types::{Nit, NitReading};
use time::OffsetDateTime;
use tonic::Status;

use super::super::lookups::Lookups;
use super::super::store::{Lookup, Patience, PgQueries};
use super::super::wire;
use super::ask;
use crate::application::list_clients::list_clients;
use crate::application::look_up_client::Answer;
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

/// What is known of a tax id. The ERP is asked when what it said is too old, and did not just fail to answer.
pub(super) async fn look_up(
    queries: &PgQueries,
    erp: Option<&(Lookups, Patience)>,
    now: OffsetDateTime,
    caller: Caller,
    question: LookUpClientRequest,
) -> Result<LookUpClientResponse, Status> {
    let tenant = caller.tenant()?;
    let (nit, reading) = nit(&question.nit)?;
    let (client, mut known) = queries.of_nit(tenant, &nit).await.map_err(ask::failed)?;
    if let Some((lookups, patience)) = erp
        && known
            .as_ref()
            .is_none_or(|known| known.is_to_be_asked(now, *patience))
    {
        lookups.ask(tenant, &nit).await.map_err(ask::failed)?;
        (_, known) = queries.of_nit(tenant, &nit).await.map_err(ask::failed)?;
    }
    let fresh = |known: &Lookup| erp.is_some_and(|(_, patience)| known.is_fresh(now, *patience));
    let is_fresh = known.as_ref().is_some_and(fresh);
    let said = known.map(|known| known.known());
    let (answer, known_at) = said.map(|said| (said.answer, said.known_at)).unwrap_or_default();
    let directory = match &answer {
        _ if erp.is_none() => "off",
        _ if !is_fresh => "unreachable",
        Some(Answer::Found(_)) => "found",
        Some(Answer::Off) => "off",
        Some(Answer::Unknown) | None => "unknown",
    };
    let company = match answer {
        Some(Answer::Found(company)) => Some(Company {
            name: company.name,
            email: company.email,
            phone: company
                .phone
                .map(|phone| phone.as_e164().to_owned())
                .unwrap_or_default(),
            location: company.location,
            active: company.active,
            version: company.version,
        }),
        Some(Answer::Unknown | Answer::Off) | None => None,
    };
    Ok(LookUpClientResponse {
        nit: wire::spelled(&nit),
        reading: reading.to_owned(),
        client: client.map(shown),
        directory: directory.to_owned(),
        company,
        known_at: known_at.map(timestamp),
        age_seconds: known_at
            .and_then(|at| u64::try_from((now - at).whole_seconds()).ok())
            .unwrap_or_default(),
    })
}

/// A tax id, and whether its check digit was given.
fn nit(text: &str) -> Result<(Nit, &'static str), Status> {
    match Nit::parse(text) {
        Ok(NitReading::Verified(nit)) => Ok((nit, "verified")),
        Ok(NitReading::Derived(nit)) => Ok((nit, "derived")),
        Ok(NitReading::Ambiguous { .. }) => Err(Status::invalid_argument(
            "the last digit of `nit` may be its check digit or not; write the check digit after a hyphen",
        )),
        Err(error) => Err(Status::invalid_argument(format!("`nit`: {error}"))),
    }
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
