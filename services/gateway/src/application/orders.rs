//! Who sees which orders.

use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{GetOrderRequest, ListOrdersRequest, ListOrdersResponse, OrderSummary};
use tonic::Status;
use uuid::Uuid;

use super::failure::Failure;
use super::questions::Ask;
use crate::domain::{Principal, Role, Who};

/// Whether the principal may know of every order.
pub(crate) fn sees_all(principal: &Principal) -> bool {
    principal.role != Role::Technician
}

/// Whether the principal may know of the order: technicians know of those that are given to them.
pub(crate) fn visible(principal: &Principal, order: &OrderSummary) -> bool {
    if sees_all(principal) {
        return true;
    }
    let id = assignee(principal);
    order.agent == id || order.service_provider == id
}

/// Whose orders the principal is to be told of, as their owner is asked for them: empty for everybody's.
pub(crate) fn assignee(principal: &Principal) -> String {
    if sees_all(principal) {
        return String::new();
    }
    let (Who::Person(id) | Who::Key(id)) = principal.who;
    id.to_string()
}

/// The orders of a list that the principal may know of. Their owner is asked for no others, so that pages are full; what
/// it answers is looked at all the same.
pub(crate) async fn list(
    ask: Ask<'_>,
    principal: &Principal,
    wanted: ListOrdersRequest,
) -> Result<ListOrdersResponse, Status> {
    let mut found = ask
        .list_orders(ListOrdersRequest {
            assignee: assignee(principal),
            ..wanted
        })
        .await?;
    found.orders.retain(|order| visible(principal, order));
    Ok(found)
}

/// The order of this id or number.
pub(crate) async fn order(ask: Ask<'_>, principal: &Principal, which: &str) -> Result<OrderSummary, Failure> {
    let key = if Uuid::try_parse(which).is_ok() {
        Key::OrderId(which.to_owned())
    } else if is_number(which) {
        Key::Number(which.to_ascii_uppercase())
    } else {
        return Err(Failure::NotFound);
    };
    let found = ask
        .get_order(GetOrderRequest { key: Some(key) })
        .await
        .map_err(|status| Failure::of("orders", &status))?;
    found
        .order
        .filter(|order| visible(principal, order))
        .ok_or(Failure::NotFound)
}

/// Whether this is the number of an order: `OT-000042`.
pub(crate) fn is_number(text: &str) -> bool {
    text.len() <= 24
        && text.split_once('-').is_some_and(|(head, digits)| {
            head.eq_ignore_ascii_case("ot")
                && !digits.is_empty()
                && digits.bytes().all(|b| b.is_ascii_digit())
        })
}
