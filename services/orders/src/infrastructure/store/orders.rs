//! Orders outside of conversations: each method is a transaction of its own, bound to its tenant.

use std::sync::Arc;

use puente_outbox::{Outbox, Tx};
use puente_types::{Clock, OrderId, TenantId};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::journal::{self, Origin};
use super::row;
use super::{papers, people, signature};
use crate::domain::directory::{BadPerson, Kind, Person, PersonView};
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Order, Snapshot};
use crate::domain::papers::Expired;
use crate::domain::ports::{Decided, Done, Issued, OrderStore, Saved};
use crate::domain::signing::Parties;
use crate::infrastructure::skills::Library;

/// Orders in the database. Works as either role: the tenant is set for the row policies.
#[derive(Clone)]
pub struct PgOrders {
    outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
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

    /// Keeps a person of the directory, in place of the one of the same id.
    ///
    /// # Errors
    /// When the database does not answer, or the id is another kind's.
    pub(crate) async fn put_person(
        &self,
        tenant: &TenantId,
        person: &Person,
        by: &str,
    ) -> Result<Result<PersonView, BadPerson>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        if let Err(bad) = people::put(&mut tx, tenant, person, by, self.clock.now()).await? {
            return Ok(Err(bad));
        }
        let kept = people::find(&mut tx, tenant, &person.id).await?;
        tx.commit().await?;
        let kept = kept.ok_or_else(|| StoreError::Corrupt("a person that is kept and not found".into()))?;
        Ok(Ok(kept))
    }

    pub(super) async fn begin(&self, tenant: &TenantId) -> Result<Tx, sqlx::Error> {
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
        row::load(&mut tx, tenant, id).await
    }

    async fn save(
        &self,
        tenant: &TenantId,
        order: &Order,
        since: i64,
        decided: &Decided,
        issued: Option<&Issued>,
    ) -> Result<Saved, StoreError> {
        let now = self.clock.now();
        let mut tx = self.begin(tenant).await?;
        if let Some(issued) = issued
            && !note(&mut tx, tenant, order, issued, now).await?
        {
            return Ok(Saved::Repeated);
        }
        let mut trace = None;
        if !decided.events.is_empty() {
            match row::update(&mut tx, tenant, order, since, now).await? {
                Some(of_order) => trace = of_order.traceparent,
                None => return Ok(Saved::Conflict),
            }
        }
        let set = self.skills.of(tenant);
        let asked_in = issued.and_then(|_| puente_telemetry::current_traceparent());
        let origin = Origin {
            cause: issued.map(|issued| issued.key.as_str()),
            by: issued.map_or("", |issued| issued.by.as_str()),
            trace: trace.as_deref(),
            asked_in: asked_in.as_deref(),
        };
        for event in &decided.events {
            journal::tell(&mut tx, tenant, event, &set, now, origin).await?;
        }
        if let Some(request) = &decided.request {
            signature::ask(&mut tx, tenant, request, now, origin).await?;
            if let Some(issued) = issued {
                signature::answers(&mut tx, tenant, &issued.key, request.id).await?;
            }
        }
        tx.commit().await?;
        Ok(Saved::Applied)
    }

    async fn issued(&self, tenant: &TenantId, key: &str) -> Result<Option<Done>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        let row = sqlx::query!(
            "SELECT digest, request_id FROM commands WHERE tenant = $1 AND key = $2",
            tenant.as_str(),
            key
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let digest = <[u8; 32]>::try_from(row.digest);
        Ok(Some(Done {
            digest: digest.map_err(|_| StoreError::Corrupt("the digest of a command".into()))?,
            request: row.request_id,
        }))
    }

    async fn parties(&self, tenant: &TenantId, order: &Snapshot) -> Result<Parties, StoreError> {
        let mut tx = self.begin(tenant).await?;
        signature::parties(&mut tx, tenant, order).await
    }

    async fn known(
        &self,
        tenant: &TenantId,
        kind: Kind,
        id: &str,
    ) -> Result<(Option<Person>, bool), StoreError> {
        let mut tx = self.begin(tenant).await?;
        let found = people::find(&mut tx, tenant, id).await?;
        let keeps_any = people::keeps(&mut tx, tenant, kind).await?;
        Ok((found.map(|view| view.person), keeps_any))
    }

    async fn expired(
        &self,
        tenant: &TenantId,
        provider: &str,
        today: Date,
    ) -> Result<Vec<Expired>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        Ok(papers::expired(&mut tx, tenant, provider, today).await?)
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
