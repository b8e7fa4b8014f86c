//! The store itself: what it holds, and everything that takes no call to a provider.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use puente_ports::Connection;
use puente_types::{Clock, ConnectionId, Secret, Secrets, TenantId};
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::rows::{self, Renewed, Row};
use super::slot::Slot;
use super::{GrantState, GrantStatus, OAuthProblem, Tokens};
use crate::data_key::DataKey;
use crate::seal::{open, seal_with};
use crate::{MasterKeys, SealError};

/// Names of sealed fields; a connection's own secrets are identifiers, without a dot.
const ACCESS: &str = "oauth.access";
const REFRESH: &str = "oauth.refresh";

type Slots = HashMap<(TenantId, ConnectionId), Arc<Slot>>;

/// So many connections are renewed at a time by one replica: a log-in that hangs must leave the pool to others.
const RENEWALS_AT_ONCE: usize = 4;

/// The tokens of every connection that this service owns. Cloning is cheap, and all clones share what they know.
///
/// `pool` is the service's own schema, with a role that sees every tenant's rows.
#[derive(Clone)]
pub struct TokenStore {
    pub(super) pool: PgPool,
    pub(super) masters: MasterKeys,
    pub(super) clock: Arc<dyn Clock>,
    /// Renewals hold a database connection each while the provider answers.
    pub(super) renewals: Arc<Semaphore>,
    /// Renewals under way: they are the store's, and not of the caller that wanted one and may give up waiting.
    running: TaskTracker,
    slots: Arc<Mutex<Slots>>,
}

impl fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenStore").finish_non_exhaustive()
    }
}

impl TokenStore {
    /// A store over the service's schema.
    #[must_use]
    pub fn new(pool: PgPool, masters: MasterKeys, clock: Arc<dyn Clock>) -> Self {
        Self {
            pool,
            masters,
            clock,
            renewals: Arc::new(Semaphore::new(RENEWALS_AT_ONCE)),
            running: TaskTracker::new(),
            slots: Arc::default(),
        }
    }

    /// Does `work` in a task of the store, to its end, also when the future is dropped. For what a provider gives once. `None`
    /// when it was broken off.
    pub async fn carry_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.running.spawn(work.in_current_span()).await.ok()
    }

    /// Until no renewal is under way: before a process ends, since its database must not go first.
    pub async fn finished(&self) {
        self.running.close();
        self.running.wait().await;
    }

    /// Keeps what a person's authorisation brought, in place of whatever was there.
    ///
    /// # Errors
    /// When it cannot be sealed or committed; then the former tokens stand.
    pub async fn store(&self, connection: &Connection, tokens: &Tokens) -> Result<(), OAuthProblem> {
        let key = self.masters.data_key(&connection.tenant).await?;
        let sealed = sealed(&key, connection, tokens)?;
        let renewed = Renewed {
            connection,
            tokens,
            sealed: &sealed,
            refreshed_at: self.clock.now(),
            rejected_at: None,
        };
        rows::put(&self.pool, &renewed).await?;
        self.slot(&connection.tenant, &connection.id).forget();
        tracing::info!(connection = %connection.id, "Connection `{}` was authorised", connection.id);
        Ok(())
    }

    /// The provider answered 401 to this access token: the next [`TokenStore::fresh`] renews it, unless somebody
    /// already did.
    #[expect(
        clippy::unused_async,
        reason = "part of the contract: where it is remembered may change"
    )]
    pub async fn rejected(&self, connection: &Connection, access: &Secret) {
        self.slot(&connection.tenant, &connection.id).reject(access);
    }

    /// Where a grant stands; `None` when nobody ever authorised it or used it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn status(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<GrantStatus>, OAuthProblem> {
        let row = rows::read(&self.pool, tenant, connection).await?;
        Ok(row.map(|row| GrantStatus {
            state: row.grant(),
            expires_at: row.expires_at,
            refreshed_at: row.refreshed_at,
            scope: row.scope,
            account_id: row.account_id,
            problem: row.problem,
        }))
    }

    /// Takes a grant back: its tokens are forgotten, and none is asked for until somebody authorises again. Says
    /// whether there was one. Replicas that hold the token let go of it within a minute; who wants it dead at once
    /// revokes it at the provider as well.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn revoke(&self, tenant: &TenantId, connection: &ConnectionId) -> Result<bool, OAuthProblem> {
        let there = rows::turn(&self.pool, tenant, connection, GrantState::Revoked, None).await?;
        self.slot(tenant, connection).forget();
        Ok(there)
    }

    /// A person consented where that brings no tokens (JWT grants): the next [`TokenStore::fresh`] asks for some.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn consented(&self, connection: &Connection) -> Result<(), OAuthProblem> {
        let mut tx = self.pool.begin().await?;
        rows::lock(&mut tx, connection).await?;
        rows::turn(
            &mut *tx,
            &connection.tenant,
            &connection.id,
            GrantState::Active,
            None,
        )
        .await?;
        tx.commit().await?;
        self.slot(&connection.tenant, &connection.id).forget();
        Ok(())
    }

    /// What this process remembers of a connection. There are as many as there are connections.
    pub(super) fn slot(&self, tenant: &TenantId, connection: &ConnectionId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((tenant.clone(), connection.clone())).or_default())
    }

    /// The tokens of a row, if it holds any.
    pub(super) async fn opened(&self, connection: &Connection, row: &Row) -> Result<Option<Held>, SealError> {
        let (Some(sealed), Some(expires_at), Some(refreshed_at)) =
            (&row.sealed, row.expires_at, row.refreshed_at)
        else {
            return Ok(None);
        };
        let sealed = serde_json::from_value(sealed.clone()).map_err(|_| SealError::Refused)?;
        let secrets = open(&self.masters, &connection.tenant, &connection.id, &sealed).await?;
        Ok(Some(Held {
            tokens: Tokens {
                access: secrets.get(ACCESS).ok_or(SealError::Refused)?.clone(),
                refresh: secrets.get(REFRESH).cloned(),
                expires_at,
                scope: row.scope.clone(),
                account_id: row.account_id.clone(),
                base_uri: row.base_uri.clone(),
            },
            refreshed_at,
        }))
    }
}

/// Both tokens under one data key.
pub(super) fn sealed(key: &DataKey, connection: &Connection, tokens: &Tokens) -> Result<Value, SealError> {
    let access = (ACCESS.to_owned(), tokens.access.clone());
    let refresh = tokens.refresh.clone().map(|secret| (REFRESH.to_owned(), secret));
    let secrets: Secrets = std::iter::once(access).chain(refresh).collect();
    let sealed = seal_with(key, &connection.tenant, &connection.id, &secrets)?;
    serde_json::to_value(sealed).map_err(|_| SealError::Refused)
}

/// Tokens, and since when we have them.
pub(super) struct Held {
    pub(super) tokens: Tokens,
    pub(super) refreshed_at: OffsetDateTime,
}
