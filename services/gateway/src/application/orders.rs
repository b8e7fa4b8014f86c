//! Who sees which orders.

use puente_proto::orders::GetOrderRequest;
use puente_proto::orders::OrderSummary;
use puente_proto::orders::get_order_request::Key;
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
    let (Who::Person(id) | Who::Key(id)) = principal.who;
    let id = id.to_string();
    order.agent == id || order.service_provider == id
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
