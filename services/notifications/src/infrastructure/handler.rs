//! Events in: each is decoded, turned into a question to the desk or a change of a table, and nothing else. Those of orders
//! are in `followed`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use puente_bus::Envelope;
use puente_effects::Wake;
use puente_outbox::{ApplyError, EventHandler, Tx};
use puente_ports::Registry;
use puente_proto::messaging::{MessageKind, MessageReceived, ReceiptChanged, TemplateChanged};
use puente_proto::notifications::{MessageRequested, Recipient};
use puente_proto::orders::{OrderAssigned, OrderOpened, OrderStateChanged, ProviderDocumentExpiring};
use puente_proto::{Event, instant};

use crate::application::paper;
use crate::domain::consent::Word;
use crate::infrastructure::desk::{Ask, Desk, OPT_IN_CONFIRMED, OPT_OUT_CONFIRMED};
use crate::infrastructure::reach::Reach;
use crate::infrastructure::receipts;
use crate::infrastructure::store::{contact, order, template};
use crate::infrastructure::wire::To;

/// The consumer's handler.
pub(crate) struct Handler {
    pub(crate) desk: Arc<Desk>,
    pub(crate) registry: Registry,
    pub(crate) reach: Reach,
    /// Wakes the effects runner.
    pub(crate) wake: Wake,
}

#[async_trait]
impl EventHandler for Handler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<(), ApplyError> {
        match event.event.name {
            name if name == MessageRequested::TYPE.name => self.requested(tx, event, event.decode()?).await,
            name if name == OrderOpened::TYPE.name => self.opened(tx, event, event.decode()?).await,
            name if name == OrderStateChanged::TYPE.name => self.moved(tx, event, event.decode()?).await,
            name if name == OrderAssigned::TYPE.name => self.assigned(tx, event, event.decode()?).await,
            name if name == ProviderDocumentExpiring::TYPE.name => {
                self.expiring(tx, event, event.decode()?).await
            }
            name if name == ReceiptChanged::TYPE.name => {
                receipts::apply(&self.desk, self.registry, tx, event, &event.decode()?).await
            }
            name if name == MessageReceived::TYPE.name => self.received(tx, event, event.decode()?).await,
            name if name == TemplateChanged::TYPE.name => {
                let news: TemplateChanged = event.decode()?;
                Ok(template::announced(tx, &event.tenant, &news, event.occurred_at).await?)
            }
            // Another event of an order: nobody is told of it, and it still has its place in the order's count.
            _ if (event.event.domain, event.event.entity)
                == (OrderOpened::TYPE.domain, OrderOpened::TYPE.entity) =>
            {
                let Some(version) = self.next(tx, event).await? else {
                    return Ok(());
                };
                Ok(order::advance(tx, &event.tenant, &event.aggregate_id, version).await?)
            }
            // Left over from a filter of another version.
            _ => Ok(()),
        }
    }

    fn committed(&self) {
        (self.wake)();
    }
}

impl Handler {
    async fn requested(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        request: MessageRequested,
    ) -> Result<(), ApplyError> {
        let to = To::from_recipient(request.recipient);
        let ask = Ask {
            to: self.reach.complete(tx, &event.tenant, to).await?,
            key: request.template,
            values: request.variables.into_iter().collect(),
            about: request.about,
            critical: request.critical,
            about_consent: false,
            unprompted: false,
        };
        self.desk.take(tx, event, &ask).await
    }

    /// A service provider is told of a paper that ends.
    async fn expiring(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        ends: ProviderDocumentExpiring,
    ) -> Result<(), ApplyError> {
        let language = self.desk.language(&event.tenant);
        let to = To::from_recipient(Some(Recipient {
            phone: ends.phone,
            ..Recipient::default()
        }));
        let ask = Ask {
            to: self.reach.complete(tx, &event.tenant, to).await?,
            key: paper::key(ends.days_left).to_owned(),
            values: values([
                ("name", ends.name),
                ("paper", paper::name(&ends.kind, language)),
                ("date", paper::day(&ends.expires_on, language)),
            ]),
            about: ends.person_id,
            critical: false,
            about_consent: false,
            unprompted: false,
        };
        self.desk.take(tx, event, &ask).await
    }

    /// A contact's message opens the session window, and may be a word of consent.
    async fn received(
        &self,
        tx: &mut Tx,
        event: &Envelope,
        message: MessageReceived,
    ) -> Result<(), ApplyError> {
        if message.own || !message.group_id.is_empty() || message.contact_id.is_empty() {
            return Ok(());
        }
        let sent_at = message
            .sent_at
            .as_ref()
            .and_then(instant)
            .unwrap_or(event.occurred_at);
        // A provider's clock that runs ahead must not hold the window open.
        let at = sent_at.min(self.desk.clock.now());
        let spoken = match message.kind() {
            MessageKind::Text | MessageKind::Choice => self.desk.policy.words.read(&message.text),
            _ => None,
        };
        contact::wrote(
            tx,
            &event.tenant,
            &message.connection,
            &message.contact_id,
            at,
            spoken,
        )
        .await?;
        let Some(word) = spoken.filter(|_| self.desk.policy.confirm_consent) else {
            return Ok(());
        };
        let key = match word {
            Word::Stop => OPT_OUT_CONFIRMED,
            Word::Start => OPT_IN_CONFIRMED,
        };
        let ask = Ask {
            to: To {
                provider: message.provider,
                connection: message.connection,
                contact_id: message.contact_id,
                phone: message.contact_phone,
            },
            key: key.to_owned(),
            values: BTreeMap::new(),
            about: String::new(),
            critical: true,
            about_consent: true,
            unprompted: false,
        };
        self.desk.take(tx, event, &ask).await
    }
}

/// Named values of a text.
pub(crate) fn values<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
