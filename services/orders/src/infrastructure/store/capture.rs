//! Captures of serial plates, as far as conversations feed them.

use prost::Message as _;
use puente_outbox::{ApplyError, Tx};
use puente_proto::Event as _;
use puente_proto::orders::CaptureContinued;
use puente_types::{ClientId, ConversationId, OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::capture::CaptureTurn;
use crate::domain::conversation::Speaker;
use crate::domain::number::OrderNumber;
use crate::infrastructure::wire;

/// Messages that are given back at once: nobody writes more while one photograph is read.
const MOST_UNHEARD: i64 = 64;

/// The order of this number, if it is the speaker's own or the speaker stands in the directory.
pub(super) async fn order_to_serve(
    connection: &mut PgConnection,
    tenant: &TenantId,
    speaker: &Speaker,
    client: Option<ClientId>,
    number: OrderNumber,
) -> Result<Option<OrderId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM orders
         WHERE tenant = $1 AND number = $2
           AND (client_id = $3 OR EXISTS (SELECT FROM people WHERE tenant = $1 AND active AND phone = $4))",
        tenant.as_str(),
        number.count(),
        client.map(|client| client.uuid()),
        // A hidden number is nobody's.
        speaker.phone.as_ref().map(|phone| phone.as_e164())
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(Into::into))
}

/// Whether ocr has ended a capture; held until the transaction is over, so that an end and a turn see each other.
pub(super) async fn ended(
    connection: &mut PgConnection,
    tenant: &TenantId,
    capture: Uuid,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query_scalar!(
        r#"SELECT ended_at IS NOT NULL AS "ended!" FROM captures
           WHERE tenant = $1 AND capture_id = $2 FOR NO KEY UPDATE"#,
        tenant.as_str(),
        capture
    )
    .fetch_optional(connection)
    .await?;
    // One that was told nothing yet has no row.
    Ok(ended.unwrap_or(false))
}

/// How many captures a conversation began since then.
pub(super) async fn begun_since(
    connection: &mut PgConnection,
    conversation: ConversationId,
    since: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let begun = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM captures WHERE conversation_id = $1 AND opened_at > $2"#,
        conversation.uuid(),
        since
    )
    .fetch_one(connection)
    .await?;
    Ok(begun.unsigned_abs())
}

/// Keeps how far a capture has come.
pub(super) async fn keep(
    connection: &mut PgConnection,
    tenant: &TenantId,
    conversation: ConversationId,
    turn: &CaptureTurn,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO captures (capture_id, tenant, conversation_id, turns, order_id, opened_at, outcome, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, '', CASE WHEN $7 THEN $6::timestamptz END)
         ON CONFLICT (capture_id) DO UPDATE
         SET turns = excluded.turns, ended_at = coalesce(captures.ended_at, excluded.ended_at)",
        turn.capture,
        tenant.as_str(),
        conversation.uuid(),
        i32::try_from(turn.turn).unwrap_or(i32::MAX),
        turn.order.map(|order| order.uuid()),
        now,
        turn.said.is_none()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that ocr has ended a capture; `false` when its person had left it before, or when no conversation feeds it.
pub(crate) async fn end(
    connection: &mut PgConnection,
    tenant: &TenantId,
    capture: Uuid,
    outcome: &str,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let mine = sqlx::query_scalar!(
        r#"WITH former AS (
               SELECT capture_id, ended_at FROM captures WHERE tenant = $1 AND capture_id = $2 FOR NO KEY UPDATE)
           UPDATE captures SET outcome = $3, ended_at = coalesce(captures.ended_at, $4)
           FROM former WHERE captures.capture_id = former.capture_id
           RETURNING former.ended_at IS NULL AS "mine!""#,
        tenant.as_str(),
        capture,
        outcome,
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(mine.unwrap_or(false))
}

/// What was said to a capture that ocr did not hear any more goes back into the queue of its conversation: it was worked
/// into turns after the last one that was heard. The words are those of the outbox; the queue forgot them.
pub(crate) async fn give_back(
    tx: &mut Tx,
    tenant: &TenantId,
    capture: Uuid,
    heard: u32,
) -> Result<usize, ApplyError> {
    let rows = sqlx::query!(
        r#"SELECT payload, cause AS "cause!" FROM outbox
           WHERE aggregate_id = $1 AND tenant = $2 AND type = $3 AND aggregate_version > $4 AND cause IS NOT NULL
           ORDER BY aggregate_version LIMIT $5"#,
        capture.to_string(),
        tenant.as_str(),
        CaptureContinued::TYPE.name,
        i64::from(heard),
        MOST_UNHEARD
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut given = 0;
    for row in rows {
        let turn = CaptureContinued::decode(row.payload.as_slice());
        let turn = turn.map_err(|_| ApplyError::Dead("a turn of the outbox".to_owned()))?;
        let (Ok(event), Some(message)) = (Uuid::try_parse(&row.cause), wire::unheard(&turn)) else {
            continue;
        };
        sqlx::query!(
            "UPDATE conversation_messages SET worked_at = NULL, payload = $3
             WHERE tenant = $1 AND event_id = $2 AND worked_at IS NOT NULL",
            tenant.as_str(),
            event,
            message.encode_to_vec()
        )
        .execute(&mut **tx)
        .await?;
        given += 1;
    }
    Ok(given)
}
