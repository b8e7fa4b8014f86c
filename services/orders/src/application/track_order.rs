//! Tells a client how an order stands. The order of another client is answered like one that does not exist, so that
//! nobody can find out which numbers are taken.

use std::collections::BTreeMap;

use crate::domain::client::Client;
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::ports::Turn;

/// The key of a text, and the values of its variables.
pub type Answer = (String, BTreeMap<String, String>);

/// The answer to a question for `number`: `found` with the order's state, or `not_found`.
///
/// # Errors
/// The store's answer.
pub async fn track_order<T: Turn>(
    turn: &mut T,
    client: Option<&Client>,
    number: OrderNumber,
    found: String,
    not_found: String,
) -> Result<Answer, StoreError> {
    let order = turn.order_of(client.map(|client| client.id), number).await?;
    let mut variables = BTreeMap::new();
    variables.insert(
        "name".to_owned(),
        client.map(|client| client.data.name.clone()).unwrap_or_default(),
    );
    variables.insert("number".to_owned(), number.to_string());
    let Some(order) = order else {
        return Ok((not_found, variables));
    };
    let order = order.snapshot();
    variables.insert("state".to_owned(), order.state.label().to_owned());
    variables.insert("service".to_owned(), order.request.service.clone());
    variables.insert("description".to_owned(), order.request.description.clone());
    Ok((found, variables))
}
