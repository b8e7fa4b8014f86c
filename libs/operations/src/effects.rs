//! Calls to providers: those under way and those that came to their end, as one list.

use puente_proto::operations::{
    Effect, GetEffectRequest, GetEffectResponse, ListEffectsRequest, ListEffectsResponse,
};
use puente_proto::timestamp;
use puente_rpc::Caller;
use puente_types::TenantId;
use serde_json::Value;
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

use crate::events::trace_of;
use crate::failure::{failed, page, uuid};
use crate::{Operations, cursor, mask};

/// Calls in an answer, usually and at most.
const USUAL: u32 = 50;
const MOST: u32 = 100;
/// States of calls under way.
const LIVE: [&str; 3] = ["due", "calling", "unknown"];
/// States of calls that came to their end.
const ENDED: [&str; 3] = ["done", "failed", "closed"];

pub(crate) struct Row {
    id: Uuid,
    tenant: String,
    key: String,
    provider: String,
    connection: String,
    operation: String,
    subject_id: String,
    state: String,
    attempts: i32,
    error_class: Option<String>,
    error_code: Option<String>,
    error_note: Option<String>,
    traceparent: Option<String>,
    priority: Option<i16>,
    created_at: OffsetDateTime,
    called_at: Option<OffsetDateTime>,
    not_before: Option<OffsetDateTime>,
    settled_at: Option<OffsetDateTime>,
    settled_by: Option<String>,
    payload: Option<Value>,
}

impl Operations {
    pub(crate) async fn effects(
        &self,
        caller: Caller,
        question: ListEffectsRequest,
    ) -> Result<ListEffectsResponse, Status> {
        let below = cursor::effect(&question.cursor)?;
        let (live, ended) = states(&question.states)?;
        // Then the small index of what went wrong serves.
        let not_done = !ended.iter().any(|state| state == "done");
        let tenant = caller.scope.tenant().map(TenantId::as_str);
        let size = page(question.page_size, USUAL, MOST);
        let mut tx = self.begin(&caller).await?;
        // One statement is one moment: an effect that ends meanwhile is in one of the tables, and not in both.
        let mut rows = sqlx::query_as!(
            Row,
            r#"SELECT id AS "id!", tenant AS "tenant!", key AS "key!", provider AS "provider!",
                      connection AS "connection!", operation AS "operation!", subject_id AS "subject_id!",
                      state AS "state!", attempts AS "attempts!", error_class, error_code, error_note, traceparent,
                      priority, created_at AS "created_at!", called_at, not_before, settled_at, settled_by,
                      NULL::jsonb AS payload
               FROM (
                   (SELECT id, tenant, key, provider, connection, operation, subject_id, state, attempts, error_class,
                           error_code, error_note, traceparent, priority, created_at, called_at,
                           CASE WHEN state = 'due' THEN not_before END AS not_before,
                           NULL::timestamptz AS settled_at, NULL::text AS settled_by
                    FROM effects
                    WHERE cardinality($1::text[]) > 0 AND state = ANY ($1)
                      AND ($4::uuid IS NULL OR id < $4) AND ($5::text IS NULL OR tenant = $5)
                      AND ($6 = '' OR provider = $6) AND ($7 = '' OR subject_id = $7)
                    ORDER BY id DESC LIMIT $8)
                   UNION ALL
                   (SELECT id, tenant, key, provider, connection, operation, subject_id, outcome, attempts, error_class,
                           error_code, error_note, traceparent, priority, created_at, called_at, NULL,
                           settled_at, settled_by
                    FROM effects_history
                    WHERE cardinality($2::text[]) > 0 AND outcome = ANY ($2) AND (NOT $3 OR outcome <> 'done')
                      AND ($4::uuid IS NULL OR id < $4) AND ($5::text IS NULL OR tenant = $5)
                      AND ($6 = '' OR provider = $6) AND ($7 = '' OR subject_id = $7)
                    ORDER BY id DESC LIMIT $8)
               ) AS e ORDER BY id DESC LIMIT $8"#,
            &live,
            &ended,
            not_done,
            below,
            tenant,
            question.provider.replace('\0', ""),
            question.subject_id.replace('\0', ""),
            size + 1,
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        let unknown = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM effects
               WHERE state = 'unknown' AND ($1::text IS NULL OR tenant = $1)"#,
            tenant,
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        let size = usize::try_from(size).unwrap_or_default();
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more).map(|row| row.id);
        Ok(ListEffectsResponse {
            next_cursor: last.map(cursor::of_effect).unwrap_or_default(),
            effects: rows.into_iter().map(Row::effect).collect(),
            unknown: unknown.unsigned_abs(),
        })
    }

