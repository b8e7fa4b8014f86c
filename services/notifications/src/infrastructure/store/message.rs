//! Messages and their timelines.

use puente_outbox::{NewEvent, Tx};
use puente_types::{MessageId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::application::price::{Price, cost};
use crate::domain::state::State;
use crate::infrastructure::wire::{self, To};

/// A message that is asked for now.
pub(crate) struct NewMessage<'a> {
    pub(crate) id: MessageId,
    pub(crate) tenant: &'a TenantId,
    pub(crate) cause: Uuid,
    pub(crate) about: &'a str,
    pub(crate) template: &'a str,
    pub(crate) form: &'static str,
    pub(crate) category: &'a str,
    pub(crate) to: &'a To,
    pub(crate) effect_key: &'a str,
    pub(crate) traceparent: Option<String>,
    pub(crate) at: OffsetDateTime,
    /// Code, tag and note of a refusal.
    pub(crate) refused: Option<(&'static str, &'static str, String)>,
}

/// A message as it stands, locked.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: MessageId,
    pub(crate) tenant: TenantId,
    /// The event that asked for it.
    pub(crate) cause: Uuid,
    pub(crate) about: String,
    pub(crate) provider: String,
    pub(crate) connection: String,
    pub(crate) state: State,
    pub(crate) version: i64,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_tag: Option<String>,
    pub(crate) billable: Option<bool>,
    pub(crate) price_category: Option<String>,
    pub(crate) traceparent: Option<String>,
}

/// Something that was told about a message.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) state: State,
    pub(crate) at: OffsetDateTime,
    /// `call`, `receipt` or `person`.
    pub(crate) source: &'static str,
    /// Code and tag of a failure.
    pub(crate) error: Option<(String, &'static str)>,
    pub(crate) billable: Option<bool>,
    pub(crate) price_category: Option<String>,
    /// What led to it, for the event.
    pub(crate) cause: String,
}

/// Writes a new message with the first entry of its timeline. `false` when its cause has made one of this text before.
pub(crate) async fn insert(tx: &mut Tx, new: &NewMessage<'_>) -> Result<bool, sqlx::Error> {
    let state = if new.refused.is_some() {
        State::Failed
    } else {
        State::Queued
    };
    let recipient = serde_json::to_value(new.to).unwrap_or_default();
    let written = sqlx::query!(
        "INSERT INTO messages (id, tenant, cause, about, template, form, category, recipient, provider, connection,
                               contact_id, effect_key, state, version, error_code, error_tag, error_note, traceparent,
                               queued_at, failed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text, 1, $14, $15, $16, $17, $18::timestamptz,
                 CASE WHEN $13 = 'failed' THEN $18::timestamptz END)
         ON CONFLICT (tenant, cause, template) DO NOTHING",
        new.id.uuid(),
        new.tenant.as_str(),
        new.cause,
        new.about,
        new.template,
        new.form,
        new.category,
        recipient,
        new.to.provider,
        new.to.connection,
        new.to.contact_id,
        new.effect_key,
        state.as_str(),
        new.refused.as_ref().map(|(code, ..)| *code),
        new.refused.as_ref().map(|(_, tag, _)| *tag),
        new.refused.as_ref().map(|(.., note)| note.as_str()),
        new.traceparent,
        new.at,
    )
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    note(tx, new.id, new.tenant, state, new.at, "request").await?;
    Ok(true)
}

async fn note(
    connection: &mut PgConnection,
    id: MessageId,
    tenant: &TenantId,
    state: State,
    at: OffsetDateTime,
    source: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO message_timeline (message_id, tenant, state, at, source) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (message_id, state) DO NOTHING",
        id.uuid(),
        tenant.as_str(),
        state.as_str(),
        at,
        source,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads and locks a message of a tenant.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, id: MessageId) -> Result<Option<Row>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT cause, about, provider, connection, state, version, provider_message_id, error_code, error_tag, billable,
                price_category, traceparent
         FROM messages WHERE id = $1 AND tenant = $2 FOR UPDATE",
        id.uuid(),
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Row {
        id,
        tenant: tenant.clone(),
        cause: row.cause,
        about: row.about,
        provider: row.provider,
        connection: row.connection,
        state: row
            .state
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        version: row.version,
        provider_message_id: row.provider_message_id,
        error_code: row.error_code,
        error_tag: row.error_tag,
        billable: row.billable,
        price_category: row.price_category,
        traceparent: row.traceparent,
    }))
}

