//! Reports that wait for the request they belong to, and how an envelope finds its request.

use std::collections::BTreeMap;

use puente_outbox::Tx;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A report without its request.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) event_id: Uuid,
    /// The event as it came.
    pub(crate) report: Vec<u8>,
    pub(crate) traceparent: Option<String>,
    pub(crate) received_at: OffsetDateTime,
}

/// An envelope at a tenant's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) connection: &'a str,
    pub(crate) envelope_id: &'a str,
}

/// Keeps others from naming this envelope, or from keeping reports on it, until the transaction ends. Taken before the
/// request's own lock.
pub(crate) async fn lock(tx: &mut Tx, at: At<'_>) -> Result<(), sqlx::Error> {
    let name = format!("envelope|{}|{}|{}", at.tenant, at.connection, at.envelope_id);
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
        .fetch_one(&mut **tx)
        .await?;
    Ok(())
}

/// The request with this envelope.
pub(crate) async fn owner(tx: &mut Tx, at: At<'_>) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM signatures WHERE tenant = $1 AND connection = $2 AND envelope_id = $3",
        at.tenant.as_str(),
        at.connection,
        at.envelope_id,
    )
    .fetch_optional(&mut **tx)
    .await
}

/// Whose a request is, and at which connection its envelope was, or is to be, sent.
pub(crate) async fn place(tx: &mut Tx, id: Uuid) -> Result<Option<(String, String)>, sqlx::Error> {
    let row = sqlx::query!("SELECT tenant, connection FROM signatures WHERE id = $1", id)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|row| (row.tenant, row.connection)))
}

/// Keeps a report until its request is known, or until it is too old.
pub(crate) async fn keep(tx: &mut Tx, at: At<'_>, pending: &Pending) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO pending_reports (tenant, connection, envelope_id, event_id, report, traceparent, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        at.tenant.as_str(),
        at.connection,
        at.envelope_id,
        pending.event_id,
        pending.report,
        pending.traceparent,
        pending.received_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes out what waited for this envelope. The caller holds its lock.
pub(crate) async fn take(tx: &mut Tx, at: At<'_>) -> Result<Vec<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        "DELETE FROM pending_reports WHERE tenant = $1 AND connection = $2 AND envelope_id = $3
         RETURNING event_id, report, traceparent, received_at",
        at.tenant.as_str(),
        at.connection,
        at.envelope_id,
    )
    .fetch_all(&mut **tx)
    .await
}

/// Removes at most `limit` reports that nobody claimed since `before`; how many, by connection.
pub(crate) async fn purge(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    let gone = sqlx::query_scalar!(
        "DELETE FROM pending_reports WHERE ctid IN (
             SELECT ctid FROM pending_reports WHERE received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING connection",
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let mut counts = BTreeMap::new();
    for connection in gone {
        *counts.entry(connection).or_default() += 1;
    }
    Ok(counts)
}
