//! The signature of an order, asked for and told by the order; and its summary.

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use puente_proto::orders::{SendToSignatureRequest, SigningParty};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Answer;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Maybe, invalid};
use super::orders::bounded;
use super::signatures::SIGNATURE;
use crate::application::failure::Failure;
use crate::application::orders::order;
use crate::application::reflect::{Show, json as seen};
use crate::application::signatures::newest_of;
use crate::application::summary;
use crate::domain::Right;
use crate::web::{Access, Problem};

/// Characters of a text of a party at most.
const LONGEST: usize = 200;

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadSignatures);
    let status = |id| {
        doc(
            id,
            "The newest signature request of an order: state, colour, each signer, times",
        )
        .message(SIGNATURE)
    };
    api.post(
        "/api/orders/{order}/send-to-signature",
        Access::Needs(Right::ChangeSignatures),
        send,
        doc(
            "sendToSignature",
            "Sends the contract of an order to its signers, once its quotation is approved",
        )
        .may_body::<Parties>()
        .object(&[
            ("command_id", Shape::Text),
            ("request_id", Shape::Text),
            ("order", Shape::Message("puente.orders.v1.OrderSummary")),
        ])
        .answered(202),
    )
    .get(
        "/api/orders/{order}/signature-status",
        read,
        state,
        status("getSignatureStatus"),
    )
    .get(
        "/api/orders/{order}/signature-Estado",
        read,
        state,
        status("getSignatureEstado"),
    )
    .post(
        "/api/orders/{order}/summary",
        Access::Needs(Right::ChangeOrders),
        summarise,
        doc("makeOrderSummary", "Makes the summary of an order as a PDF")
            .object(&[("document_id", Shape::Text)]),
    )
}

/// Who signs, where that is not as it is known.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Parties {
    /// Each role once at most.
    #[serde(default)]
    #[schema(max_items = 3)]
    parties: Vec<Party>,
    /// The version of the order that was seen; 0 for whatever it is now.
    #[serde(default)]
    #[schema(minimum = 0)]
    expected_version: i64,
}

/// Replaces what is known of one who signs; what is empty stays as it is known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Party {
    /// Who.
    role: PartyRole,
    /// The name as it stands in the contract.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: String,
    /// Where the request to sign goes.
    #[serde(default)]
    #[schema(max_length = 200)]
    email: String,
    /// E.164.
    #[serde(default)]
    #[schema(max_length = 200)]
    phone: String,
    /// The NIT with its check digit, or another tax id.
    #[serde(default)]
    #[schema(max_length = 200)]
    tax_id: String,
    /// The postal address.
    #[serde(default)]
    #[schema(max_length = 200)]
    address: String,
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PartyRole {
    Client,
    ServiceProvider,
    Agent,
}

impl PartyRole {
    const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ServiceProvider => "service_provider",
            Self::Agent => "agent",
        }
    }
}

impl Party {
    fn checked(self, at: usize) -> Result<SigningParty, Problem> {
        for (field, text) in [
            ("name", &self.name),
            ("email", &self.email),
            ("phone", &self.phone),
            ("tax_id", &self.tax_id),
            ("address", &self.address),
        ] {
            bounded(&format!("parties.{at}.{field}"), text, 0, LONGEST)?;
        }
        Ok(SigningParty {
            role: self.role.word().to_owned(),
            name: self.name,
            email: self.email,
            phone: self.phone,
            tax_id: self.tax_id,
            address: self.address,
        })
    }
}

async fn send(
    asking: Asking,
    Path(which): Path<String>,
    Maybe(wanted): Maybe<Parties>,
) -> Result<Response, Problem> {
    if wanted.expected_version < 0 {
        return Err(invalid("expected_version", "0 or more"));
    }
    let roles: Vec<_> = wanted.parties.iter().map(|party| party.role).collect();
    let twice = roles
        .iter()
        .enumerate()
        .any(|(n, role)| roles.iter().skip(n + 1).any(|other| other == role));
    if twice {
        return Err(invalid("parties", "each role once at most"));
    }
    let parties = wanted
        .parties
        .into_iter()
        .enumerate()
        .map(|(at, party)| party.checked(at));
    let parties: Vec<_> = parties.collect::<Result<_, _>>()?;
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let before = json!({ "state": order.state, "version": order.version });
    let named: Vec<_> = parties.iter().map(|party| party.role.clone()).collect();
    let question = SendToSignatureRequest {
        order_id: order.order_id.clone(),
        parties,
        expected_version: wanted.expected_version,
        idempotency_key: asking.key.clone(),
    };
    let sent = async {
        let sent = asking.ask().send_to_signature(question).await;
        sent.map_err(|status| Failure::of("orders", &status).into())
    };
    let after = json!({ "transition": "send_to_signature", "parties_changed": named });
    let sent = asking
        .recorded(
            "order.sent_to_signature",
            &order.order_id,
            (Some(before), Some(after)),
            None,
            sent,
        )
        .await?;
    let show = Show::to(&asking.principal);
    let answer = json!({
        "command_id": sent.request_id,
        "request_id": sent.request_id,
        "order": seen("puente.orders.v1.OrderSummary", &sent.order.unwrap_or(order), show),
    });
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

async fn state(asking: Asking, Path(which): Path<String>) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let found = newest_of(asking.ask(), &order.order_id).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Json(seen(SIGNATURE, &found, Show::to(&asking.principal))))
}

async fn summarise(asking: Asking, Path(which): Path<String>) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    let doing = Box::pin(async {
        let made = summary::make(
            asking.ask(),
            &asking.principal,
            &order,
            crate::console::order_state,
        )
        .await;
        made.map_err(Problem::from)
    });
    let document_id = asking
        .recorded("order.summarised", &order.order_id, (None, None), None, doing)
        .await?;
    Ok(Json(json!({ "document_id": document_id })))
}
