//! One box for any id: what a number, a serial, an id, a phone or a trace leads to (CON-12). Only what the principal may read is
//! asked for; each question is bounded.

use futures::future::{BoxFuture, FutureExt as _, join_all};
use puente_proto::ingress::{DeliveryFilter, GetDeliveryRequest, ListDeliveriesRequest};
use puente_proto::notifications::{GetMessageRequest, ListMessagesRequest};
use puente_proto::operations::GetEffectRequest;
use puente_proto::orders::{GetConversationRequest, ListConversationsRequest, ListOrdersRequest};
use serde::Serialize;
use tonic::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::failure::Failure;
use super::orders::{is_number, list, order, sees_all};
use super::plates::{is_asset_number, may_be_serial};
use super::questions::Ask;
use super::search_plates::{plates_of, reading, serials, sheet};
use crate::domain::{Principal, Right};

/// Things of one kind in an answer.
pub(super) const MOST: u32 = 10;
/// Digits of a phone number at least.
const SHORTEST_PHONE: usize = 7;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Hit {
    /// `order`, `asset`, `capture`, `conversation`, `message`, `delivery` or `effect`.
    pub(crate) kind: &'static str,
    /// Its id.
    pub(crate) id: String,
    /// What people know it by: an order's number, a serial, a provider.
    pub(crate) title: String,
    /// The service that has it.
    pub(crate) service: &'static str,
}

/// What was found, and who did not answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Found {
    /// What was found.
    pub(crate) found: Vec<Hit>,
    /// Services that did not answer.
    pub(crate) unavailable: Vec<&'static str>,
}

pub(super) type Looking<'a> = BoxFuture<'a, Result<Vec<Hit>, Failure>>;

/// Looks for it everywhere where it can be.
pub(crate) async fn search(ask: Ask<'_>, principal: &Principal, text: &str) -> Found {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let phone = text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '.'));
    // A trace first: its 32 digits may be read as an id without hyphens, which no id of ours is shown as.
    let looks: Vec<Looking<'_>> = if is_trace(text) {
        traces(ask, principal, text)
    } else if Uuid::try_parse(text).is_ok() {
        ids(ask, principal, text)
    } else if is_number(text) {
        vec![number(ask, principal, text).boxed()]
    } else if is_asset_number(text) {
        vec![sheet(ask, text).boxed()]
    } else if phone && digits.len() >= SHORTEST_PHONE {
        // A serial may be of digits alone.
        let mut looks = phones(ask, principal, &digits);
        looks.extend(serials(ask, text));
        looks
    } else if may_be_serial(text) {
        serials(ask, text)
    } else {
        Vec::new()
    };
    let mut found = Found::default();
    for answer in join_all(looks).await {
        match answer {
            Ok(hits) => found.found.extend(hits),
            Err(Failure::Away(service) | Failure::Busy(service) | Failure::Broken(service)) => {
                if !found.unavailable.contains(&service) {
                    found.unavailable.push(service);
                }
            }
            Err(_) => {}
        }
    }
    found.found.retain(|hit| may_see(principal, hit.kind));
    found
}

/// Whether this is a trace's id.
pub(crate) fn is_trace(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn may_see(principal: &Principal, kind: &str) -> bool {
    principal.may(match kind {
        "order" => Right::ReadOrders,
        "delivery" => Right::ReadTraffic,
        "effect" => Right::ReadEffects,
        "asset" => Right::ReadAssets,
        "capture" => Right::ReadCaptures,
        _ => Right::ReadConversations,
    })
}

/// One that was found.
pub(super) fn hit(kind: &'static str, service: &'static str, id: String, title: impl Into<String>) -> Hit {
    Hit {
        kind,
        id,
        title: title.into(),
        service,
    }
}

async fn number(ask: Ask<'_>, principal: &Principal, which: &str) -> Result<Vec<Hit>, Failure> {
    match order(ask, principal, which).await {
        Ok(order) => Ok(vec![hit("order", "orders", order.order_id, order.number)]),
        Err(Failure::NotFound) => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// Nothing of this id is no failure.
pub(super) fn one<T>(service: &'static str, answer: Result<T, tonic::Status>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => Ok(None),
        Err(status) => Err(Failure::of(service, &status)),
    }
}

fn ids<'a>(ask: Ask<'a>, principal: &'a Principal, id: &'a str) -> Vec<Looking<'a>> {
    let mut looks: Vec<Looking<'a>> = vec![
        number(ask, principal, id).boxed(),
        sheet(ask, id).boxed(),
        reading(ask, id).boxed(),
        async move {
            let question = GetConversationRequest {
                conversation_id: id.to_owned(),
            };
            let found =
                one("orders", ask.get_conversation(question).await)?.and_then(|found| found.conversation);
            Ok(found
                .into_iter()
                .map(|c| hit("conversation", "orders", c.conversation_id, c.provider))
                .collect())
        }
        .boxed(),
        async move {
            let question = GetMessageRequest {
                message_id: id.to_owned(),
            };
            let found =
                one("notifications", ask.get_message(question).await)?.and_then(|found| found.message);
            Ok(found
                .into_iter()
                .map(|m| hit("message", "notifications", m.message_id, m.template))
                .collect())
        }
        .boxed(),
        async move {
            let question = GetDeliveryRequest { id: id.to_owned() };
            let found = one("ingress", ask.get_delivery(question).await)?.and_then(|found| found.delivery);
            Ok(found
                .into_iter()
                .map(|d| hit("delivery", "ingress", d.id, d.provider))
                .collect())
        }
        .boxed(),
    ];
    for peer in ask.all() {
        let look = async move {
            let question = GetEffectRequest { id: id.to_owned() };
            let found = one(peer.name, ask.get_effect(peer, question).await)?.and_then(|found| found.effect);
            Ok(found
                .into_iter()
                .map(|e| hit("effect", peer.name, e.id, e.operation))
                .collect())
        };
        looks.push(look.boxed());
    }
    looks
}

