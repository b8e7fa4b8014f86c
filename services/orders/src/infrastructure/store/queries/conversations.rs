//! Conversations and what came in by them.

use puente_types::{ConversationId, PhoneEnding, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{PgQueries, bounds};
use crate::domain::error::StoreError;
use crate::domain::order::Reach;
use crate::domain::queries::ConversationQueries;
use crate::domain::view::{ConversationFilter, ConversationView, Place, ReceivedView};

/// Messages that are shown with a conversation.
const LAST_MESSAGES: i64 = 100;

/// What the statement is asked; what is `None` does not restrict.
#[derive(Default)]
struct Wanted<'a> {
    id: Option<Uuid>,
    client: Option<Uuid>,
    phone: Option<&'a PhoneEnding>,
    after: Option<Place>,
    limit: i64,
}

struct ViewRow {
    id: Uuid,
    provider: String,
    connection: String,
    contact_id: String,
    client_id: Option<Uuid>,
    client_name: Option<String>,
    begun_at: OffsetDateTime,
    last_at: Option<OffsetDateTime>,
    spoken_at: OffsetDateTime,
    aggregate_id: String,
    waiting: i64,
}

async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: Wanted<'_>,
) -> Result<Vec<ConversationView>, sqlx::Error> {
    let (from, to) = bounds(wanted.phone, PhoneEnding::among_ids);
    let rows = sqlx::query_as!(
        ViewRow,
        r#"SELECT c.id, c.provider, c.connection, c.contact_id, c.client_id, k.name AS "client_name?", c.begun_at,
                  c.last_at, c.spoken_at, c.aggregate_id,
                  (SELECT count(*) FROM conversation_messages m
                   WHERE m.conversation_id = c.id AND m.worked_at IS NULL) AS "waiting!"
           FROM conversations c LEFT JOIN clients k ON k.id = c.client_id
           WHERE c.tenant = $1
             AND ($2::uuid IS NULL OR c.id = $2)
             AND ($3::uuid IS NULL OR c.client_id = $3)
             AND ($4::text IS NULL OR (c.contact_reversed >= $4 AND c.contact_reversed < $5))
             AND ($6::timestamptz IS NULL OR (c.spoken_at, c.id) < ($6, $7))
           ORDER BY c.spoken_at DESC, c.id DESC LIMIT $8"#,
        tenant.as_str(),
        wanted.id,
        wanted.client,
        from,
        to,
        wanted.after.map(|place| place.at),
        wanted.after.map(|place| place.id),
        wanted.limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(ConversationView::from).collect())
}

impl ConversationQueries for PgQueries {
    async fn find(
        &self,
        tenant: &TenantId,
        id: ConversationId,
    ) -> Result<Option<(ConversationView, Vec<ReceivedView>)>, StoreError> {
        let wanted = Wanted {
            id: Some(id.uuid()),
            limit: 1,
            ..Wanted::default()
        };
        let mut tx = self.readers.begin(Some(tenant)).await?;
        let Some(conversation) = read(&mut tx, tenant, wanted).await?.pop() else {
            return Ok(None);
        };
        let rows = sqlx::query!(
            r#"SELECT event_id, coalesce(sent_at, occurred_at) AS "occurred_at!", worked_at, traceparent
               FROM conversation_messages WHERE tenant = $1 AND conversation_id = $2 AND for_bot
               ORDER BY receipt_sequence DESC LIMIT $3"#,
            tenant.as_str(),
            id.uuid(),
            LAST_MESSAGES
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let messages = rows.into_iter().map(|row| ReceivedView {
            event: row.event_id.into(),
            occurred_at: row.occurred_at,
            worked_at: row.worked_at,
            traceparent: row.traceparent,
        });
        Ok(Some((conversation, messages.collect())))
    }

    async fn latest(
        &self,
        tenant: &TenantId,
        filter: &ConversationFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<ConversationView>, StoreError> {
        let wanted = Wanted {
            id: None,
            client: filter.client.map(|client| client.uuid()),
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

impl From<ViewRow> for ConversationView {
    fn from(row: ViewRow) -> Self {
        Self {
            id: row.id.into(),
            reach: Reach {
                provider: row.provider,
                connection: row.connection,
                contact_id: row.contact_id,
            },
            client: row.client_id.map(Into::into).zip(row.client_name),
            begun_at: row.begun_at,
            last_at: row.last_at,
            spoken_at: row.spoken_at,
            waiting: u32::try_from(row.waiting).unwrap_or(u32::MAX),
            aggregate_id: row.aggregate_id,
        }
    }
}
