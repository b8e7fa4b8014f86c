//! A conversation's turn: the store while its message is worked. The worker commits it.

use puente_outbox::{NewEvent, Tx};
use puente_types::{ClientId, ConversationId, EventId, Nit, OrderId, Phone, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::capture;
use super::company;
use super::journal::{self, Origin};
use super::lookup::{self, Patience};
use super::row::{self, ClientRow, OrderRow};
use crate::domain::capture::CaptureTurn;
use crate::domain::client::{Client, Registration};
use crate::domain::company::Verdict;
use crate::domain::conversation::Speaker;
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Channel, Contact, Order, Request};
use crate::domain::ports::Turn;
use crate::domain::skill::SkillSet;
use crate::infrastructure::wire;

/// The open transaction of one message.
pub(crate) struct PgTurn<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) tenant: &'t TenantId,
    pub(crate) conversation: ConversationId,
    pub(crate) set: &'t SkillSet,
    /// The message's event: what all that happens here is caused by.
    pub(crate) cause: EventId,
    pub(crate) now: OffsetDateTime,
    /// How long the ERP's answers count and are waited for; `None` where no ERP can be asked.
    pub(crate) patience: Option<Patience>,
}

impl PgTurn<'_> {
    /// Writes a client, and queues its event; `false` when the number that the provider vouches for is another's by now.
    async fn write(&mut self, client: &Client, identity: Option<&Phone>) -> Result<bool, StoreError> {
        let made = sqlx::query!(
            "INSERT INTO clients (id, tenant, name, email, phone, identity_phone, location, nit_body, nit_dv, registered_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (tenant, identity_phone) DO NOTHING",
            client.id.uuid(),
            self.tenant.as_str(),
            client.data.name,
            client.data.email,
            client.data.phone.as_e164(),
            identity.map(Phone::as_e164),
            client.data.location,
            client.data.nit.as_ref().map(Nit::body),
            client.data.nit.as_ref().map(|nit| i16::from(nit.dv())),
            self.now
        )
        .execute(&mut **self.tx)
        .await?;
        if made.rows_affected() == 0 {
            return Ok(false);
        }
        let event = NewEvent::new(self.tenant, client.id, &wire::registered(client, self.now));
        self.tx.append(event.version(1).caused_by(self.cause));
        Ok(true)
    }

    async fn take(&mut self, nit: &Nit, client: ClientId) -> Result<bool, StoreError> {
        Ok(company::take(self.tx, self.tenant, nit, client, self.now, self.patience).await?)
    }
}

