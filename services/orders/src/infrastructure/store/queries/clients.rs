//! Clients.

use puente_types::{ClientId, Nit, PhoneEnding, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::lookup::{Lookup, lookup};
use super::{PgQueries, bounds};
use crate::domain::error::StoreError;
use crate::domain::queries::ClientQueries;
use crate::domain::view::{ClientFilter, ClientView, Place};

/// What the statement is asked; what is `None` does not restrict.
#[derive(Default)]
struct Wanted<'a> {
    id: Option<Uuid>,
    phone: Option<&'a PhoneEnding>,
    after: Option<Place>,
    limit: i64,
}

struct ViewRow {
    id: Uuid,
    name: String,
    email: String,
    phone: String,
    location: String,
    nit_body: Option<String>,
    nit_dv: Option<i16>,
    registered_at: OffsetDateTime,
}

async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: Wanted<'_>,
) -> Result<Vec<ClientView>, sqlx::Error> {
    let (from, to) = bounds(wanted.phone, PhoneEnding::among_numbers);
    let rows = sqlx::query_as!(
        ViewRow,
        "SELECT id, name, email, phone, location, nit_body, nit_dv, registered_at FROM clients
         WHERE tenant = $1
           AND ($2::uuid IS NULL OR id = $2)
           AND ($3::text IS NULL OR (phone_reversed >= $3 AND phone_reversed < $4)
                                 OR (identity_reversed >= $3 AND identity_reversed < $4))
           AND ($5::timestamptz IS NULL OR (registered_at, id) < ($5, $6))
         ORDER BY registered_at DESC, id DESC LIMIT $7",
        tenant.as_str(),
        wanted.id,
        from,
        to,
        wanted.after.map(|place| place.at),
        wanted.after.map(|place| place.id),
        wanted.limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(ClientView::from).collect())
}

impl PgQueries {
    /// The tenant's client of a tax id, and what its ERP said of it.
    pub(crate) async fn of_nit(
        &self,
        tenant: &TenantId,
        nit: &Nit,
    ) -> Result<(Option<ClientView>, Option<Lookup>), StoreError> {
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let id = sqlx::query_scalar!(
            "SELECT client_id FROM client_nits WHERE tenant = $1 AND nit_body = $2",
            tenant.as_str(),
            nit.body()
        )
        .fetch_optional(&mut *tx)
        .await?;
        let mut found = Vec::new();
        if id.is_some() {
            let wanted = Wanted {
                id,
                limit: 1,
                ..Wanted::default()
            };
            found = read(&mut tx, tenant, wanted).await?;
        }
        let known = lookup(&mut tx, tenant, nit).await?;
        tx.commit().await?;
        Ok((found.pop(), known))
    }
}

impl ClientQueries for PgQueries {
    async fn find(&self, tenant: &TenantId, id: ClientId) -> Result<Option<ClientView>, StoreError> {
        let wanted = Wanted {
            id: Some(id.uuid()),
            limit: 1,
            ..Wanted::default()
        };
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let mut found = read(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(found.pop())
    }

    async fn newest(
        &self,
        tenant: &TenantId,
        filter: &ClientFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<ClientView>, StoreError> {
        let wanted = Wanted {
            id: None,
            phone: filter.phone.as_ref(),
            after,
            limit: limit.into(),
        };
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let found = read(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(found)
    }
}

impl From<ViewRow> for ClientView {
    fn from(row: ViewRow) -> Self {
        let nit = row.nit_body.zip(row.nit_dv);
        Self {
            id: row.id.into(),
            name: row.name,
            email: row.email,
            phone: row.phone,
            location: row.location,
            nit: nit.map(|(body, dv)| format!("{body}-{dv}")).unwrap_or_default(),
            registered_at: row.registered_at,
        }
    }
}
