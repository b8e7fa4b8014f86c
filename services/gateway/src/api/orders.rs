//! Orders.

use axum::Json;
use axum::extract::Path;
use puente_proto::orders::{
    AssignOrderRequest, ListOrdersRequest, ListOrdersResponse, MoveOrderRequest, Quotation,
};
use puente_types::Currency;
use serde::Deserialize;
use serde_json::{Value, json};
use time::Date;
use time::format_description::well_known::Iso8601;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::changes::Reason;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Body, Query};
use super::lists::{Limit, cursor, words};
use crate::application::failure::Failure;
use crate::application::journey::{Journey, Notice, journey};
use crate::application::orders::{assignee, order, visible};
use crate::application::questions::Missing;
use crate::application::reflect::{Show, decoded, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const ORDER: &str = "puente.orders.v1.OrderSummary";
/// Characters of a name of a transition or of a person's id at most.
const LONGEST: usize = 100;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadOrders);
    let change = Access::Needs(Right::ChangeOrders);
    api.get(
        "/api/orders",
        read,
        list,
        doc("listOrders", "The tenant's orders, newest first")
            .query::<Wanted>()
            .message("puente.orders.v1.ListOrdersResponse"),
    )
    .get(
        "/api/orders/{order}",
        read,
        get,
        doc("getOrder", "One order, by id or number").message(ORDER),
    )
    .get(
        "/api/orders/{order}/journey",
        read,
        way,
        doc(
            "getJourney",
            "Every fact of an order, with what led to it and what followed",
        )
        .object(&[
            ("order", Shape::Message(ORDER)),
            ("steps", Shape::Any),
            ("other_notices", Shape::Any),
            ("unavailable", Shape::Texts),
        ]),
    )
    .post(
        "/api/orders/{order}/transitions",
        change,
        step,
        doc("moveOrder", "Moves an order along the state table")
            .body::<Move>()
            .message(ORDER),
    )
    .post(
        "/api/orders/{order}/assignment",
        change,
        assign,
        doc(
            "assignOrder",
            "Gives an order to an agent, a service provider, or both",
        )
        .body::<Assignment>()
        .message(ORDER),
    )
    .ask(
        "/api/orders/{order}/reveal",
        Access::Needs(Right::RevealPersonal),
        reveal,
        doc(
            "revealOrder",
            "The order unmasked; leaves a row in the audit trail",
        )
        .body::<Reason>()
        .message(ORDER),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Orders in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// States by their Spanish names, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    states: String,
    /// Orders of this client.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    client_id: String,
    /// An order's number, or a client's phone number or its last digits.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    search: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let question = ListOrdersRequest {
        page_size: wanted.limit.0,
        cursor: wanted.cursor,
        states: words(&wanted.states),
        client_id: wanted.client_id,
        search: wanted.search,
        assignee: assignee(&asking.principal),
    };
    let mut page: ListOrdersResponse = asking.ask().list_orders(question).await.map_err(away)?;
    page.orders.retain(|order| visible(&asking.principal, order));
    let show = Show::to(&asking.principal);
    Ok(Json(seen("puente.orders.v1.ListOrdersResponse", &page, show)))
}

async fn get(asking: Asking, Path(which): Path<String>) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    Ok(Json(seen(ORDER, &order, Show::to(&asking.principal))))
}

async fn reveal(asking: Asking, Path(which): Path<String>, Body(Reason { reason }): Body<Reason>) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    asking
        .revealed("order.revealed", &order.order_id, &reason)
        .await?;
    Ok(Json(seen(ORDER, &order, Show::All)))
}

async fn way(asking: Asking, Path(which): Path<String>) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let Journey {
        steps,
        others,
        missing,
    } = journey(asking.ask(), &order).await.map_err(away)?;
    let show = Show::to(&asking.principal);
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "fact": seen("puente.orders.v1.JournalEntry", &step.entry, show),
                "delivery": step.delivery.as_ref().map(|delivery| seen("puente.ingress.v1.Delivery", delivery, show)),
                "cause": step.cause.as_ref().map(|event| super::events::event(event, show)),
                "notices": step.notices.iter().map(|notice| told(notice, show)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let unavailable: Vec<_> = missing
        .iter()
        .filter_map(|missing| match missing {
            Missing::Away(service) => Some(*service),
            _ => None,
        })
        .collect();
    Ok(Json(json!({
        "order": seen(ORDER, &order, show),
        "steps": steps,
        "other_notices": others.iter().map(|notice| told(notice, show)).collect::<Vec<_>>(),
        "unavailable": unavailable,
    })))
}

fn told(notice: &Notice, show: Show) -> Value {
    json!({
        "message": seen("puente.notifications.v1.Message", &notice.message, show),
        "effect": notice.effect.as_ref().map(|effect| seen("puente.operations.v1.Effect", effect, show)),
    })
}

/// Moving an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// The transition by its name: one of the order's `transitions`.
    #[schema(min_length = 1, max_length = 100)]
    transition: String,
    /// Why; needed where the state table asks for it.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
    /// The version that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    expected_version: i64,
    /// The price; with `send_quotation` only.
    quotation: Option<Price>,
}

