//! What an ERP said, or that it said nothing, kept: for who waits for it, and for the check of the client. `company` tells the
//! protocol.

use std::time::Duration;

use puente_types::{Nit, TenantId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::application::look_up_client::NoAnswer;
use crate::domain::company::{Check, Company, pause};

/// Keeps what the ERP said, or that it said nothing, and settles the check of the client if there is one.
pub(crate) async fn keep(
    tx: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
    said: &Result<Option<Company>, NoAnswer>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let (answer, company, check) = match said {
        Ok(Some(company)) => ("found", Some(company), Check::Known),
        Ok(None) => ("unknown", None, Check::Unknown),
        Err(NoAnswer::Off) => ("off", None, Check::None),
        Err(NoAnswer::Unreachable) => return failed(tx, tenant, nit, now).await,
    };
    check_settled(tx, tenant, nit, check, now).await?;
    sqlx::query!(
        // An answer that was overtaken does not put an older version back.
        "INSERT INTO client_lookups AS l
             (tenant, nit_body, answer, known_at, name, email, phone, location, active, version, touched_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $4)
         ON CONFLICT (tenant, nit_body) DO UPDATE
         SET answer = $3, known_at = $4, name = $5, email = $6, phone = $7, location = $8, active = $9, version = $10,
             asked_at = NULL, failed_at = NULL, due_at = NULL, tries = 0, touched_at = $4
         WHERE NOT (l.answer = 'found' AND $3 = 'found' AND l.version > $10)",
        tenant.as_str(),
        nit.body(),
        answer,
        now,
        company.map_or("", |company| company.name.as_str()),
        company.map_or("", |company| company.email.as_str()),
        company
            .and_then(|company| company.phone.as_ref())
            .map_or("", |phone| phone.as_e164()),
        company.map_or("", |company| company.location.as_str()),
        company.is_some_and(|company| company.active),
        company.map_or(0, |company| company.version)
    )
    .execute(&mut *tx)
    .await?;
    // Also where an older version was not put back.
    sqlx::query!(
        "UPDATE client_lookups SET known_at = $3, asked_at = NULL, failed_at = NULL, due_at = NULL, tries = 0
         WHERE tenant = $1 AND nit_body = $2 AND known_at < $3",
        tenant.as_str(),
        nit.body(),
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The ERP gave no answer: who waits goes on without one, and a pending check is made later, or given up.
async fn failed(
    tx: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let pending_since = sqlx::query_scalar!(
        "SELECT checked_at FROM client_nits WHERE tenant = $1 AND nit_body = $2 AND check_state = 'pending'",
        tenant.as_str(),
        nit.body()
    )
    .fetch_optional(&mut *tx)
    .await?
    .flatten();
    let tries = sqlx::query_scalar!(
        "INSERT INTO client_lookups AS l (tenant, nit_body, failed_at, touched_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (tenant, nit_body) DO UPDATE
         SET failed_at = $3, asked_at = NULL, due_at = NULL, tries = CASE WHEN $4 THEN l.tries ELSE 0 END, touched_at = $3
         RETURNING tries",
        tenant.as_str(),
        nit.body(),
        now,
        pending_since.is_some()
    )
    .fetch_one(&mut *tx)
    .await?;
    let Some(since) = pending_since else { return Ok(()) };
    let pending = Duration::try_from(now - since).unwrap_or_default();
    match pause(tries.unsigned_abs(), pending) {
        Some(pause) => {
            sqlx::query!(
                "UPDATE client_lookups SET due_at = $3 WHERE tenant = $1 AND nit_body = $2",
                tenant.as_str(),
                nit.body(),
                now + pause
            )
            .execute(tx)
            .await?;
            Ok(())
        }
        None => check_settled(tx, tenant, nit, Check::GivenUp, now).await,
    }
}

async fn check_settled(
    tx: &mut PgConnection,
    tenant: &TenantId,
    nit: &Nit,
    check: Check,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    // A tenant whose ERP is gone has nobody who would ever answer.
    let check = if check == Check::None {
        Check::GivenUp
    } else {
        check
    };
    sqlx::query!(
        "UPDATE client_nits SET check_state = $3, checked_at = $4
         WHERE tenant = $1 AND nit_body = $2 AND check_state = 'pending'",
        tenant.as_str(),
        nit.body(),
        check.name(),
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}
