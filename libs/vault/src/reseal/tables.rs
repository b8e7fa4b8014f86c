//! One pass over each of a schema's tables, a page at a time; the index of the primary key leads through it.

use std::collections::BTreeMap;

use puente_types::{ConnectionId, TenantId};
use serde_json::Value;
use sqlx::PgPool;

use super::{Place, Progress, Report, ResealError, Tell, Which, anew};
use crate::seal::Sealed;
use crate::{MasterKeys, SealError};

/// Rows in memory at a time.
const PAGE: i64 = 100;

/// How much is under which master key.
pub(super) async fn count(pool: &PgPool) -> Result<BTreeMap<(Place, String), u64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT place AS "place!", master AS "master!", count(*) AS "count!" FROM (
               SELECT 'copies' AS place, COALESCE(sealed->>'master', '?') AS master
               FROM connection_copies WHERE NOT deleted
               UNION ALL
               SELECT 'tokens', COALESCE(sealed->>'master', '?') FROM oauth_tokens WHERE sealed IS NOT NULL
               UNION ALL
               SELECT 'authorizations', COALESCE(sealed->>'master', '?') FROM oauth_authorizations
               WHERE expires_at > now()) AS all_sealed
           GROUP BY place, master"#
    )
    .fetch_all(pool)
    .await?;
    let counted = rows.into_iter().map(|row| {
        let place = match row.place.as_str() {
            "copies" => Place::Copies,
            "tokens" => Place::Tokens,
            _ => Place::Authorizations,
        };
        ((place, row.master), u64::try_from(row.count).unwrap_or_default())
    });
    Ok(counted.collect())
}

/// A sealed column of one row.
struct Row {
    /// Its place in the order of the table.
    key: Vec<u8>,
    tenant: String,
    connection: String,
    sealed: Value,
}

pub(super) async fn pass(
    pool: &PgPool,
    masters: &MasterKeys,
    which: Which,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), ResealError> {
    let place = report.place;
    let counted = count(pool).await?;
    let total: u64 = counted
        .iter()
        .filter(|((counted, _), _)| *counted == place)
        .map(|(_, count)| count)
        .sum();
    let (mut after, mut done) = (None, 0);
    loop {
        let rows = page(pool, place, after.as_ref()).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = Some((last.key.clone(), last.tenant.clone(), last.connection.clone()));
        for row in rows {
            one(pool, masters, which, &row, report).await?;
            done += 1;
            tell(Progress {
                place,
                done,
                total: total.max(done),
            });
        }
    }
}

async fn one(
    pool: &PgPool,
    masters: &MasterKeys,
    which: Which,
    row: &Row,
    report: &mut Report,
) -> Result<(), ResealError> {
    let owner = (
        row.tenant.parse::<TenantId>(),
        row.connection.parse::<ConnectionId>(),
    );
    let read = serde_json::from_value::<Sealed>(row.sealed.clone());
    let ((Ok(tenant), Ok(connection)), Ok(sealed)) = (owner, read) else {
        report.cannot_open(&row.connection, &SealError::Refused);
        return Ok(());
    };
    let Some(sealed) = anew(masters, which, (&tenant, &connection), &sealed, report).await? else {
        return Ok(());
    };
    let sealed = serde_json::to_value(sealed).map_err(|_| SealError::Refused)?;
    if replace(pool, report.place, row, &sealed).await? {
        report.resealed += 1;
    } else {
        report.changed += 1;
    }
    Ok(())
}

async fn page(
    pool: &PgPool,
    place: Place,
    after: Option<&(Vec<u8>, String, String)>,
) -> Result<Vec<Row>, sqlx::Error> {
    let (key, tenant, connection) = after.map_or((&[][..], "", ""), |(key, tenant, connection)| {
        (key.as_slice(), tenant.as_str(), connection.as_str())
    });
    match place {
        Place::Copies => {
            sqlx::query_as!(
                Row,
                r#"SELECT ''::bytea AS "key!", tenant, id AS connection, sealed FROM connection_copies
                   WHERE NOT deleted AND id > $1 ORDER BY id LIMIT $2"#,
                connection,
                PAGE,
            )
            .fetch_all(pool)
            .await
        }
        Place::Tokens => {
            sqlx::query_as!(
                Row,
                r#"SELECT ''::bytea AS "key!", tenant, connection, sealed AS "sealed!" FROM oauth_tokens
                   WHERE sealed IS NOT NULL AND (tenant, connection) > ($1, $2)
                   ORDER BY tenant, connection LIMIT $3"#,
                tenant,
                connection,
                PAGE,
            )
            .fetch_all(pool)
            .await
        }
        Place::Bucket | Place::Authorizations => {
            sqlx::query_as!(
                Row,
                r#"SELECT state_hash AS key, tenant, connection, sealed FROM oauth_authorizations
                   WHERE expires_at > now() AND state_hash > $1 ORDER BY state_hash LIMIT $2"#,
                key,
                PAGE,
            )
            .fetch_all(pool)
            .await
        }
    }
}

/// Puts the new form in place of the form that was read; says whether that was still there. A renewal that holds the
/// row is waited for, and wins.
async fn replace(pool: &PgPool, place: Place, row: &Row, sealed: &Value) -> Result<bool, sqlx::Error> {
    let done =
        match place {
            Place::Copies => {
                sqlx::query!(
                    "UPDATE connection_copies SET sealed = $3 WHERE id = $1 AND sealed = $2 AND NOT deleted",
                    row.connection,
                    row.sealed,
                    sealed,
                )
                .execute(pool)
                .await?
            }
            Place::Tokens => sqlx::query!(
                "UPDATE oauth_tokens SET sealed = $4 WHERE tenant = $1 AND connection = $2 AND sealed = $3",
                row.tenant,
                row.connection,
                row.sealed,
                sealed,
            )
            .execute(pool)
            .await?,
            Place::Bucket | Place::Authorizations => {
                sqlx::query!(
                    "UPDATE oauth_authorizations SET sealed = $3 WHERE state_hash = $1 AND sealed = $2",
                    row.key,
                    row.sealed,
                    sealed,
                )
                .execute(pool)
                .await?
            }
        };
    Ok(done.rows_affected() > 0)
}