/// Takes in what was told: the timeline always, the state if it rises, and then the event.
pub(crate) async fn hear(
    tx: &mut Tx,
    row: &mut Row,
    report: &Report,
    prices: &[Price],
) -> Result<(), sqlx::Error> {
    note(tx, row.id, &row.tenant, report.state, report.at, report.source).await?;
    row.billable = row.billable.or(report.billable);
    if row.price_category.is_none() {
        row.price_category = report
            .price_category
            .clone()
            .filter(|category| !category.is_empty());
    }
    let before = row.state;
    let next = before.after(report.state);
    if let Some(next) = next {
        row.state = next;
        row.version += 1;
        let error = report.error.clone().filter(|_| next == State::Failed);
        (row.error_code, row.error_tag) = error.map(|(code, tag)| (code, tag.to_owned())).unzip();
    }
    let cost = cost(
        prices,
        &row.provider,
        row.billable,
        row.price_category.as_deref().unwrap_or_default(),
    );
    sqlx::query!(
        "UPDATE messages
         SET state = $2, version = $3, error_code = $4, error_tag = $5, billable = $6, price_category = $7,
             cost_minor = coalesce($8, cost_minor), cost_currency = coalesce($9, cost_currency),
             sent_at = CASE WHEN $10 = 'sent' THEN coalesce(sent_at, $11) ELSE sent_at END,
             delivered_at = CASE WHEN $10 = 'delivered' THEN coalesce(delivered_at, $11) ELSE delivered_at END,
             read_at = CASE WHEN $10 = 'read' THEN coalesce(read_at, $11) ELSE read_at END,
             failed_at = CASE WHEN $10 = 'failed' THEN coalesce(failed_at, $11) ELSE failed_at END,
             parked_at = CASE WHEN $2 = 'queued' THEN parked_at END,
             parked_reason = CASE WHEN $2 = 'queued' THEN parked_reason END
         WHERE id = $1",
        row.id.uuid(),
        row.state.as_str(),
        row.version,
        row.error_code,
        row.error_tag,
        row.billable,
        row.price_category,
        cost.as_ref().map(|(minor, _)| *minor),
        cost.as_ref().and_then(|(_, currency)| currency.as_ref().map(|c| c.as_str())),
        report.state.as_str(),
        report.at,
    )
    .execute(&mut **tx)
    .await?;
    if next.is_some() {
        let event = wire::moved(row, Some(before), report.at);
        tx.append(
            NewEvent::new(&row.tenant, row.id, &event)
                .version(row.version)
                .caused_by(&report.cause),
        );
    }
    Ok(())
}

/// Marks a message whose outcome nobody knows.
pub(crate) async fn park(
    tx: &mut Tx,
    row: &mut Row,
    effect_id: impl ToString,
    reason: &str,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    row.version += 1;
    sqlx::query!(
        "UPDATE messages SET version = $2, parked_at = $3, parked_reason = $4 WHERE id = $1",
        row.id.uuid(),
        row.version,
        at,
        reason,
    )
    .execute(&mut **tx)
    .await?;
    let event = wire::parked(row, effect_id, reason);
    tx.append(NewEvent::new(&row.tenant, row.id, &event).version(row.version));
    Ok(())
}

/// What a call that is about to be made has to know.
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) template: String,
    pub(crate) contact_id: String,
}

/// A message as it stands now.
pub(crate) async fn standing(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT state, provider_message_id, template, contact_id FROM messages WHERE id = $1 AND tenant = $2",
        id.uuid(),
        tenant.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Standing {
        state: row
            .state
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        provider_message_id: row.provider_message_id,
        template: row.template,
        contact_id: row.contact_id,
    }))
}

/// Removes at most `limit` messages queued before `before`; a message still in doubt stays.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM messages WHERE id IN (
             SELECT id FROM messages WHERE queued_at < $1 AND state <> 'queued'
             ORDER BY queued_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