impl Turn for PgTurn<'_> {
    async fn client_of(&mut self, speaker: &Speaker) -> Result<Option<Client>, StoreError> {
        let row = sqlx::query_as!(
            ClientRow,
            "SELECT id, name, email, phone, location, nit_body, nit_dv FROM clients
             WHERE tenant = $1 AND (identity_phone = $2 OR id = (SELECT client_id FROM conversations WHERE id = $3))
             ORDER BY (identity_phone = $2) IS TRUE DESC LIMIT 1",
            self.tenant.as_str(),
            speaker.phone.as_ref().map(|phone| phone.as_e164()),
            self.conversation.uuid()
        )
        .fetch_optional(&mut **self.tx)
        .await?;
        row.map(Client::try_from).transpose()
    }

    async fn register(&mut self, speaker: &Speaker, data: Registration) -> Result<Client, StoreError> {
        let mut client = Client {
            id: ClientId::new(),
            data,
        };
        // Nobody writes this row a second time, should the number be taken: its tax id is then given back.
        if let Some(nit) = client.data.nit.clone()
            && !self.take(&nit, client.id).await?
        {
            client.data.nit = None;
        }
        if !self.write(&client, speaker.phone.as_ref()).await? {
            if let Some(nit) = &client.data.nit {
                company::give_back(self.tx, self.tenant, nit, client.id).await?;
            }
            // The same number registered over another connection at this very moment.
            let other = self.client_of(speaker).await?;
            return other.ok_or_else(|| StoreError::Corrupt("a client that is taken and not found".into()));
        }
        sqlx::query!(
            "UPDATE conversations SET client_id = $2 WHERE id = $1",
            self.conversation.uuid(),
            client.id.uuid()
        )
        .execute(&mut **self.tx)
        .await?;
        Ok(client)
    }

    async fn weigh(&mut self, nit: &Nit) -> Result<Option<Verdict>, StoreError> {
        if company::client_of(self.tx, self.tenant, nit).await?.is_some() {
            return Ok(Some(Verdict::Client));
        }
        let Some(patience) = self.patience else {
            return Ok(Some(Verdict::Unknown));
        };
        let known = lookup::lookup(self.tx, self.tenant, nit).await?;
        let verdict = known.and_then(|known| known.verdict(self.now, patience));
        if verdict.is_none() {
            lookup::ask(self.tx, self.tenant, nit, self.now).await?;
        }
        Ok(verdict)
    }

    async fn client_of_nit(&mut self, nit: &Nit) -> Result<Option<Client>, StoreError> {
        company::client_of(self.tx, self.tenant, nit).await
    }

    async fn enrol(&mut self, data: Registration) -> Result<Client, StoreError> {
        let client = Client {
            id: ClientId::new(),
            data,
        };
        let no_nit = || StoreError::Corrupt("a company without a tax id".into());
        let nit = client.data.nit.clone().ok_or_else(no_nit)?;
        if self.take(&nit, client.id).await? {
            // It has no number that a provider vouches for: there is none to be another's.
            self.write(&client, None).await?;
            return Ok(client);
        }
        let other = company::client_of(self.tx, self.tenant, &nit).await?;
        other.ok_or_else(|| StoreError::Corrupt("a tax id that is taken and not found".into()))
    }

    async fn keep_nit(&mut self, client: ClientId, nit: &Nit) -> Result<(), StoreError> {
        if !self.take(nit, client).await? {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE clients SET nit_body = $3, nit_dv = $4 WHERE tenant = $1 AND id = $2 AND nit_body IS NULL",
            self.tenant.as_str(),
            client.uuid(),
            nit.body(),
            i16::from(nit.dv())
        )
        .execute(&mut **self.tx)
        .await?;
        Ok(())
    }

    async fn open(
        &mut self,
        contact: Contact,
        request: Request,
        channel: Channel,
    ) -> Result<Order, StoreError> {
        let count = sqlx::query_scalar!(
            "INSERT INTO order_numbers (tenant, last) VALUES ($1, 1)
             ON CONFLICT (tenant) DO UPDATE SET last = order_numbers.last + 1 RETURNING last",
            self.tenant.as_str()
        )
        .fetch_one(&mut **self.tx)
        .await?;
        let number =
            OrderNumber::new(count).ok_or_else(|| StoreError::Corrupt("the order counter is full".into()))?;
        let check = company::check_of(self.tx, self.tenant, contact.client_id).await?;
        let (order, event) = Order::open_with(OrderId::new(), number, contact, request, channel, check);
        row::insert(self.tx, self.tenant, order.snapshot(), self.now).await?;
        let cause = self.cause.to_string();
        let origin = Origin {
            cause: Some(&cause),
            by: "",
            trace: None,
            asked_in: None,
        };
        journal::tell(self.tx, self.tenant, &event, self.set, self.now, origin).await?;
        Ok(order)
    }

    async fn order_of(
        &mut self,
        client: Option<ClientId>,
        number: OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let row = sqlx::query_as!(
            OrderRow,
            "SELECT id, number, version, state, client_id, contact_name, contact_phone, provider, connection, contact_id,
                    service, description, location, channel, agent, service_provider, quotation_minor,
                    quotation_currency, quotation_note, quotation_until, signature_attempts, signed_document, client_check
             FROM orders WHERE tenant = $1 AND number = $2
               AND (client_id = $3 OR (connection, contact_id) IN
                    (SELECT c.connection, c.contact_id FROM conversations c WHERE c.id = $4))",
            self.tenant.as_str(),
            number.count(),
            client.map(|client| client.uuid()),
            self.conversation.uuid()
        )
        .fetch_optional(&mut **self.tx)
        .await?;
        row.map(Order::try_from).transpose()
    }

    async fn order_to_serve(
        &mut self,
        speaker: &Speaker,
        client: Option<ClientId>,
        number: OrderNumber,
    ) -> Result<Option<OrderId>, StoreError> {
        Ok(capture::order_to_serve(self.tx, self.tenant, speaker, client, number).await?)
    }

    async fn capture_ended(&mut self, capture: Uuid) -> Result<bool, StoreError> {
        Ok(capture::ended(self.tx, self.tenant, capture).await?)
    }

    async fn captures_of_a_day(&mut self) -> Result<u64, StoreError> {
        Ok(capture::begun_since(self.tx, self.conversation, self.now - time::Duration::DAY).await?)
    }

    async fn tell_capture(
        &mut self,
        speaker: &Speaker,
        client: Option<&Client>,
        turn: CaptureTurn,
    ) -> Result<(), StoreError> {
        capture::keep(self.tx, self.tenant, self.conversation, &turn, self.now).await?;
        let (id, version) = (turn.capture, i64::from(turn.turn));
        let event = wire::continued(turn, speaker, client, self.now);
        let event = NewEvent::new(self.tenant, id, &event);
        self.tx.append(event.version(version).caused_by(self.cause));
        Ok(())
    }
}
