//! What callers may read of messages, as the role that answers callers: row policies hold each transaction to the
//! caller's tenant.
//!
//! One statement serves all filters of the list. Plans are made for the values given (`puente_service::db`), so that a
//! filter that is not used costs nothing, and one that is used finds its index.

use std::collections::BTreeMap;

use puente_types::{MessageId, PhoneEnding, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::application::buckets::Buckets;
use crate::domain::state::State;
use crate::domain::view::{Filter, MessageView, Place, Step, Tally};

struct ViewRow {
    id: Uuid,
    about: String,
    cause: Uuid,
    provider: String,
    connection: String,
    contact_id: String,
    phone: String,
    template: String,
    form: String,
    state: String,
    provider_message_id: Option<String>,
    error_code: Option<String>,
    error_tag: Option<String>,
    error_note: Option<String>,
    parked: bool,
    effect_key: String,
    trace_id: Option<String>,
    cost_minor: Option<i64>,
    cost_currency: Option<String>,
    queued_at: OffsetDateTime,
    changed_at: OffsetDateTime,
}

/// A message of the tenant.
pub(crate) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<MessageView>, sqlx::Error> {
    let mut found = read(connection, tenant, Some(id), &Filter::default(), None, 1).await?;
    Ok(found.pop())
}

/// The newest `limit` messages that fit, of those before `after` if a place is given.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &Filter,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<MessageView>, sqlx::Error> {
    read(connection, tenant, None, filter, after, limit.into()).await
}

async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Option<MessageId>,
    filter: &Filter,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<MessageView>, sqlx::Error> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let (phone_from, phone_to) = filter.phone.as_ref().map(PhoneEnding::among_numbers).unzip();
    let (id_from, id_to) = filter.phone.as_ref().map(PhoneEnding::among_ids).unzip();
    let rows = sqlx::query_as!(
        ViewRow,
        // What failed has its time of failure, and what is queued was never sent: both are few, and have their index.
        r#"SELECT id, about, cause, provider, connection, contact_id, coalesce(recipient ->> 'phone', '') AS "phone!",
                  template, form, state, provider_message_id, error_code, error_tag, error_note,
                  parked_at IS NOT NULL AS "parked!", effect_key, trace_id, cost_minor, cost_currency, queued_at,
                  greatest(queued_at, sent_at, delivered_at, read_at, failed_at, parked_at) AS "changed_at!"
           FROM messages
           WHERE tenant = $1
             AND ($2::uuid IS NULL OR id = $2)
             AND ($3::text IS NULL OR about = $3)
             AND ($4::text IS NULL OR connection = $4)
             AND ($5::text IS NULL OR contact_id = $5)
             AND (cardinality($6::text[]) = 0 OR state = ANY ($6))
             AND ($6::text[] <> '{failed}' OR failed_at IS NOT NULL)
             AND ($6::text[] <> '{queued}' OR sent_at IS NULL)
             AND ($7::text IS NULL OR trace_id = $7)
             AND (NOT $8::boolean OR parked_at IS NOT NULL)
             AND ($9::uuid IS NULL OR cause = $9)
             AND ($10::text IS NULL OR (phone_reversed >= $10 AND phone_reversed < $11)
                                    OR (contact_reversed >= $12 AND contact_reversed < $13))
             AND ($14::timestamptz IS NULL OR (queued_at, id) < ($14, $15))
           ORDER BY queued_at DESC, id DESC LIMIT $16"#,
        tenant.as_str(),
        id.map(|id| id.uuid()),
        filter.about,
        filter.connection,
        filter.contact_id,
        &states as &[&str],
        filter.trace_id,
        filter.parked,
        filter.cause,
        phone_from,
        phone_to,
        id_from,
        id_to,
        after.map(|place| place.at),
        after.map(|place| place.id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(MessageView::try_from).collect()
}

/// When a message was first seen in each state, in the order of the states.
pub(crate) async fn timeline(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Vec<Step>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT state, at, source FROM message_timeline WHERE tenant = $1 AND message_id = $2",
        tenant.as_str(),
        id.uuid(),
    )
    .fetch_all(connection)
    .await?;
    let steps = rows.into_iter().map(|row| {
        Ok(Step {
            state: state(&row.state)?,
            at: row.at,
            source: row.source,
        })
    });
    let mut steps = steps.collect::<Result<Vec<Step>, sqlx::Error>>()?;
    steps.sort_by_key(|step| step.state);
    Ok(steps)
}

/// What became of the messages asked for since the first bucket began, by the number of their bucket.
pub(crate) async fn count(
    connection: &mut PgConnection,
    tenant: &TenantId,
    buckets: &Buckets,
) -> Result<BTreeMap<i64, Tally>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT floor(extract(epoch FROM queued_at) / $3::integer)::bigint AS "bucket!", count(*) AS "queued!",
                  count(*) FILTER (WHERE state IN ('sent', 'delivered', 'read')) AS "sent!",
                  count(*) FILTER (WHERE state = 'failed') AS "failed!",
                  count(*) FILTER (WHERE parked_at IS NOT NULL) AS "parked!"
           FROM messages WHERE tenant = $1 AND queued_at >= $2 GROUP BY 1"#,
        tenant.as_str(),
        buckets.start(),
        i32::try_from(buckets.seconds).unwrap_or(i32::MAX),
    )
    .fetch_all(connection)
    .await?;
    let counted = rows.into_iter().map(|row| {
        let tally = Tally {
            queued: row.queued.unsigned_abs(),
            sent: row.sent.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
            parked: row.parked.unsigned_abs(),
        };
        (row.bucket, tally)
    });
    Ok(counted.collect())
}

impl TryFrom<ViewRow> for MessageView {
    type Error = sqlx::Error;
    fn try_from(row: ViewRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            state: state(&row.state)?,
            id: row.id.into(),
            about: row.about,
            cause: row.cause,
            provider: row.provider,
            connection: row.connection,
            contact_id: row.contact_id,
            phone: row.phone,
            template: row.template,
            form: row.form,
            provider_message_id: row.provider_message_id,
            error_code: row.error_code,
            error_tag: row.error_tag,
            error_note: row.error_note,
            parked: row.parked,
            effect_key: row.effect_key,
            trace_id: row.trace_id,
            cost_minor: row.cost_minor,
            cost_currency: row.cost_currency,
            queued_at: row.queued_at,
            changed_at: row.changed_at,
        })
    }
}

fn state(word: &str) -> Result<State, sqlx::Error> {
    word.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
