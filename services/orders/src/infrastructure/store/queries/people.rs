//! The directory.

use puente_types::TenantId;

use super::super::people::{self, PersonRow};
use super::PgQueries;
use crate::domain::directory::{Kind, PersonView};
use crate::domain::error::StoreError;
use crate::domain::queries::DirectoryQueries;

impl DirectoryQueries for PgQueries {
    async fn find(&self, tenant: &TenantId, id: &str) -> Result<Option<PersonView>, StoreError> {
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let found = people::find(&mut tx, tenant, id).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn by_name(
        &self,
        tenant: &TenantId,
        kind: Option<Kind>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<PersonView>, StoreError> {
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let rows = sqlx::query_as!(
            PersonRow,
            // People are never taken out of the directory, so that the one where the last page ended is still there.
            "SELECT id, kind, name, email, phone, tax_id, address, active, changed_at FROM people
             WHERE tenant = $1
               AND ($2::text IS NULL OR kind = $2)
               AND ($3::text IS NULL
                    OR (sort_key, id) > (SELECT p.sort_key, p.id FROM people p WHERE p.tenant = $1 AND p.id = $3))
             ORDER BY sort_key, id LIMIT $4",
            tenant.as_str(),
            kind.map(Kind::name),
            after,
            i64::from(limit)
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(PersonView::try_from).collect()
    }
}
