//! Committing what the provider gave: new tokens, or that only a person can give the grant back.

use std::time::Duration;

use puente_ports::{Connection, ProviderError};
use serde_json::Value;
use sqlx::{Postgres, Transaction};

use super::problem::{no_database, unsealable};
use super::rows::{self, Renewed};
use super::store::{Held, TokenStore};
use super::{GrantState, Tokens};

/// How often a committed answer is attempted once the provider has given new tokens: losing them may cost the grant.
const KEEP_ATTEMPTS: u32 = 4;
const KEEP_WAIT: Duration = Duration::from_millis(250);

/// New tokens, and what they replace.
pub(super) struct Keeping<'a> {
    pub(super) connection: &'a Connection,
    pub(super) tokens: Tokens,
    pub(super) sealed: Value,
    pub(super) version: i64,
    /// Whether a refusal was the reason.
    pub(super) rejected: bool,
}

/// What is committed.
pub(super) struct Kept {
    pub(super) held: Held,
    pub(super) version: i64,
}

impl TokenStore {
    /// Commits new tokens, whatever it takes within reason: the provider may have forgotten the old ones.
    pub(super) async fn keep(
        &self,
        mut tx: Transaction<'_, Postgres>,
        keeping: Keeping<'_>,
    ) -> Result<Kept, ProviderError> {
        let now = self.clock.now();
        let connection = keeping.connection;
        let renewed = Renewed {
            connection,
            tokens: &keeping.tokens,
            sealed: &keeping.sealed,
            refreshed_at: now,
            rejected_at: keeping.rejected.then_some(now),
        };
        let first = async {
            let done = rows::replace(&mut *tx, &renewed, keeping.version).await?;
            tx.commit().await?;
            Ok::<bool, sqlx::Error>(done)
        };
        let mut done = first.await;
        for attempt in 0..KEEP_ATTEMPTS {
            match done {
                Ok(true) => {
                    return Ok(Kept {
                        held: Held {
                            tokens: keeping.tokens,
                            refreshed_at: now,
                        },
                        version: keeping.version + 1,
                    });
                }
                // Either the first commit got through, or a person authorised anew: what is there now counts.
                Ok(false) => return self.there(connection).await,
                Err(_) => tokio::time::sleep(KEEP_WAIT * 2_u32.pow(attempt)).await,
            }
            done = rows::replace(&self.pool, &renewed, keeping.version).await;
        }
        tracing::error!(connection = %connection.id, "The renewed tokens of connection `{}` could not be kept; if the provider refuses the former ones, it must be authorised again", connection.id);
        Err(no_database())
    }

    /// The tokens that the row holds now.
    async fn there(&self, connection: &Connection) -> Result<Kept, ProviderError> {
        let row = rows::read(&self.pool, &connection.tenant, &connection.id).await;
        let row = row.map_err(|_| no_database())?.ok_or_else(no_database)?;
        let opened = self.opened(connection, &row).await;
        let opened = opened.map_err(|error| unsealable(connection, error))?;
        Ok(Kept {
            held: opened.ok_or_else(no_database)?,
            version: row.version,
        })
    }

    /// Notes that only a person can give the grant back.
    pub(super) async fn lost(
        &self,
        connection: &Connection,
        mut tx: Transaction<'_, Postgres>,
        problem: &str,
    ) -> Result<(), ProviderError> {
        let noted = async {
            rows::turn(
                &mut *tx,
                &connection.tenant,
                &connection.id,
                GrantState::NeedsConsent,
                Some(problem),
            )
            .await?;
            tx.commit().await
        };
        noted.await.map_err(|_| no_database())?;
        tracing::error!(connection = %connection.id, reason = problem, "Connection `{}` must be authorised again: {problem}", connection.id);
        Ok(())
    }
}
