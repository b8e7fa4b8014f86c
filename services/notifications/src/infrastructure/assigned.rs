//! Who is told that an order is theirs: whoever was assigned to it now and was not before.
//!
//! The texts say what the work needs, which is number, service and place. Nothing else of the client's goes to people
//! who have not taken the order up yet, also where the event holds it.

use puente_bus::Envelope;
use puente_outbox::{ApplyError, Tx};
use puente_proto::notifications::Recipient;
use puente_proto::orders::OrderAssigned;

use crate::infrastructure::desk::{Ask, Desk};
use crate::infrastructure::handler::values;
use crate::infrastructure::reach::Reach;
use crate::infrastructure::wire::To;

/// The texts of those who work on an order.
const AGENT: &str = "order_assigned_agent";
const SERVICE_PROVIDER: &str = "order_assigned_provider";

/// Tells them, each by the way that reaches them.
pub(crate) async fn tell(
    desk: &Desk,
    reach: &Reach,
    tx: &mut Tx,
    event: &Envelope,
    assigned: OrderAssigned,
) -> Result<(), ApplyError> {
    let mut asks = asks(assigned);
    for ask in &mut asks {
        let to = std::mem::take(&mut ask.to);
        ask.to = reach.complete(tx, &event.tenant, to).await?;
    }
    desk.take_all(tx, event, &asks).await
}

/// The messages of an assignment, not yet with the connections that they go by. Nobody is written to whom the directory
/// does not know: an order may name people who are in none.
fn asks(assigned: OrderAssigned) -> Vec<Ask> {
    let OrderAssigned {
        order_id,
        number,
        agent,
        service_provider,
        previous_agent,
        previous_service_provider,
        agent_name,
        agent_phone,
        service_provider_name,
        service_provider_phone,
        service,
        location,
        ..
    } = assigned;
    let places = [
        (AGENT, agent, previous_agent, agent_name, agent_phone),
        (
            SERVICE_PROVIDER,
            service_provider,
            previous_service_provider,
            service_provider_name,
            service_provider_phone,
        ),
    ];
    let told = places
        .into_iter()
        .filter(|(_, now, before, name, _)| now != before && !name.is_empty());
    told.map(|(key, _, _, name, phone)| Ask {
        to: To::from_recipient(Some(Recipient {
            phone,
            ..Recipient::default()
        })),
        key: key.to_owned(),
        values: values([
            ("name", name),
            ("number", number.clone()),
            ("service", service.clone()),
            ("location", location.clone()),
        ]),
        about: order_id.clone(),
        critical: false,
        about_consent: false,
        unprompted: true,
    })
    .collect()
}
