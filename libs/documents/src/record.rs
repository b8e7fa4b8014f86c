//! Recording: the row, what it replaces, and the event, in the caller's transaction.

use puente_blob::name;
use puente_outbox::{NewEvent, Tx};
use puente_proto::documents::DocumentStored;
use puente_proto::timestamp;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Document, Documents, Kept, NewDocument};

/// The longest texts.
const MAX_ID: usize = 200;
const MAX_NOTE: usize = 500;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is recorded with this transaction.
    New(Document),
    /// A record with its key was there before; nothing was changed.
    Before(Document),
}

impl Recorded {
    /// The document, as it was recorded first.
    #[must_use]
    pub fn document(self) -> Document {
        match self {
            Self::New(document) | Self::Before(document) => document,
        }
    }
}

/// Why a document was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not what this service keeps.
    #[error("{0}")]
    Refused(&'static str),
    /// The database's own answer.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
}

impl Documents {
    /// Records a document in the caller's transaction.
    ///
    /// # Errors
    /// `Refused` when it is not what this service keeps, or its key is another tenant's.
    pub async fn record(&self, tx: &mut Tx, new: &NewDocument) -> Result<Recorded, RecordError> {
        let kept = self.allowed(new)?;
        if kept.one {
            queue_up(tx, new).await?;
        }
        let now = self.clock.now();
        let id = Uuid::now_v7();
        let traceparent = puente_telemetry::current_traceparent();
        let tenant = &new.tenant;
        if !insert(tx, id, new, now, traceparent.as_deref()).await? {
            let found = Self::by_key(tx, tenant, &new.idempotency_key).await?;
            return found.map(Recorded::Before).ok_or_else(vanished);
        }
        if kept.one {
            replace(tx, tenant, id, now).await?;
        }
        let document = self.get(tx, tenant, id).await?.ok_or_else(vanished)?;
        let mut event = NewEvent::new(tenant, id, &stored(&document)).in_trace(traceparent);
        event.cause.clone_from(&new.cause);
        tx.append(event);
        Ok(Recorded::New(document))
    }

    /// The rule that it keeps to.
    pub(crate) fn allowed(&self, new: &NewDocument) -> Result<&'static Kept, RecordError> {
        let kept = self.kept(&new.about.kind, &new.kind);
        let kept = kept.ok_or(RecordError::Refused("documents of this kind are not kept here"))?;
        let fits = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        let refused = if !fits(&new.idempotency_key, MAX_ID) {
            "an idempotency key has 1 to 200 characters"
        } else if !fits(&new.about.id, MAX_ID) {
            "the id of what it is about has 1 to 200 characters"
        } else if !fits(&new.file_name, MAX_ID) {
            "a file name has 1 to 200 characters"
        } else if new.note.chars().count() > MAX_NOTE || new.note.contains('\0') {
            "a note has up to 500 characters"
        } else if new.stored.container != kept.container {
            "documents of this kind are in another container"
        } else if !kept.media.contains(&new.stored.media_type) {
            "documents of this kind are no such files"
        } else if new.stored.bytes == 0 || new.stored.bytes > u64::try_from(kept.max_bytes).unwrap_or(0) {
            "the file is empty or too large"
        } else if new.stored.key.tenant().as_ref() != Some(&new.tenant) {
            "the key belongs to another tenant"
        } else {
            return Ok(kept);
        };
        Err(RecordError::Refused(refused))
    }
}

/// The row was there a statement ago, in this transaction or committed.
fn vanished() -> RecordError {
    RecordError::Database(sqlx::Error::RowNotFound)
}

/// Records of one kind about one thing wait for each other until they are committed: else two that come at the same
/// moment would not see each other, and both stay in force.
async fn queue_up(connection: &mut PgConnection, new: &NewDocument) -> Result<(), sqlx::Error> {
    let (tenant, about, kind) = (&new.tenant, &new.about, &new.kind);
    let place = format!("documents|{tenant}|{}|{}|{kind}", about.kind, about.id);
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) AS "done!: ()""#,
        place
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Whether it was written; not when its idempotency key was used before.
async fn insert(
    connection: &mut PgConnection,
    id: Uuid,
    new: &NewDocument,
    now: OffsetDateTime,
    traceparent: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let stored = &new.stored;
    let bytes = i64::try_from(stored.bytes).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let written = sqlx::query!(
        r#"INSERT INTO documents (id, tenant, idempotency_key, about_kind, about_id, kind, container, key, file_name,
                                  media_type, bytes, sha256, created_at, created_by, expires_on, note, traceparent)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
           ON CONFLICT (tenant, idempotency_key) DO NOTHING"#,
        id,
        new.tenant.as_str(),
        new.idempotency_key,
        new.about.kind,
        new.about.id,
        new.kind,
        stored.container.as_str(),
        stored.key.as_str(),
        name::clean(&new.file_name),
        stored.media_type.mime(),
        bytes,
        stored.sha256.bytes().as_slice(),
        now,
        new.by,
        new.expires_on,
        new.note,
        traceparent,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Marks whatever of its kind was in force about the same thing.
async fn replace(
    connection: &mut PgConnection,
    tenant: &TenantId,
    by: Uuid,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE documents AS former SET replaced_at = $3
           FROM documents AS new
           WHERE new.id = $2 AND new.tenant = $1 AND former.tenant = $1 AND former.id <> new.id
             AND former.about_kind = new.about_kind AND former.about_id = new.about_id AND former.kind = new.kind
             AND former.replaced_at IS NULL"#,
        tenant.as_str(),
        by,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn stored(document: &Document) -> DocumentStored {
    DocumentStored {
        document_id: document.id.to_string(),
        about_kind: document.about.kind.clone(),
        about_id: document.about.id.clone(),
        kind: document.kind.clone(),
        container: document.container.to_string(),
        sha256: document.sha256.to_string(),
        bytes: document.bytes,
        media_type: document.media_type.mime().to_owned(),
        stored_at: Some(timestamp(document.stored_at)),
        by: document.by.clone(),
    }
}
