//! Dead letters: shown, handled again, or left for good.

use puente_outbox::Redelivered;
use puente_proto::operations::{
    CloseDeadLetterRequest, CloseDeadLetterResponse, DeadLetter, GetDeadLetterRequest, GetDeadLetterResponse,
    ListDeadLettersRequest, ListDeadLettersResponse, RetryDeadLetterRequest, RetryDeadLetterResponse,
};
use puente_proto::timestamp;
use puente_rpc::Caller;
use puente_types::TenantId;
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

use crate::Operations;
use crate::cursor::{self, LetterKey};
use crate::events::trace_of;
use crate::failure::{failed, page, reason, uuid};

/// Letters in an answer, usually and at most.
const USUAL: u32 = 50;
const MOST: u32 = 100;

struct Row {
    event_id: Uuid,
    consumer: String,
    tenant: String,
    subject: String,
    kind: String,
    aggregate_id: String,
    cause: Option<String>,
    traceparent: Option<String>,
    reason: String,
    attempts: i32,
    occurred_at: OffsetDateTime,
    dead_at: OffsetDateTime,
    resolved_at: Option<OffsetDateTime>,
    resolution: Option<String>,
    resolved_by: Option<String>,
    resolution_reason: Option<String>,
    payload: Vec<u8>,
}

impl Operations {
    pub(crate) async fn letters(
        &self,
        caller: Caller,
        question: ListDeadLettersRequest,
    ) -> Result<ListDeadLettersResponse, Status> {
        let after = cursor::letter(&question.cursor)?;
        let (dead_at, event_id, consumer) = match after {
            Some(key) => (Some(key.dead_at), Some(key.event_id), Some(key.consumer)),
            None => (None, None, None),
        };
        let tenant = caller.scope.tenant().map(TenantId::as_str);
        let kind = question.r#type.replace('\0', "");
        let size = page(question.page_size, USUAL, MOST);
        let mut tx = self.begin(&caller).await?;
        let mut rows = sqlx::query_as!(
            Row,
            r#"SELECT event_id, consumer, tenant, subject, type AS kind, aggregate_id, cause, traceparent, reason,
                      attempts, occurred_at, dead_at, resolved_at, resolution, resolved_by, resolution_reason,
                      ''::bytea AS "payload!"
               FROM dead_letters
               WHERE ($1 OR resolved_at IS NULL) AND ($2 = '' OR type = $2) AND ($3::text IS NULL OR tenant = $3)
                 AND ($4::timestamptz IS NULL OR (dead_at, event_id, consumer) < ($4, $5::uuid, $6::text))
               ORDER BY dead_at DESC, event_id DESC, consumer DESC LIMIT $7"#,
            question.resolved,
            kind,
            tenant,
            dead_at,
            event_id,
            consumer,
            size + 1,
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        let waiting = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM dead_letters
               WHERE resolved_at IS NULL AND ($1::text IS NULL OR tenant = $1)"#,
            tenant,
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        let size = usize::try_from(size).unwrap_or_default();
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more).map(|row| LetterKey {
            dead_at: row.dead_at,
            event_id: row.event_id,
            consumer: row.consumer.clone(),
        });
        Ok(ListDeadLettersResponse {
            next_cursor: last.as_ref().map(cursor::of_letter).unwrap_or_default(),
            letters: rows.into_iter().map(Row::letter).collect(),
            waiting: waiting.unsigned_abs(),
        })
    }

    pub(crate) async fn letter(
        &self,
        caller: Caller,
        question: GetDeadLetterRequest,
    ) -> Result<GetDeadLetterResponse, Status> {
        let row = self
            .find(&caller, uuid(&question.event_id)?, &question.consumer)
            .await?;
        Ok(GetDeadLetterResponse {
            letter: Some(row.letter()),
        })
    }

