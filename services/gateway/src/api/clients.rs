//! Clients.

use axum::Json;
use puente_proto::orders::{Client, GetClientRequest, ListClientsRequest, LookUpClientRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::{Limit, cursor};
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const CLIENT: &str = "puente.orders.v1.Client";
const LOOKUP: &str = "puente.orders.v1.LookUpClientResponse";
/// Longer than any spelling of a tax id.
const MAX_NIT: usize = 64;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadClients);
    api.get(
        "/api/clients",
        read,
        list,
        doc("listClients", "The tenant's clients, newest first")
            .query::<Wanted>()
            .message("puente.orders.v1.ListClientsResponse"),
    )
    .get(
        "/api/clients/lookup-by-nit",
        read,
        look_up,
        doc(
            "lookUpClient",
            "What is known of a tax id: our client, and what the tenant's ERP last said with its age; contact data masked",
        )
        .query::<TaxId>()
        .message(LOOKUP),
    )
    .get(
        "/api/clients/{id}",
        read,
        get,
        doc("getClient", "One client, contact data masked").message(CLIENT),
    )
    .ask(
        "/api/clients/{id}/reveal",
        Access::Needs(Right::RevealPersonal),
        reveal,
        doc(
            "revealClient",
            "The client unmasked; leaves a row in the audit trail",
        )
        .body::<Reason>()
        .message(CLIENT),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Clients in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// E.164, or its last digits, at least 7.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    phone: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let question = ListClientsRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        phone: wanted.phone,
    };
    let page = asking.ask().list_clients(question).await;
    let page = page.map_err(|status| Failure::of("orders", &status))?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen("puente.orders.v1.ListClientsResponse", &page, show)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TaxId {
    /// A Colombian tax id, with or without its check digit: `900.373.115-3`.
    #[param(min_length = 1, max_length = 64)]
    nit: String,
}

async fn look_up(asking: Asking, Query(TaxId { nit }): Query<TaxId>) -> Answer {
    if nit.trim().is_empty() || nit.chars().count() > MAX_NIT {
        return Err(Failure::Invalid(format!("nit: 1 to {MAX_NIT} characters")).into());
    }
    let found = asking.ask().look_up_client(LookUpClientRequest { nit }).await;
    let found = found.map_err(|status| Failure::of("orders", &status))?;
    Ok(Json(seen(LOOKUP, &found, Show::to(&asking.principal))))
}

async fn client(asking: &Asking, Id(id): Id) -> Result<Client, Problem> {
    let question = GetClientRequest {
        client_id: id.to_string(),
    };
    let found = asking.ask().get_client(question).await;
    let found = found.map_err(|status| Failure::of("orders", &status))?;
    found.client.ok_or_else(Problem::not_found)
}

async fn get(asking: Asking, id: Id) -> Answer {
    let client = client(&asking, id).await?;
    Ok(Json(seen(CLIENT, &client, Show::to(&asking.principal))))
}

async fn reveal(asking: Asking, id: Id, Body(Reason { reason }): Body<Reason>) -> Answer {
    let client = client(&asking, id).await?;
    asking
        .revealed("client.revealed", &client.client_id, &reason)
        .await?;
    Ok(Json(seen(CLIENT, &client, Show::All)))
}