/// A price that is offered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Price {
    /// In minor units of the currency.
    #[schema(minimum = 1)]
    amount_minor: i64,
    /// ISO 4217.
    #[schema(min_length = 3, max_length = 3)]
    currency: String,
    /// What it holds, in a few words.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
    /// The last day it is good (`2026-12-31`); empty when it does not end.
    #[serde(default)]
    #[schema(max_length = 10)]
    valid_until: String,
}

impl Price {
    fn checked(self) -> Result<Quotation, Problem> {
        let invalid = super::input::invalid;
        if self.amount_minor < 1 {
            return Err(invalid("quotation.amount_minor", "1 or more"));
        }
        if self.currency.parse::<Currency>().is_err() {
            return Err(invalid("quotation.currency", "three capital letters: COP"));
        }
        bounded("quotation.note", &self.note, 0, 500)?;
        if !self.valid_until.is_empty() && Date::parse(&self.valid_until, &Iso8601::DATE).is_err() {
            return Err(invalid("quotation.valid_until", "a day: 2026-12-31"));
        }
        Ok(Quotation {
            amount_minor: self.amount_minor,
            currency: self.currency,
            note: self.note,
            valid_until: self.valid_until,
        })
    }
}

async fn step(asking: Asking, Path(which): Path<String>, Body(wanted): Body<Move>) -> Answer {
    bounded("transition", &wanted.transition, 1, LONGEST)?;
    bounded("reason", &wanted.reason, 0, 500)?;
    positive(wanted.expected_version)?;
    let quotation = wanted.quotation.map(Price::checked).transpose()?;
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let before = json!({ "state": order.state, "version": order.version });
    let mut after = json!({ "transition": wanted.transition });
    if let (Some(quotation), Value::Object(fields)) = (&quotation, &mut after) {
        fields.insert("amount_minor".to_owned(), quotation.amount_minor.into());
        fields.insert("currency".to_owned(), quotation.currency.as_str().into());
    }
    let reason = Some(wanted.reason.as_str()).filter(|reason| !reason.is_empty());
    let question = MoveOrderRequest {
        order_id: order.order_id.clone(),
        transition: wanted.transition.clone(),
        reason: wanted.reason.clone(),
        expected_version: wanted.expected_version,
        idempotency_key: asking.key.clone(),
        quotation,
    };
    let moved = async { asking.ask().move_order(question).await.map_err(away) };
    let moved = asking
        .recorded(
            "order.moved",
            &order.order_id,
            (Some(before), Some(after)),
            reason,
            moved,
        )
        .await?;
    Ok(Json(seen(
        ORDER,
        &moved.order.unwrap_or(order),
        Show::to(&asking.principal),
    )))
}

/// Assigning an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assignment {
    /// The agent's id; absent leaves it as it is.
    #[schema(max_length = 100)]
    agent: Option<String>,
    /// The service provider's id; absent leaves it as it is.
    #[schema(max_length = 100)]
    service_provider: Option<String>,
    /// The version that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    expected_version: i64,
}

async fn assign(asking: Asking, Path(which): Path<String>, Body(wanted): Body<Assignment>) -> Answer {
    for (field, value) in [
        ("agent", &wanted.agent),
        ("service_provider", &wanted.service_provider),
    ] {
        bounded(field, value.as_deref().unwrap_or_default(), 0, LONGEST)?;
    }
    positive(wanted.expected_version)?;
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let before = json!({ "agent": order.agent, "service_provider": order.service_provider });
    let after = json!({ "agent": wanted.agent, "service_provider": wanted.service_provider });
    let question = AssignOrderRequest {
        order_id: order.order_id.clone(),
        agent: wanted.agent.clone(),
        service_provider: wanted.service_provider.clone(),
        expected_version: wanted.expected_version,
        idempotency_key: asking.key.clone(),
    };
    let assigned = async { asking.ask().assign_order(question).await.map_err(away) };
    let assigned = asking
        .recorded(
            "order.assigned",
            &order.order_id,
            (Some(before), Some(after)),
            None,
            assigned,
        )
        .await?;
    Ok(Json(seen(
        ORDER,
        &assigned.order.unwrap_or(order),
        Show::to(&asking.principal),
    )))
}

fn positive(version: i64) -> Result<(), Problem> {
    if version >= 0 {
        Ok(())
    } else {
        Err(super::input::invalid("expected_version", "0 or more"))
    }
}

/// Whether a text has so many characters.
pub(super) fn bounded(field: &str, text: &str, least: usize, most: usize) -> Result<(), Problem> {
    if (least..=most).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(super::input::invalid(
            field,
            format!("{least} to {most} characters"),
        ))
    }
}

fn away(status: tonic::Status) -> Problem {
    Failure::of("orders", &status).into()
}

/// Encoded bytes of an event's type as JSON.
pub(super) fn payload(kind: &str, bytes: &[u8], show: Show) -> Value {
    match puente_proto::find(kind) {
        Some(_) => decoded(kind, bytes, show).unwrap_or_default(),
        None => Value::Null,
    }
}
