//! What callers may read, as the role that answers callers: row policies hold each transaction to the caller's tenant.

use puente_types::TenantId;
use sqlx::postgres::Postgres;
use sqlx::{PgPool, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::ports::OrderQueries;
use crate::domain::view::{OrderKey, OrderView};

/// Queries in the database. The pool acts as the API role.
#[derive(Clone)]
pub(crate) struct PgQueries {
    pool: PgPool,
}

struct ViewRow {
    id: Uuid,
    number: i64,
    version: i64,
    state: String,
    contact_name: String,
    service: String,
    description: String,
    opened_at: OffsetDateTime,
    changed_at: OffsetDateTime,
}

impl PgQueries {
    /// Queries through a pool of the API role.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// A transaction that sees the tenant's rows only, and changes nothing.
    async fn begin(&self, tenant: &TenantId) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let mut tx = self.pool.begin_with("BEGIN READ ONLY").await?;
        sqlx::query!(
            "SELECT set_config('puente.tenant', $1, true) AS tenant",
            tenant.as_str()
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(tx)
    }
}

impl OrderQueries for PgQueries {
    async fn find(&self, tenant: &TenantId, key: OrderKey) -> Result<Option<OrderView>, StoreError> {
        let (id, number) = match key {
            OrderKey::Id(id) => (Some(id.uuid()), None),
            OrderKey::Number(number) => (None, Some(number.count())),
        };
        let mut tx = self.begin(tenant).await?;
        let row = sqlx::query_as!(
            ViewRow,
            "SELECT id, number, version, state, contact_name, service, description, opened_at, changed_at
             FROM orders WHERE tenant = $1 AND (id = $2 OR number = $3)",
            tenant.as_str(),
            id,
            number
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        row.map(OrderView::try_from).transpose()
    }

    async fn newest(
        &self,
        tenant: &TenantId,
        below: Option<OrderNumber>,
        limit: u32,
    ) -> Result<Vec<OrderView>, StoreError> {
        let mut tx = self.begin(tenant).await?;
        // Numbers are given one after the other, so that their order is that of opening.
        let rows = sqlx::query_as!(
            ViewRow,
            "SELECT id, number, version, state, contact_name, service, description, opened_at, changed_at
             FROM orders WHERE tenant = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
            tenant.as_str(),
            below.map_or(i64::MAX, OrderNumber::count),
            i64::from(limit)
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(OrderView::try_from).collect()
    }
}

impl TryFrom<ViewRow> for OrderView {
    type Error = StoreError;
    fn try_from(row: ViewRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of order {}", row.id));
        Ok(Self {
            number: OrderNumber::new(row.number).ok_or_else(|| corrupt("number"))?,
            state: row.state.parse().map_err(|_| corrupt("state"))?,
            id: row.id.into(),
            service: row.service,
            description: row.description,
            client_name: row.contact_name,
            version: row.version,
            opened_at: row.opened_at,
            changed_at: row.changed_at,
        })
    }
}
