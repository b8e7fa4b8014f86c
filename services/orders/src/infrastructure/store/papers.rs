//! Documents of service providers and orders, as far as orders itself asks for them; `puente_documents` keeps them.

use puente_documents::{About, Subjects};
use puente_outbox::{NewEvent, Tx};
use puente_proto::orders::ProviderDocumentExpiring;
use puente_proto::timestamp;
use puente_types::{OrderId, TenantId};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::people;
use crate::domain::directory::Kind;
use crate::domain::papers::{Expired, MANDATORY, threshold};
use crate::infrastructure::documents::ASSET;

/// What documents of service providers are about.
const PROVIDER: &str = "service_provider";
/// The longest notice.
const MOST_DAYS: i32 = 30;

/// Orders, service providers and assets: what documents here may be about.
pub(crate) struct Things;

#[tonic::async_trait]
impl Subjects for Things {
    async fn exists(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        about: &About,
    ) -> Result<bool, sqlx::Error> {
        if about.kind == PROVIDER {
            let found = people::find(connection, tenant, &about.id).await;
            let found = found.map_err(|error| sqlx::Error::Decode(error.into()))?;
            return Ok(found.is_some_and(|view| view.person.kind == Kind::ServiceProvider));
        }
        if about.kind == ASSET {
            let Ok(asset) = about.id.parse::<uuid::Uuid>() else {
                return Ok(false);
            };
            return sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM assets WHERE tenant = $1 AND id = $2) AS "exists!""#,
                tenant.as_str(),
                asset
            )
            .fetch_one(connection)
            .await;
        }
        let Ok(order) = about.id.parse::<OrderId>() else {
            return Ok(false);
        };
        sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM orders WHERE tenant = $1 AND id = $2) AS "exists!""#,
            tenant.as_str(),
            order.uuid()
        )
        .fetch_one(connection)
        .await
    }
}

/// Mandatory papers in force that are over.
pub(super) async fn expired(
    connection: &mut PgConnection,
    tenant: &TenantId,
    provider: &str,
    today: Date,
) -> Result<Vec<Expired>, sqlx::Error> {
    let mandatory = MANDATORY.map(str::to_owned);
    sqlx::query_as!(
        Expired,
        r#"SELECT kind, expires_on AS "on!" FROM documents
           WHERE tenant = $1 AND about_kind = $2 AND about_id = $3 AND kind = ANY ($4) AND replaced_at IS NULL
             AND expires_on < $5
           ORDER BY kind LIMIT 16"#,
        tenant.as_str(),
        PROVIDER,
        provider,
        &mandatory,
        today
    )
    .fetch_all(connection)
    .await
}

/// Tells of papers that have come to a threshold they were not told at; at most `most`. Whoever marks it tells it, so
/// that of several replicas one does. Returns how many there were to look at.
pub(crate) async fn warn(
    tx: &mut Tx,
    today: Date,
    now: OffsetDateTime,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let due = sqlx::query!(
        r#"SELECT d.id, d.tenant, d.about_id, d.kind, d.expires_on AS "expires_on!", coalesce(p.name, '') AS "name!",
                  coalesce(p.phone, '') AS "phone!"
           FROM documents d LEFT JOIN document_warnings w ON w.document_id = d.id
           LEFT JOIN people p ON p.tenant = d.tenant AND p.id = d.about_id
           WHERE d.about_kind = $1 AND d.replaced_at IS NULL AND d.expires_on <= $2::date + $3::integer
             AND (w.document_id IS NULL
                  OR w.threshold > 0 AND d.expires_on <= $2
                  OR w.threshold > 1 AND d.expires_on <= $2 + 1
                  OR w.threshold > 7 AND d.expires_on <= $2 + 7)
           ORDER BY d.id LIMIT $4"#,
        PROVIDER,
        today,
        MOST_DAYS,
        most
    )
    .fetch_all(&mut **tx)
    .await?;
    for paper in &due {
        let days_left = (paper.expires_on - today).whole_days();
        let Some(threshold) = threshold(days_left) else {
            continue;
        };
        let mine = sqlx::query!(
            "INSERT INTO document_warnings (document_id, tenant, threshold, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (document_id) DO UPDATE SET threshold = excluded.threshold, at = excluded.at
             WHERE document_warnings.threshold > excluded.threshold",
            paper.id,
            paper.tenant,
            threshold,
            now
        )
        .execute(&mut **tx)
        .await?;
        let Ok(tenant) = paper.tenant.parse::<TenantId>() else {
            continue;
        };
        if mine.rows_affected() > 0 {
            let told = ProviderDocumentExpiring {
                person_id: paper.about_id.clone(),
                kind: paper.kind.clone(),
                document_id: paper.id.to_string(),
                expires_on: paper.expires_on.to_string(),
                days_left: i32::try_from(days_left).unwrap_or(i32::MIN),
                noticed_at: Some(timestamp(now)),
                name: paper.name.clone(),
                phone: paper.phone.clone(),
            };
            tx.append(NewEvent::new(&tenant, paper.id, &told));
        }
    }
    Ok(due.len() as u64)
}
