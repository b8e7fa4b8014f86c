//! Orders outside of conversations: each method is a transaction of its own, bound to its tenant.

use std::sync::Arc;

use puente_outbox::{Outbox, Tx};
use puente_types::{Clock, OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::row::{self, OrderRow, Origin};
use crate::domain::error::StoreError;
use crate::domain::event::Event;
use crate::domain::number::OrderNumber;
use crate::domain::order::Order;
use crate::domain::ports::{Issued, OrderStore, Saved};
use crate::infrastructure::skills::Library;

/// Orders in the database. Works as either role: the tenant is set for the row policies.
#[derive(Clone)]
pub struct PgOrders {
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    skills: Arc<Library>,
}

impl PgOrders {
    /// Orders in the schema of the outbox.
    #[must_use]
    pub fn new(outbox: Outbox, clock: Arc<dyn Clock>, skills: Arc<Library>) -> Self {
        Self {
            outbox,
            clock,
            skills,
        }
    }

    /// The id of an order by the number that people use.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn id_of(&self, tenant: &TenantId, number: OrderNumber) -> Result<Option<OrderId>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        let id = sqlx::query_scalar!(
            "SELECT id FROM orders WHERE tenant = $1 AND number = $2",
            tenant.as_str(),
            number.count()
        )
        .fetch_optional(&mut *tx)
        .await?;
        Ok(id.map(OrderId::from))
    }

    async fn begin(&self, tenant: &TenantId) -> Result<Tx, sqlx::Error> {
        let mut tx = self.outbox.begin().await?;
        sqlx::query!(
            "SELECT set_config('puente.tenant', $1, true) AS tenant",
            tenant.as_str()
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(tx)
    }
}

impl OrderStore for PgOrders {
    async fn load(&self, tenant: &TenantId, id: OrderId) -> Result<Option<Order>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        let row = sqlx::query_as!(
            OrderRow,
            "SELECT id, number, version, state, client_id, contact_name, contact_phone, provider, connection, contact_id,
                    service, description, location, channel, agent, service_provider
             FROM orders WHERE tenant = $1 AND id = $2",
            tenant.as_str(),
            id.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?;
        row.map(Order::try_from).transpose()
    }

    async fn save(
        &self,
        tenant: &TenantId,
        order: &Order,
        since: i64,
        events: &[Event],
        issued: Option<&Issued>,
    ) -> Result<Saved, StoreError> {
        let now = self.clock.now();
        let mut tx = self.begin(tenant).await?;
        if let Some(issued) = issued
            && !note(&mut tx, tenant, order, issued, now).await?
        {
            return Ok(Saved::Repeated);
        }
        if !events.is_empty() && !update(&mut tx, tenant, order, since, now).await? {
            return Ok(Saved::Conflict);
        }
        let set = self.skills.of(tenant);
        let origin = Origin {
            cause: issued.map(|issued| issued.key.as_str()),
            by: issued.map_or("", |issued| issued.by.as_str()),
        };
        for event in events {
            row::tell(&mut tx, tenant, event, &set, now, origin).await?;
        }
        tx.commit().await?;
        Ok(Saved::Applied)
    }

    async fn issued(&self, tenant: &TenantId, key: &str) -> Result<Option<[u8; 32]>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        let digest = sqlx::query_scalar!(
            "SELECT digest FROM commands WHERE tenant = $1 AND key = $2",
            tenant.as_str(),
            key
        )
        .fetch_optional(&mut *tx)
        .await?;
        let digest = digest.map(<[u8; 32]>::try_from).transpose();
        digest.map_err(|_| StoreError::Corrupt("the digest of a command".into()))
    }
}

/// Notes a command with what it led to; `false` when its key is taken. Waits for whoever is taking it.
async fn note(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Order,
    issued: &Issued,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "INSERT INTO commands (tenant, key, digest, order_id, version, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, key) DO NOTHING",
        tenant.as_str(),
        issued.key,
        issued.digest.as_slice(),
        order.snapshot().id.uuid(),
        order.version(),
        now
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Writes the order as it stands now; `false` when it is no longer at version `since`.
async fn update(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: &Order,
    since: i64,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let snapshot = order.snapshot();
    let saved = sqlx::query!(
        "UPDATE orders SET version = $4, state = $5, agent = $6, service_provider = $7, changed_at = $8
         WHERE tenant = $1 AND id = $2 AND version = $3",
        tenant.as_str(),
        snapshot.id.uuid(),
        since,
        snapshot.version,
        snapshot.state.name(),
        snapshot.assignment.agent,
        snapshot.assignment.service_provider,
        now
    )
    .execute(connection)
    .await?;
    Ok(saved.rows_affected() > 0)
}

/// Forgets commands that nobody repeats any more; at most `most`.
pub(crate) async fn purge_commands(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM commands WHERE (tenant, key) IN (SELECT tenant, key FROM commands WHERE at < $1 LIMIT $2)",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
