//! Requests and their signers: inserted once, read under their row's lock, written back with the events of the change.

use puente_outbox::Tx;
use puente_types::{OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::signature::Signature;
use crate::domain::signer::Role;
use crate::infrastructure::store::flat::{Flat, FlatSigner};
use crate::infrastructure::wanted::{Asked, Wanted};
use crate::infrastructure::wire;

/// A request with everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) order: OrderId,
    pub(crate) number: String,
    pub(crate) attempt: i32,
    pub(crate) wanted: Wanted,
    pub(crate) requested_by: String,
    pub(crate) requested_at: OffsetDateTime,
    /// Empty before a connection was chosen.
    pub(crate) provider: String,
    pub(crate) connection: String,
    /// Key and hash of the contract's file.
    pub(crate) contract: Option<(String, String)>,
    pub(crate) traceparent: Option<String>,
    pub(crate) changed_at: OffsetDateTime,
    pub(crate) checked_at: Option<OffsetDateTime>,
    /// Since when the provider neither reported nor was asked.
    pub(crate) quiet_since: OffsetDateTime,
    /// When a worker takes it up next, and how often one did for the step that it is in.
    pub(crate) due_at: OffsetDateTime,
    pub(crate) tries: i32,
    /// When the last call that may have made an envelope began. Written by whoever calls alone.
    pub(crate) posted_at: Option<OffsetDateTime>,
    /// Questions since the provider last told something new.
    pub(crate) polls: i32,
    pub(crate) signature: Signature,
}

impl Row {
    /// A request that was just asked for.
    pub(crate) fn new(tenant: &TenantId, asked: Asked, at: OffsetDateTime) -> Self {
        Self {
            id: asked.id,
            tenant: tenant.clone(),
            order: asked.order,
            number: asked.number,
            attempt: asked.attempt,
            wanted: asked.wanted,
            requested_by: asked.by,
            requested_at: at,
            provider: String::new(),
            connection: String::new(),
            contract: None,
            traceparent: puente_telemetry::current_traceparent(),
            changed_at: at,
            checked_at: None,
            quiet_since: at,
            due_at: at,
            tries: 0,
            posted_at: None,
            polls: 0,
            signature: Signature::open(at),
        }
    }
}

/// Writes a new request. `false` when its id is taken: it was asked for before.
pub(crate) async fn insert(tx: &mut Tx, row: &mut Row, cause: &str) -> Result<bool, sqlx::Error> {
    let request = serde_json::to_value(&row.wanted).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let written = sqlx::query!(
        "INSERT INTO signatures (id, tenant, order_id, number, attempt, request, requested_by, requested_at, state, step,
                                 version, traceparent, changed_at, quiet_since, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $8, $8, $13)
         ON CONFLICT (id) DO NOTHING",
        row.id,
        row.tenant.as_str(),
        row.order.uuid(),
        row.number,
        row.attempt,
        request,
        row.requested_by,
        row.requested_at,
        row.signature.state.as_str(),
        row.signature.step.as_str(),
        row.signature.version,
        row.traceparent,
        row.due_at,
    )
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    for (position, role) in (1_i16..).zip(Role::ALL) {
        let party = row.wanted.party(role);
        sqlx::query!(
            "INSERT INTO signers (request_id, tenant, position, role, name, email, state)
             VALUES ($1, $2, $3, $4, $5, $6, 'waiting')",
            row.id,
            row.tenant.as_str(),
            position,
            role.as_str(),
            party.name,
            party.email,
        )
        .execute(&mut **tx)
        .await?;
    }
    publish(tx, row, cause);
    Ok(true)
}

/// The request of which somebody is told by the message that this event asked for.
pub(crate) async fn of_notice(
    tx: &mut Tx,
    tenant: &TenantId,
    asked_by: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT request_id FROM signers WHERE notice_id = $1 AND tenant = $2",
        asked_by,
        tenant.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
}

