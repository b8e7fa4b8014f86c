//! Published events, as the outbox keeps them.

use puente_proto::operations::list_events_request::Key;
use puente_proto::operations::{ListEventsRequest, ListEventsResponse, PublishedEvent};
use puente_proto::timestamp;
use puente_rpc::Caller;
use puente_types::TenantId;
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

use crate::failure::{failed, page, uuid};
use crate::{Operations, cursor};

/// Events in an answer, usually and at most.
const USUAL: u32 = 100;
const MOST: u32 = 500;
/// Ids in one question.
const MOST_IDS: usize = 100;
/// Payloads in one answer, in bytes; an answer of more would be refused by the caller's side. The next one goes on.
const MOST_BYTES: usize = 3 * 1024 * 1024;

/// The question with exactly one of its keys.
#[derive(Default)]
struct Wanted {
    aggregate: Option<String>,
    /// Bounds of the `traceparent`s that begin with the trace.
    trace: Option<(String, String)>,
    ids: Option<Vec<Uuid>>,
    cause: Option<String>,
}

struct Row {
    seq: i64,
    id: Uuid,
    tenant: String,
    kind: String,
    aggregate_id: String,
    aggregate_version: Option<i64>,
    cause: Option<String>,
    traceparent: Option<String>,
    payload: Vec<u8>,
    created_at: OffsetDateTime,
}

impl Operations {
    pub(crate) async fn events(
        &self,
        caller: Caller,
        question: ListEventsRequest,
    ) -> Result<ListEventsResponse, Status> {
        let wanted = self.wanted(question.key)?;
        let (from, to) = wanted.trace.unzip();
        let (after, after_seq) = cursor::event(&question.cursor)?.unzip();
        let size = page(question.limit, USUAL, MOST);
        let mut tx = self.begin(&caller).await?;
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT seq, id, tenant, type AS kind, aggregate_id, aggregate_version, cause, traceparent, payload, created_at
               FROM outbox
               WHERE ($1::text IS NULL OR aggregate_id = $1)
                 AND ($2::text IS NULL OR (traceparent COLLATE "C" >= $2 AND traceparent COLLATE "C" < $3::text))
                 AND ($4::uuid[] IS NULL OR id = ANY ($4))
                 AND ($5::text IS NULL OR cause = $5)
                 AND ($6::text IS NULL OR tenant = $6)
                 AND ($7::timestamptz IS NULL OR (created_at, seq) > ($7, $8::bigint))
               ORDER BY created_at, seq LIMIT $9"#,
            wanted.aggregate,
            from,
            to,
            wanted.ids.as_deref(),
            wanted.cause,
            caller.scope.tenant().map(TenantId::as_str),
            after,
            after_seq,
            size + 1,
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        let fits = fitting(&rows, usize::try_from(size).unwrap_or_default());
        let last = fits.checked_sub(1).and_then(|at| rows.get(at));
        let last = last.filter(|_| fits < rows.len());
        Ok(ListEventsResponse {
            next_cursor: last
                .map(|row| cursor::of_event(row.created_at, row.seq))
                .unwrap_or_default(),
            events: rows
                .into_iter()
                .take(fits)
                .map(|row| row.event(self.service))
                .collect(),
        })
    }

    fn wanted(&self, key: Option<Key>) -> Result<Wanted, Status> {
        let not_indexed = || Status::failed_precondition("this service keeps no such index of its events");
        let plain = |text: String| {
            let good = !text.is_empty() && !text.contains('\0');
            good.then_some(text)
                .ok_or_else(|| Status::invalid_argument("the key is empty"))
        };
        let mut wanted = Wanted::default();
        match key {
            Some(Key::AggregateId(id)) => wanted.aggregate = Some(plain(id)?),
            Some(Key::TraceId(_) | Key::Cause(_)) if !self.indexed => return Err(not_indexed()),
            Some(Key::TraceId(id)) => wanted.trace = Some(trace(&id)?),
            Some(Key::Cause(cause)) => wanted.cause = Some(plain(cause)?),
            Some(Key::Ids(ids)) if ids.ids.len() > MOST_IDS => {
                return Err(Status::invalid_argument("ask for at most 100 events"));
            }
            Some(Key::Ids(ids)) => {
                wanted.ids = Some(ids.ids.iter().map(|id| uuid(id)).collect::<Result<_, _>>()?);
            }
            None => {
                return Err(Status::invalid_argument(
                    "name an aggregate, a trace, ids or a cause",
                ));
            }
        }
        Ok(wanted)
    }
}

/// How many of the rows make an answer: at least one, or the list would never go on.
fn fitting(rows: &[Row], most: usize) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take(most).take_while(|row| {
        bytes += row.payload.len();
        bytes <= MOST_BYTES
    });
    fits.count().max(1).min(rows.len())
}

/// All `traceparent`s of a trace: those from `00-<trace>-` to below `00-<trace>.`, the next sign after the dash.
fn trace(id: &str) -> Result<(String, String), Status> {
    let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if id.len() != 32 || !id.bytes().all(lower_hex) {
        return Err(Status::invalid_argument(
            "a trace id has 32 lower-case hex digits",
        ));
    }
    Ok((format!("00-{id}-"), format!("00-{id}.")))
}

/// The trace inside a stored `traceparent`, for an answer.
pub(crate) fn trace_of(traceparent: Option<&str>) -> String {
    let id = traceparent.and_then(puente_telemetry::trace_id);
    id.unwrap_or_default().to_owned()
}

impl Row {
    fn event(self, source: &str) -> PublishedEvent {
        PublishedEvent {
            id: self.id.to_string(),
            tenant: self.tenant,
            r#type: self.kind,
            source: source.to_owned(),
            aggregate_id: self.aggregate_id,
            aggregate_version: self.aggregate_version,
            cause: self.cause.unwrap_or_default(),
            trace_id: trace_of(self.traceparent.as_deref()),
            payload: self.payload,
            committed_at: Some(timestamp(self.created_at)),
            seq: self.seq,
        }
    }
}
