//! Rows of the directory.

use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::directory::{BadPerson, Kind, Person, PersonView};
use crate::domain::error::StoreError;
use crate::domain::words::fold;

/// A person as stored.
pub(super) struct PersonRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) tax_id: String,
    pub(super) address: String,
    pub(super) active: bool,
    pub(super) changed_at: OffsetDateTime,
}

impl TryFrom<PersonRow> for PersonView {
    type Error = StoreError;
    fn try_from(row: PersonRow) -> Result<Self, StoreError> {
        let kind = Kind::named(&row.kind);
        Ok(Self {
            person: Person {
                kind: kind.ok_or_else(|| StoreError::Corrupt("the kind of a person".into()))?,
                id: row.id,
                name: row.name,
                email: row.email,
                phone: row.phone,
                tax_id: row.tax_id,
                address: row.address,
                active: row.active,
            },
            changed_at: row.changed_at,
        })
    }
}

/// The person of this id.
pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<PersonView>, StoreError> {
    let row = sqlx::query_as!(
        PersonRow,
        "SELECT id, kind, name, email, phone, tax_id, address, active, changed_at FROM people
         WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        id
    )
    .fetch_optional(connection)
    .await?;
    row.map(PersonView::try_from).transpose()
}

/// Whether the directory has anybody of this kind.
pub(super) async fn keeps(
    connection: &mut PgConnection,
    tenant: &TenantId,
    kind: Kind,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM people WHERE tenant = $1 AND kind = $2) AS "keeps!""#,
        tenant.as_str(),
        kind.name()
    )
    .fetch_one(connection)
    .await
}

/// Keeps a person in place of the one of the same id, unless that one is of another kind.
pub(super) async fn put(
    connection: &mut PgConnection,
    tenant: &TenantId,
    person: &Person,
    by: &str,
    now: OffsetDateTime,
) -> Result<Result<(), BadPerson>, StoreError> {
    let kept = sqlx::query!(
        "INSERT INTO people (tenant, id, kind, name, sort_key, email, phone, tax_id, address, active, changed_at,
                             changed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (tenant, id) DO UPDATE
         SET name = excluded.name, sort_key = excluded.sort_key, email = excluded.email, phone = excluded.phone,
             tax_id = excluded.tax_id, address = excluded.address, active = excluded.active,
             changed_at = excluded.changed_at, changed_by = excluded.changed_by
         WHERE people.kind = excluded.kind",
        tenant.as_str(),
        person.id,
        person.kind.name(),
        person.name,
        fold(&person.name),
        person.email,
        person.phone,
        person.tax_id,
        person.address,
        person.active,
        now,
        by
    )
    .execute(connection)
    .await?;
    Ok(if kept.rows_affected() > 0 {
        Ok(())
    } else {
        Err(BadPerson::OTHER_KIND)
    })
}
