//! Following orders: each event of an order after the one before it, and what its client, agent and service provider are told.

use puente_bus::Envelope;
use puente_outbox::{ApplyError, Tx, next_version};
use puente_proto::orders::{OrderAssigned, OrderOpened, OrderStateChanged, Quotation};
use puente_types::{Currency, Money};

use crate::domain::money;
use crate::infrastructure::assigned;
use crate::infrastructure::desk::Ask;
use crate::infrastructure::handler::{Handler, values};
use crate::infrastructure::store::order;
use crate::infrastructure::wire::To;

/// The text of a new order.
const ORDER_OPENED: &str = "order_opened";
/// The text of a state that has none of its own.
const ORDER_STATE_CHANGED: &str = "order_state_changed";

impl Handler {
    pub(super) async fn opened(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        opened: OrderOpened,
    ) -> Result<(), ApplyError> {
        let Some(version) = self.next(tx, event).await? else {
            return Ok(());
        };
        let name = opened
            .contact
            .as_ref()
            .map(|contact| contact.name.clone())
            .unwrap_or_default();
        let ask = Ask {
            to: To::from_contact(opened.contact.as_ref()),
            key: ORDER_OPENED.to_owned(),
            values: values([
                ("name", name),
                ("number", opened.number),
                ("service", opened.service),
                ("description", opened.description),
                ("location", opened.location),
                ("state", opened.state),
            ]),
            about: opened.order_id,
            critical: false,
            about_consent: false,
            unprompted: false,
        };
        self.desk.take(tx, event, &ask).await?;
        Ok(order::advance(tx, &event.tenant, &event.aggregate_id, version).await?)
    }

    pub(super) async fn moved(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        moved: OrderStateChanged,
    ) -> Result<(), ApplyError> {
        let Some(version) = self.next(tx, event).await? else {
            return Ok(());
        };
        if moved.visible {
            let language = self.desk.language(&event.tenant);
            let told = self.desk.texts.of_state(&event.tenant, language, &moved.after);
            let (key, label) = told.unwrap_or((ORDER_STATE_CHANGED, &moved.after));
            let (key, label) = (key.to_owned(), label.to_owned());
            let name = moved
                .contact
                .as_ref()
                .map(|contact| contact.name.clone())
                .unwrap_or_default();
            let ask = Ask {
                to: To::from_contact(moved.contact.as_ref()),
                key,
                values: values([
                    ("name", name),
                    ("number", moved.number),
                    ("state", label),
                    ("before", moved.before),
                    ("reason", moved.reason),
                    ("price", moved.quotation.as_ref().map(price).unwrap_or_default()),
                ]),
                about: moved.order_id,
                critical: false,
                about_consent: false,
                unprompted: false,
            };
            self.desk.take(tx, event, &ask).await?;
        }
        Ok(order::advance(tx, &event.tenant, &event.aggregate_id, version).await?)
    }

    /// Agent and service provider are told of the order that is theirs now.
    pub(super) async fn assigned(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        assigned: OrderAssigned,
    ) -> Result<(), ApplyError> {
        let Some(version) = self.next(tx, event).await? else {
            return Ok(());
        };
        assigned::tell(&self.desk, &self.reach, tx, event, assigned).await?;
        Ok(order::advance(tx, &event.tenant, &event.aggregate_id, version).await?)
    }

    /// The event's version if it is the order's next one; `None` if it was applied before.
    pub(super) async fn next(&self, tx: &mut Tx, event: &Envelope) -> Result<Option<i64>, ApplyError> {
        let applied = order::applied(tx, &event.tenant, &event.aggregate_id).await?;
        next_version(event.aggregate_version, applied, "an order")
    }
}

/// The price that goes to the client, as a part of a sentence; nothing for a currency that is none.
fn price(quotation: &Quotation) -> String {
    let currency = quotation.currency.parse::<Currency>().ok();
    currency
        .map(|currency| {
            money::price(Money {
                minor: quotation.amount_minor,
                currency,
            })
        })
        .unwrap_or_default()
}
