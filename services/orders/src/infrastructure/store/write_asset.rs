//! What people write about assets: the asset, its history, its event, and the command with its answer in one transaction.

use prost::Message as _;
use puente_proto::orders::Asset as Shown;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::queries::asset_by_id;
use super::{PgOrders, asset};
use crate::domain::asset::{AssetId, BadData, Values};
use crate::domain::error::StoreError;
use crate::domain::ports::Issued;
use crate::infrastructure::wire::assets as wire;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotWritten {
    /// The tenant has none of this id.
    #[error("there is no such asset")]
    Unknown,
    /// Another command had this key.
    #[error("the idempotency key was used for something else")]
    KeyUsed,
    /// Somebody changed it since it was seen.
    #[error("the asset is at version {actual}, not at version {expected}")]
    Moved {
        /// The version that was seen.
        expected: i64,
        /// The version it has.
        actual: i64,
    },
    /// What no asset can hold.
    #[error(transparent)]
    Bad(#[from] BadData),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotWritten {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl PgOrders {
    /// Writes what is known of an asset, once per key; a command that is repeated is answered as the first time.
    pub(crate) async fn write_asset(
        &self,
        tenant: &TenantId,
        id: AssetId,
        expected: Option<i64>,
        changes: &Values,
        issued: &Issued,
    ) -> Result<Shown, NotWritten> {
        let now = self.clock.now();
        let mut tx = self.begin(tenant).await?;
        // The asset first: the same command that is done elsewhere is waited for, and found.
        let mut found = asset::lock(&mut tx, tenant, Some(id), None)
            .await?
            .ok_or(NotWritten::Unknown)?;
        if let Some(answer) = answered(&mut tx, tenant, issued).await? {
            return answer;
        }
        let actual = found.version;
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            return Err(NotWritten::Moved { expected, actual });
        }
        if let Some(happened) = found.write(changes, &issued.by)? {
            asset::update(&mut tx, tenant, &found, now).await?;
            asset::tell(&mut tx, tenant, &found, &happened, now, &issued.key).await?;
        }
        let view = asset_by_id(&mut tx, tenant, id).await?;
        let answer = view.map(wire::shown).ok_or(NotWritten::Unknown)?;
        if !note(&mut tx, tenant, id, issued, &answer, now).await? {
            return Err(NotWritten::KeyUsed);
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(answer)
    }
}

/// What a command of this key was answered.
async fn answered(
    connection: &mut PgConnection,
    tenant: &TenantId,
    issued: &Issued,
) -> Result<Option<Result<Shown, NotWritten>>, StoreError> {
    let row = sqlx::query!(
        "SELECT digest, answer FROM asset_commands WHERE tenant = $1 AND key = $2",
        tenant.as_str(),
        issued.key
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.digest != issued.digest {
        return Ok(Some(Err(NotWritten::KeyUsed)));
    }
    let answer = Shown::decode(row.answer.as_slice());
    let answer = answer.map_err(|_| StoreError::Corrupt("the answer of a command".into()))?;
    Ok(Some(Ok(answer)))
}

/// Notes a command with its answer; `false` when its key was taken, at this moment and for another asset.
async fn note(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AssetId,
    issued: &Issued,
    answer: &Shown,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "INSERT INTO asset_commands (tenant, key, digest, asset_id, answer, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, key) DO NOTHING",
        tenant.as_str(),
        issued.key,
        issued.digest.as_slice(),
        id.uuid(),
        answer.encode_to_vec(),
        now
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Forgets commands that nobody repeats any more; at most `most`.
pub(crate) async fn purge_asset_commands(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM asset_commands WHERE (tenant, key) IN
             (SELECT tenant, key FROM asset_commands WHERE at < $1 LIMIT $2)",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
