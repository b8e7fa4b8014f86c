//! Keys that are made and revoked past the gateway's door, by a program that has its database: with the row in the audit
//! trail in the same transaction, so that there is no change without a trail and no trail without the change.

use puente_rpc::Scope;
use serde_json::json;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{Created, Key, KeyError, NewKey};
use crate::audit::{Actor, Entry, record_with};

/// Makes a key. Whoever makes it, `created_by`, is the subject of the row.
///
/// # Errors
/// When a field is out of range, or the database is away.
pub async fn create(pool: &PgPool, new: &NewKey, now: OffsetDateTime) -> Result<Created, KeyError> {
    let mut tx = pool.begin().await?;
    let made = super::create(&mut *tx, new, now).await?;
    let whose = new.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    let id = made.key.id.to_string();
    let entry = Entry {
        action: "key.created",
        object: &id,
        after: Some(json!({
            "name": made.key.name,
            "role": made.key.role,
            "per_minute": made.key.per_minute,
        })),
        ..Entry::default()
    };
    record_with(&mut *tx, now, &actor(whose, &new.created_by), &entry).await?;
    tx.commit().await?;
    Ok(made)
}

/// Revokes a key of the scope, by its id or its prefix, on behalf of the subject `by`. `None` when the scope has none.
///
/// # Errors
/// When the database is away.
pub async fn revoke(
    pool: &PgPool,
    scope: &Scope,
    which: &str,
    by: &str,
    now: OffsetDateTime,
) -> Result<Option<Key>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let Some(key) = super::revoke(&mut *tx, scope, which, now).await? else {
        return Ok(None);
    };
    let id = key.id.to_string();
    let entry = Entry {
        action: "key.revoked",
        object: &id,
        ..Entry::default()
    };
    // The row is where the key was: its administrators see who took it away.
    record_with(&mut *tx, now, &actor(key.tenant.clone(), by), &entry).await?;
    tx.commit().await?;
    Ok(Some(key))
}

/// Programs have no name beside their id.
fn actor(tenant: Option<String>, subject: &str) -> Actor {
    Actor {
        tenant,
        subject: subject.to_owned(),
        name: subject.to_owned(),
    }
}
