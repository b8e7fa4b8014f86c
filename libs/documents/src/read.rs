//! From rows to documents.

use puente_blob::Container;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::{About, Document, Documents};

/// Which documents are wanted, newest first.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those about things of this kind; empty for all.
    pub about_kind: String,
    /// Only those about this one; empty for all.
    pub about_id: String,
    /// Only these kinds; none means all.
    pub kinds: Vec<String>,
    /// Only those in force whose last day is this one or an earlier one.
    pub expires_until: Option<Date>,
    /// Only those recorded before this one.
    pub before: Option<Uuid>,
    /// How many at most.
    pub limit: u32,
}

pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) about_kind: String,
    pub(crate) about_id: String,
    pub(crate) kind: String,
    pub(crate) container: String,
    pub(crate) key: String,
    pub(crate) file_name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) created_by: String,
    pub(crate) expires_on: Option<Date>,
    pub(crate) note: String,
    pub(crate) replaced_at: Option<OffsetDateTime>,
    pub(crate) traceparent: Option<String>,
}

impl Documents {
    /// The tenant's documents that are wanted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        wanted: &Wanted,
    ) -> Result<Vec<Document>, sqlx::Error> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT id, tenant, about_kind, about_id, kind, container, key, file_name, media_type, bytes, sha256,
                      created_at, created_by, expires_on, note, replaced_at, traceparent
               FROM documents
               WHERE tenant = $1 AND ($2 = '' OR about_kind = $2) AND ($3 = '' OR about_id = $3)
                 AND (cardinality($4::text[]) = 0 OR kind = ANY ($4))
                 AND ($5::date IS NULL OR (replaced_at IS NULL AND expires_on <= $5))
                 AND ($6::uuid IS NULL OR id < $6)
               ORDER BY id DESC LIMIT $7"#,
            tenant.as_str(),
            wanted.about_kind,
            wanted.about_id,
            &wanted.kinds,
            wanted.expires_until,
            wanted.before,
            i64::from(wanted.limit),
        )
        .fetch_all(connection)
        .await?;
        rows.into_iter().map(Document::try_from).collect()
    }

    /// One document of the tenant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn get(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        id: Uuid,
    ) -> Result<Option<Document>, sqlx::Error> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT id, tenant, about_kind, about_id, kind, container, key, file_name, media_type, bytes, sha256,
                      created_at, created_by, expires_on, note, replaced_at, traceparent
               FROM documents WHERE tenant = $1 AND id = $2"#,
            tenant.as_str(),
            id,
        )
        .fetch_optional(connection)
        .await?;
        row.map(Document::try_from).transpose()
    }

    /// Which of these keys a document that the transaction may see has, each once.
    pub(crate) async fn recorded(
        connection: &mut PgConnection,
        container: Container,
        keys: &[String],
    ) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar!(
            "SELECT DISTINCT key FROM documents WHERE container = $1 AND key = ANY ($2)",
            container.as_str(),
            keys,
        )
        .fetch_all(connection)
        .await
    }

    /// The document that was recorded with this key.
    pub(crate) async fn by_key(
        connection: &mut PgConnection,
        tenant: &TenantId,
        idempotency_key: &str,
    ) -> Result<Option<Document>, sqlx::Error> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT id, tenant, about_kind, about_id, kind, container, key, file_name, media_type, bytes, sha256,
                      created_at, created_by, expires_on, note, replaced_at, traceparent
               FROM documents WHERE tenant = $1 AND idempotency_key = $2"#,
            tenant.as_str(),
            idempotency_key,
        )
        .fetch_optional(connection)
        .await?;
        row.map(Document::try_from).transpose()
    }
}

impl TryFrom<Row> for Document {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        Ok(Self {
            id: row.id,
            tenant: row.tenant.parse().map_err(|e| unreadable(Box::new(e)))?,
            about: About {
                kind: row.about_kind,
                id: row.about_id,
            },
            kind: row.kind,
            container: row.container.parse().map_err(|e| unreadable(Box::new(e)))?,
            key: row.key.parse().map_err(|e| unreadable(Box::new(e)))?,
            file_name: row.file_name,
            media_type: row.media_type.parse().map_err(|e| unreadable(Box::new(e)))?,
            bytes: u64::try_from(row.bytes).map_err(|e| unreadable(Box::new(e)))?,
            sha256: row
                .sha256
                .as_slice()
                .try_into()
                .map_err(|e: puente_blob::HashError| unreadable(Box::new(e)))?,
            stored_at: row.created_at,
            by: row.created_by,
            expires_on: row.expires_on,
            replaced_at: row.replaced_at,
            note: row.note,
            traceparent: row.traceparent,
        })
    }
}
