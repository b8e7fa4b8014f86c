//! What callers may read of requests, as the role that answers callers: row policies hold each transaction to the caller's
//! tenant.
//!
//! One statement serves all filters of the list. Plans are made for the values given (`puente_service::db`), so that a
//! filter that is not used costs nothing, and one that is used finds its index.

use std::collections::HashMap;

use puente_types::{OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::signer::Signer;
use crate::domain::state::State;
use crate::infrastructure::store::flat::{Flat, FlatSigner};
use crate::infrastructure::store::row::Row;

/// Which requests are wanted.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// None: all.
    pub(crate) states: Vec<State>,
    pub(crate) order: Option<OrderId>,
    /// Only those in trouble, on the manual way, or with somebody who has to be told.
    pub(crate) needs_person: bool,
    /// Only those before this place.
    pub(crate) after: Option<(OffsetDateTime, Uuid)>,
}

/// How many there are.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) troubled: i64,
    pub(crate) manual: i64,
    pub(crate) in_process: i64,
    pub(crate) signed: i64,
    pub(crate) rejected: i64,
    pub(crate) untold: i64,
}

/// The newest request of an order.
pub(crate) async fn of_order(
    connection: &mut PgConnection,
    tenant: &TenantId,
    order: OrderId,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT id FROM signatures WHERE tenant = $1 AND order_id = $2
         ORDER BY attempt DESC, requested_at DESC LIMIT 1",
        tenant.as_str(),
        order.uuid(),
    )
    .fetch_optional(connection)
    .await
}

/// The newest `limit` requests that fit.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let flats = sqlx::query_as!(
        Flat,
        "SELECT id, order_id, number, attempt, request, requested_by, requested_at, state, step, manual, reason, provider,
                connection, envelope_id, problem_code, problem, problem_tag, problem_since, version, contract_id,
                contract_key, contract_hash, signed_id, traceparent, changed_at, checked_at, quiet_since, due_at, tries,
                posted_at, polls
         FROM signatures
         WHERE tenant = $1
           AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
           AND ($3::uuid IS NULL OR order_id = $3)
           AND (NOT $4::boolean OR step <> 'ended' AND (problem_code IS NOT NULL OR step = 'manual')
                OR step = 'ended' AND problem_code IS NOT NULL
                OR id IN (SELECT request_id FROM signers WHERE tenant = $1 AND notice = 'failed'))
           AND ($5::timestamptz IS NULL OR (requested_at, id) < ($5, $6))
         ORDER BY requested_at DESC, id DESC LIMIT $7",
        tenant.as_str(),
        &states as &[&str],
        filter.order.map(OrderId::uuid),
        filter.needs_person,
        filter.after.map(|(at, _)| at),
        filter.after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = flats.iter().map(|flat| flat.id).collect();
    let found = sqlx::query_as!(
        FlatSigner,
        "SELECT request_id, role, state, reason, sent_at, delivered_at, ended_at, notice, notice_id, notice_code
         FROM signers WHERE tenant = $1 AND request_id = ANY ($2) ORDER BY position",
        tenant.as_str(),
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let mut signers: HashMap<Uuid, Vec<Signer>> = HashMap::new();
    for signer in found {
        signers
            .entry(signer.request_id)
            .or_default()
            .push(signer.signer()?);
    }
    let rows = flats.into_iter().map(|flat| {
        let signers = signers.remove(&flat.id).unwrap_or_default();
        flat.row(tenant, signers)
    });
    rows.collect()
}

/// How many requests stand where.
pub(crate) async fn count(connection: &mut PgConnection, tenant: &TenantId) -> Result<Counts, sqlx::Error> {
    sqlx::query_as!(
        Counts,
        r#"SELECT count(*) FILTER (WHERE problem_code IS NOT NULL) AS "troubled!",
                  count(*) FILTER (WHERE step = 'manual') AS "manual!",
                  count(*) FILTER (WHERE state = 'EnProceso') AS "in_process!",
                  count(*) FILTER (WHERE state = 'Firmado') AS "signed!",
                  count(*) FILTER (WHERE state = 'Rechazado') AS "rejected!",
                  (SELECT count(DISTINCT request_id) FROM signers WHERE tenant = $1 AND notice = 'failed') AS "untold!"
           FROM signatures WHERE tenant = $1"#,
        tenant.as_str(),
    )
    .fetch_one(connection)
    .await
}