/// Reads and locks a request of a tenant.
pub(crate) async fn lock(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<Row>, sqlx::Error> {
    // The lock first, and what it guards in a statement after it: signers are written under the same lock.
    let held = sqlx::query_scalar!(
        "SELECT id FROM signatures WHERE id = $1 AND tenant = $2 FOR UPDATE",
        id,
        tenant.as_str()
    )
    .fetch_optional(&mut **tx)
    .await?;
    if held.is_none() {
        return Ok(None);
    }
    read(tx, tenant, id).await
}

/// Reads a request of a tenant as it stands now.
pub(crate) async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Row>, sqlx::Error> {
    let flat = sqlx::query_as!(
        Flat,
        "SELECT id, order_id, number, attempt, request, requested_by, requested_at, state, step, manual, reason, provider,
                connection, envelope_id, problem_code, problem, problem_tag, problem_since, version, contract_id,
                contract_key, contract_hash, signed_id, traceparent, changed_at, checked_at, quiet_since, due_at, tries,
                posted_at, polls
         FROM signatures WHERE id = $1 AND tenant = $2",
        id,
        tenant.as_str(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(flat) = flat else { return Ok(None) };
    let signers = sqlx::query_as!(
        FlatSigner,
        "SELECT request_id, role, state, reason, sent_at, delivered_at, ended_at, notice, notice_id, notice_code
         FROM signers WHERE request_id = $1 ORDER BY position",
        id,
    )
    .fetch_all(connection)
    .await?;
    let signers = signers
        .into_iter()
        .map(FlatSigner::signer)
        .collect::<Result<_, _>>()?;
    flat.row(tenant, signers).map(Some)
}

/// Writes a locked request back, and publishes what happened to it. `cause` is what led to it.
pub(crate) async fn save(
    tx: &mut Tx,
    row: &mut Row,
    cause: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let signature = &row.signature;
    let problem = signature.problem.as_ref();
    let (key, hash) = row
        .contract
        .as_ref()
        .map(|(key, hash)| (key.as_str(), hash.as_str()))
        .unzip();
    sqlx::query!(
        "UPDATE signatures
         SET state = $3, step = $4, manual = $5, reason = $6, provider = $7, connection = $8, envelope_id = $9,
             problem_code = $10, problem = $11, problem_tag = $12, problem_since = $13, contract_id = $15,
             contract_key = $16, contract_hash = $17, signed_id = $18, checked_at = $19, quiet_since = $20, due_at = $21,
             tries = $22, polls = $24, changed_at = CASE WHEN version = $14 THEN changed_at ELSE $23 END, version = $14
         WHERE id = $1 AND tenant = $2",
        row.id,
        row.tenant.as_str(),
        signature.state.as_str(),
        signature.step.as_str(),
        signature.manual,
        signature.reason,
        row.provider,
        row.connection,
        signature.envelope_id,
        problem.map(|problem| problem.code.as_str()),
        problem.map(|problem| problem.detail.as_str()),
        problem.map(|problem| problem.tag.as_str()),
        problem.map(|problem| problem.since),
        signature.version,
        signature.contract,
        key,
        hash,
        signature.signed,
        row.checked_at,
        row.quiet_since,
        row.due_at,
        row.tries,
        now,
        row.polls,
    )
    .execute(&mut **tx)
    .await?;
    for signer in &signature.signers {
        sqlx::query!(
            "UPDATE signers SET state = $3, reason = $4, sent_at = $5, delivered_at = $6, ended_at = $7, notice = $8,
                                notice_id = $9, notice_code = $10
             WHERE request_id = $1 AND role = $2
               AND (state, reason, sent_at, delivered_at, ended_at, notice, notice_id, notice_code)
                   IS DISTINCT FROM ($3, $4, $5::timestamptz, $6::timestamptz, $7::timestamptz, $8, $9::uuid, $10)",
            row.id,
            signer.role.as_str(),
            signer.state.as_str(),
            signer.reason,
            signer.sent_at,
            signer.delivered_at,
            signer.ended_at,
            signer.notice.state.as_str(),
            signer.notice.asked_by,
            signer.notice.code,
        )
        .execute(&mut **tx)
        .await?;
    }
    publish(tx, row, cause);
    Ok(())
}

/// A call that may make an envelope begins.
pub(crate) async fn posting(
    connection: &mut PgConnection,
    row: &Row,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    posted(connection, row, Some(at)).await
}

/// The call that began surely made no envelope.
pub(crate) async fn not_posted(connection: &mut PgConnection, row: &Row) -> Result<(), sqlx::Error> {
    posted(connection, row, None).await
}

async fn posted(
    connection: &mut PgConnection,
    row: &Row,
    at: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE signatures SET posted_at = $3 WHERE id = $1 AND tenant = $2",
        row.id,
        row.tenant.as_str(),
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Hands the events of a change to the outbox, in the trace of the request.
fn publish(tx: &mut Tx, row: &mut Row, cause: &str) {
    for recorded in std::mem::take(&mut row.signature.events) {
        tx.append(wire::event(row, &recorded).caused_by(cause));
    }
}