    pub(crate) async fn retry(
        &self,
        caller: Caller,
        command: RetryDeadLetterRequest,
    ) -> Result<RetryDeadLetterResponse, Status> {
        let event = uuid(&command.event_id)?;
        let row = self.find(&caller, event, &command.consumer).await?;
        let consumer = self
            .consumers
            .iter()
            .find(|consumer| consumer.consumer() == row.consumer)
            .ok_or_else(|| Status::failed_precondition("its consumer is not in this service any more"))?;
        let tenant = caller.scope.tenant();
        let redelivered = consumer
            .redeliver(event, tenant, &caller.subject)
            .await
            .map_err(failed)?;
        match redelivered {
            Redelivered::Handled => {
                tracing::info!(event.id = %event, consumer = row.consumer, by = caller.subject, "dead letter handled");
                Ok(RetryDeadLetterResponse {
                    handled: true,
                    reason: String::new(),
                })
            }
            Redelivered::Failed(reason) => Ok(RetryDeadLetterResponse {
                handled: false,
                reason,
            }),
            Redelivered::Missing => Err(missing()),
            Redelivered::Resolved => Err(resolved()),
            Redelivered::NoEvent => Err(Status::failed_precondition(
                "the message was no event: it can only be closed",
            )),
        }
    }

    pub(crate) async fn close(
        &self,
        caller: Caller,
        command: CloseDeadLetterRequest,
    ) -> Result<CloseDeadLetterResponse, Status> {
        let event = uuid(&command.event_id)?;
        let reason = reason(&command.reason)?;
        let row = self.find(&caller, event, &command.consumer).await?;
        let tenant = caller.scope.tenant();
        let mut tx = self.readers.begin_write(tenant).await.map_err(failed)?;
        let closed = sqlx::query!(
            "UPDATE dead_letters
             SET resolved_at = now(), resolution = 'closed', resolved_by = $3, resolution_reason = $4
             WHERE event_id = $1 AND consumer = $2 AND ($5::text IS NULL OR tenant = $5) AND resolved_at IS NULL",
            event,
            row.consumer,
            caller.subject,
            reason,
            tenant.map(TenantId::as_str),
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        if closed.rows_affected() == 0 {
            return Err(resolved());
        }
        // A later delivery, from a broker that was filled again, finds it handled.
        sqlx::query!(
            "INSERT INTO inbox (event_id, consumer) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            event,
            row.consumer,
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(event.id = %event, consumer = row.consumer, by = caller.subject, "dead letter closed");
        Ok(CloseDeadLetterResponse {})
    }

    /// The letter, with its payload, if the caller's scope has it.
    async fn find(&self, caller: &Caller, event: Uuid, consumer: &str) -> Result<Row, Status> {
        let mut tx = self.begin(caller).await?;
        let row = sqlx::query_as!(
            Row,
            "SELECT event_id, consumer, tenant, subject, type AS kind, aggregate_id, cause, traceparent, reason,
                    attempts, occurred_at, dead_at, resolved_at, resolution, resolved_by, resolution_reason, payload
             FROM dead_letters WHERE event_id = $1 AND consumer = $2 AND ($3::text IS NULL OR tenant = $3)",
            event,
            consumer.replace('\0', ""),
            caller.scope.tenant().map(TenantId::as_str),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        row.ok_or_else(missing)
    }
}

fn missing() -> Status {
    Status::not_found("there is no such dead letter")
}

fn resolved() -> Status {
    Status::failed_precondition("it is resolved already")
}

impl Row {
    fn letter(self) -> DeadLetter {
        DeadLetter {
            event_id: self.event_id.to_string(),
            consumer: self.consumer,
            tenant: self.tenant,
            subject: self.subject,
            r#type: self.kind,
            aggregate_id: self.aggregate_id,
            cause: self.cause.unwrap_or_default(),
            trace_id: trace_of(self.traceparent.as_deref()),
            reason: self.reason,
            attempts: self.attempts.unsigned_abs(),
            occurred_at: Some(timestamp(self.occurred_at)),
            dead_at: Some(timestamp(self.dead_at)),
            resolved_at: self.resolved_at.map(timestamp),
            resolution: self.resolution.unwrap_or_default(),
            resolved_by: self.resolved_by.unwrap_or_default(),
            resolution_reason: self.resolution_reason.unwrap_or_default(),
            payload: self.payload,
        }
    }
}