fn traces<'a>(ask: Ask<'a>, principal: &'a Principal, trace: &'a str) -> Vec<Looking<'a>> {
    vec![
        plates_of(ask, "ocr", trace).boxed(),
        plates_of(ask, "orders", trace).boxed(),
        async move {
            let filter = DeliveryFilter {
                trace_id: trace.to_owned(),
                ..DeliveryFilter::default()
            };
            let question = ListDeliveriesRequest {
                filter: Some(filter),
                page_size: MOST,
                ..ListDeliveriesRequest::default()
            };
            let found = one("ingress", ask.list_deliveries(question).await)?.unwrap_or_default();
            Ok(found
                .deliveries
                .into_iter()
                .map(|d| hit("delivery", "ingress", d.id, d.provider))
                .collect())
        }
        .boxed(),
        async move {
            let question = ListMessagesRequest {
                trace_id: trace.to_owned(),
                page_size: MOST,
                ..ListMessagesRequest::default()
            };
            let found = one("notifications", ask.list_messages(question).await)?.unwrap_or_default();
            let mut hits: Vec<Hit> = Vec::new();
            let mut asked: Vec<String> = Vec::new();
            for message in found.messages {
                if Uuid::try_parse(&message.about).is_ok() && !asked.contains(&message.about) {
                    hits.extend(of_message(ask, principal, &message.about).await?);
                    asked.push(message.about.clone());
                }
                hits.push(hit(
                    "message",
                    "notifications",
                    message.message_id,
                    message.template,
                ));
            }
            Ok(hits)
        }
        .boxed(),
    ]
}

/// The order that a message is about. Whoever may know of some orders only is told of those.
async fn of_message(ask: Ask<'_>, principal: &Principal, id: &str) -> Result<Vec<Hit>, Failure> {
    if sees_all(principal) {
        return Ok(vec![hit("order", "orders", id.to_owned(), "")]);
    }
    number(ask, principal, id).await
}

fn phones<'a>(ask: Ask<'a>, principal: &'a Principal, digits: &str) -> Vec<Looking<'a>> {
    let (first, second, third) = (digits.to_owned(), digits.to_owned(), digits.to_owned());
    vec![
        async move {
            let question = ListOrdersRequest {
                page_size: MOST,
                search: first,
                ..ListOrdersRequest::default()
            };
            let found = one("orders", list(ask, principal, question).await)?.unwrap_or_default();
            Ok(found
                .orders
                .into_iter()
                .map(|order| hit("order", "orders", order.order_id, order.number))
                .collect())
        }
        .boxed(),
        async move {
            let question = ListConversationsRequest {
                page_size: MOST,
                phone: second,
                ..ListConversationsRequest::default()
            };
            let found = one("orders", ask.list_conversations(question).await)?.unwrap_or_default();
            let all = found.conversations.into_iter();
            Ok(all
                .map(|c| hit("conversation", "orders", c.conversation_id, c.provider))
                .collect())
        }
        .boxed(),
        async move {
            let question = ListMessagesRequest {
                page_size: MOST,
                phone: third,
                ..ListMessagesRequest::default()
            };
            let found = one("notifications", ask.list_messages(question).await)?.unwrap_or_default();
            let all = found.messages.into_iter();
            Ok(all
                .map(|m| hit("message", "notifications", m.message_id, m.template))
                .collect())
        }
        .boxed(),
    ]
}