    pub(crate) async fn effect(
        &self,
        caller: Caller,
        question: GetEffectRequest,
    ) -> Result<GetEffectResponse, Status> {
        let row = self.find_effect(&caller, uuid(&question.id)?).await?;
        Ok(GetEffectResponse {
            effect: Some(row.effect()),
        })
    }

    /// The effect, if the caller's scope has it.
    pub(crate) async fn find_effect(&self, caller: &Caller, id: Uuid) -> Result<Row, Status> {
        let mut tx = self.begin(caller).await?;
        let row = sqlx::query_as!(
            Row,
            r#"SELECT id AS "id!", tenant AS "tenant!", key AS "key!", provider AS "provider!",
                      connection AS "connection!", operation AS "operation!", subject_id AS "subject_id!",
                      state AS "state!", attempts AS "attempts!", error_class, error_code, error_note, traceparent,
                      priority, created_at AS "created_at!", called_at, not_before, settled_at, settled_by, payload
               FROM (
                   SELECT id, tenant, key, provider, connection, operation, subject_id, state, attempts, error_class,
                          error_code, error_note, traceparent, priority, created_at, called_at,
                          CASE WHEN state = 'due' THEN not_before END AS not_before,
                          NULL::timestamptz AS settled_at, NULL::text AS settled_by, payload
                   FROM effects
                   UNION ALL
                   SELECT id, tenant, key, provider, connection, operation, subject_id, outcome, attempts, error_class,
                          error_code, error_note, traceparent, priority, created_at, called_at, NULL,
                          settled_at, settled_by, NULL
                   FROM effects_history
               ) AS e WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)"#,
            id,
            caller.scope.tenant().map(TenantId::as_str),
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        row.ok_or_else(|| Status::not_found("there is no such call"))
    }
}

/// The states that are wanted: of calls under way, and of those that ended.
fn states(wanted: &[String]) -> Result<(Vec<String>, Vec<String>), Status> {
    let known = |state: &String| LIVE.contains(&state.as_str()) || ENDED.contains(&state.as_str());
    if !wanted.iter().all(known) {
        return Err(Status::invalid_argument(
            "a state is due, calling, unknown, done, failed or closed",
        ));
    }
    let chosen = |of: [&str; 3]| {
        of.into_iter()
            .filter(|state| wanted.is_empty() || wanted.iter().any(|other| other == state))
            .map(str::to_owned)
            .collect()
    };
    Ok((chosen(LIVE), chosen(ENDED)))
}

impl Row {
    fn effect(self) -> Effect {
        let priority = match self.priority {
            Some(0) => "critical",
            Some(1) => "normal",
            Some(_) => "bulk",
            None => "",
        };
        Effect {
            id: self.id.to_string(),
            tenant: self.tenant,
            key: self.key,
            provider: self.provider,
            connection: self.connection,
            operation: self.operation,
            subject_id: self.subject_id,
            state: self.state,
            attempts: self.attempts.unsigned_abs(),
            error_class: self.error_class.unwrap_or_default(),
            error_code: self.error_code.unwrap_or_default(),
            error_note: self.error_note.unwrap_or_default(),
            trace_id: trace_of(self.traceparent.as_deref()),
            priority: priority.to_owned(),
            created_at: Some(timestamp(self.created_at)),
            called_at: self.called_at.map(timestamp),
            not_before: self.not_before.map(timestamp),
            settled_at: self.settled_at.map(timestamp),
            settled_by: self.settled_by.unwrap_or_default(),
            payload_redacted: self
                .payload
                .map(|payload| mask::masked(&payload).to_string())
                .unwrap_or_default(),
        }
    }
}
