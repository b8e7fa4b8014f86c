//! What came in from providers.

use axum::Json;
use puente_proto::ingress::{DeliveryFilter, GetDeliveryRequest, GetDeliveryResponse, ListDeliveriesRequest};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::{Limit, cursor, words};
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const WHOLE: &str = "puente.ingress.v1.GetDeliveryResponse";

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadTraffic);
    api.get(
        "/api/deliveries",
        read,
        list,
        doc("listDeliveries", "Requests from providers, newest first")
            .query::<Wanted>()
            .message("puente.ingress.v1.ListDeliveriesResponse"),
    )
    .get(
        "/api/deliveries/{id}",
        read,
        get,
        doc("getDelivery", "One of them with its headers; the body is masked").message(WHOLE),
    )
    .ask(
        "/api/deliveries/{id}/reveal",
        Access::Needs(Right::RevealPayload),
        reveal,
        doc("revealDelivery", "The raw body; leaves a row in the audit trail")
            .body::<Reason>()
            .message(WHOLE),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Deliveries in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// The provider's slug.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    provider: String,
    /// The connection.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    connection: String,
    /// `accepted`, `duplicate`, `ignored`, `unroutable`, `malformed`, `refused`, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    outcomes: String,
    /// Received at or after.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<OffsetDateTime>,
    /// Received before.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<OffsetDateTime>,
    /// The trace: 32 hex digits. Looked for within `since` and `until`, or within the last day.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    trace_id: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let filter = DeliveryFilter {
        provider: wanted.provider,
        connection: wanted.connection,
        outcomes: words(&wanted.outcomes),
        since: wanted.since.map(puente_proto::timestamp),
        until: wanted.until.map(puente_proto::timestamp),
        trace_id: wanted.trace_id,
    };
    let question = ListDeliveriesRequest {
        filter: Some(filter),
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
    };
    let page = asking.ask().list_deliveries(question).await;
    let page = page.map_err(|status| Failure::of("ingress", &status))?;
    let show = Show::to(&asking.principal);
    Ok(Json(seen(
        "puente.ingress.v1.ListDeliveriesResponse",
        &page,
        show,
    )))
}

async fn delivery(asking: &Asking, Id(id): Id) -> Result<GetDeliveryResponse, Problem> {
    let found = asking
        .ask()
        .get_delivery(GetDeliveryRequest { id: id.to_string() })
        .await;
    Ok(found.map_err(|status| Failure::of("ingress", &status))?)
}

async fn get(asking: Asking, id: Id) -> Answer {
    let found = delivery(&asking, id).await?;
    Ok(Json(seen(WHOLE, &found, Show::to(&asking.principal))))
}

async fn reveal(asking: Asking, id: Id, Body(Reason { reason }): Body<Reason>) -> Answer {
    let object = id.0.to_string();
    let found = delivery(&asking, id).await?;
    asking.revealed("delivery.revealed", &object, &reason).await?;
    Ok(Json(seen(WHOLE, &found, Show::All)))
}
