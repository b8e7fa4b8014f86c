//! Whose a tax id is, and the check of a client that had to wait.
//!
//! # Protocol
//! A conversation's turn that needs an answer notes the tax id in `client_lookups` (`lookup`) and rests.
//! `infrastructure::lookups` takes the row up under a lease, asks outside of any transaction, keeps what was said
//! (`answered`) and wakes who rests. A client whose check failed is `pending` in `client_nits`, and the row
//! stays due, with pauses that grow. Once that state is settled, [`settle`] tells it to the client's orders: what an opening
//! order and an answer miss of each other, its next look finds.

use std::time::Duration;

use puente_outbox::{Outbox, Tx};
use puente_types::{ClientId, Nit, OrderId, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::journal::{self, Origin};
use super::lookup::{Patience, lookup};
use super::row::{self, ClientRow};
use super::signature;
use crate::domain::client::Client;
use crate::domain::company::{Check, pause};
use crate::domain::error::StoreError;
use crate::infrastructure::skills::Library;

/// Our client of a tax id.
pub(super) async fn client_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
) -> Result<Option<Client>, StoreError> {
    let row = sqlx::query_as!(
        ClientRow,
        "SELECT c.id, c.name, c.email, c.phone, c.location, c.nit_body, c.nit_dv
         FROM client_nits n JOIN clients c ON c.tenant = n.tenant AND c.id = n.client_id
         WHERE n.tenant = $1 AND n.nit_body = $2",
        tenant.as_str(),
        nit.body()
    )
    .fetch_optional(connection)
    .await?;
    row.map(Client::try_from).transpose()
}

/// Makes a tax id a client's, with what the ERP said of it; `false` when it is somebody's already. The client's row may be
/// written after it. A check that could not be made is tried again.
pub(super) async fn take(
    connection: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
    client: ClientId,
    now: OffsetDateTime,
    patience: Option<Patience>,
) -> Result<bool, sqlx::Error> {
    let check = match patience {
        Some(patience) => lookup(connection, tenant, nit)
            .await?
            .map_or(Check::Pending, |found| found.check(now, patience)),
        None => Check::None,
    };
    let taken = sqlx::query!(
        "INSERT INTO client_nits (tenant, nit_body, client_id, check_state, checked_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, nit_body) DO NOTHING",
        tenant.as_str(),
        nit.body(),
        client.uuid(),
        check.name(),
        Some(now).filter(|_| check != Check::None)
    )
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    if check == Check::Pending {
        sqlx::query!(
            "INSERT INTO client_lookups AS l (tenant, nit_body, due_at, touched_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, nit_body) DO UPDATE SET due_at = coalesce(l.due_at, $3), touched_at = $4",
            tenant.as_str(),
            nit.body(),
            now + pause(0, Duration::ZERO).unwrap_or_default(),
            now
        )
        .execute(connection)
        .await?;
    }
    Ok(true)
}

/// A client that took a tax id was not written: it is nobody's again.
pub(super) async fn give_back(
    connection: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
    client: ClientId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM client_nits WHERE tenant = $1 AND nit_body = $2 AND client_id = $3",
        tenant.as_str(),
        nit.body(),
        client.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the check of a client is still to be made.
pub(super) async fn check_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    client: ClientId,
) -> Result<Check, sqlx::Error> {
    let pending = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM client_nits WHERE tenant = $1 AND client_id = $2 AND check_state = 'pending')
           AS "pending!""#,
        tenant.as_str(),
        client.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(if pending { Check::Pending } else { Check::None })
}

/// Tells orders what came of checking their client, where that is settled by now; at most `most`. Returns how many there
/// were to look at.
pub(crate) async fn settle(
    outbox: &Outbox,
    skills: &Library,
    now: OffsetDateTime,
    most: i64,
) -> Result<usize, StoreError> {
    let mut tx = outbox.begin().await?;
    let rows = sqlx::query!(
        "SELECT o.id, o.tenant, n.check_state FROM orders o
         JOIN client_nits n ON n.tenant = o.tenant AND n.client_id = o.client_id
         WHERE o.client_check = 'pending' AND n.check_state NOT IN ('', 'pending')
         ORDER BY o.tenant, o.id LIMIT $1",
        most
    )
    .fetch_all(&mut *tx)
    .await?;
    let count = rows.len();
    for row in rows {
        let corrupt = || StoreError::Corrupt("the check of a client".into());
        let tenant: TenantId = row.tenant.parse().map_err(|_| corrupt())?;
        let check = Check::named(&row.check_state).ok_or_else(corrupt)?;
        tell(&mut tx, &tenant, (row.id, check), skills, now).await?;
    }
    if count > 0 {
        tx.commit().await?;
    }
    Ok(count)
}

async fn tell(
    tx: &mut Tx,
    tenant: &TenantId,
    (id, check): (Uuid, Check),
    skills: &Library,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let Some((mut order, trace)) = signature::order(tx, tenant, OrderId::from(id)).await? else {
        return Ok(());
    };
    let since = order.version();
    // Another replica may have told it while this one waited for the lock.
    let Some(event) = order.client_checked(check) else {
        return Ok(());
    };
    let written = row::update(tx, tenant, &order, since, now).await?;
    written.ok_or_else(|| StoreError::Corrupt("a locked order that moved".into()))?;
    let origin = Origin {
        cause: None,
        by: "",
        trace: trace.as_deref(),
        asked_in: None,
    };
    journal::tell(tx, tenant, &event, &skills.of(tenant), now, origin).await?;
    let order = order.snapshot();
    tracing::info!(order.id = %order.id, "the client of order {} is {}", order.number, check.name());
    Ok(())
}
