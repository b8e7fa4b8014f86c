//! Access to the accounts at signature providers, over the tokens that this service keeps sealed in its own schema.
//!
//! The provider is asked for a token by [`Granting`] alone, and only when the store says that one is needed: once over all
//! callers and replicas. Whose account it is, is asked at the first grant and after a person authorised; renewals keep it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use puente_http::Http;
use puente_ports::{
    ACCESS_TOKEN, ACCOUNT_ID, BASE_URI, CallCtx, Connection, Grant, GrantedAccount, OAuthProvider,
    ProviderError,
};
use puente_service::Outside;
use puente_types::{Clock, ConnectionId, Secret, Secrets, TenantId};
use puente_vault::oauth::{GrantState, GrantStatus, Granter, OAuthProblem, TokenStore, Tokens};
use serde_json::Value;

use crate::infrastructure::access::{Access, AccessError, Account};

/// Below the time that the store holds its lock for, so that an answer that comes is never thrown away.
const CALL_DEADLINE: Duration = Duration::from_secs(12);
/// A code has some hundred characters; what is longer is none.
const MAX_CODE_BYTES: usize = 4096;

/// The accounts of every tenant.
#[derive(Clone)]
pub(crate) struct Accounts {
    tokens: TokenStore,
    outside: Outside,
    clock: Arc<dyn Clock>,
}

impl Accounts {
    pub(crate) fn new(tokens: TokenStore, outside: Outside, clock: Arc<dyn Clock>) -> Self {
        Self {
            tokens,
            outside,
            clock,
        }
    }

    fn oauth(&self, connection: &Connection) -> Option<&'static dyn OAuthProvider> {
        let provider = (self.outside.registry)(&connection.provider)?;
        // Accounts of other kinds of provider belong to the services that call those.
        provider.signature()?;
        provider.oauth()
    }

    /// How calls about grants go out.
    fn granting(&self, provider: &'static dyn OAuthProvider) -> Arc<Granting> {
        Arc::new(Granting {
            provider,
            http: self.outside.http.clone(),
            clock: Arc::clone(&self.clock),
        })
    }

    /// The tenant's connection, if it can be granted.
    fn grantable(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<(Arc<Connection>, &'static dyn OAuthProvider), AccessError> {
        let connection = self
            .outside
            .connections
            .get(connection)
            .filter(|found| found.tenant == *tenant);
        let connection = connection.ok_or(AccessError::NoAccount)?;
        let provider = self.oauth(&connection).ok_or(AccessError::NoAccount)?;
        Ok((connection, provider))
    }

    async fn shown(&self, connection: &Connection) -> Result<Account, AccessError> {
        let status = self.tokens.status(&connection.tenant, &connection.id).await?;
        Ok(account(connection, status))
    }
}

#[async_trait]
impl Access for Accounts {
    async fn ready(&self, connection: &Connection) -> Result<Connection, ProviderError> {
        // A provider without OAuth takes the connection as it is.
        let Some(provider) = self.oauth(connection) else {
            return Ok(connection.clone());
        };
        let tokens = self.tokens.fresh(connection, &self.granting(provider)).await?;
        let (Some(account), Some(base)) = (tokens.account_id, tokens.base_uri) else {
            return Err(ProviderError::configuration(
                "account_unknown",
                format!(
                    "connection {} was granted without an account; authorise it again",
                    connection.id
                ),
            ));
        };
        let mut ready = connection.clone();
        ready
            .settings
            .insert(ACCOUNT_ID.to_owned(), Value::String(account));
        ready.settings.insert(BASE_URI.to_owned(), Value::String(base));
        let today = std::iter::once((ACCESS_TOKEN.to_owned(), tokens.access));
        let kept = connection.secrets.iter();
        ready.secrets = kept
            .map(|(name, secret)| (name.to_owned(), secret.clone()))
            .chain(today)
            .collect::<Secrets>();
        Ok(ready)
    }

    async fn refused(&self, ready: &Connection) {
        if let Some(access) = ready.secrets.get(ACCESS_TOKEN) {
            self.tokens.rejected(ready, access).await;
        }
    }

    async fn begin(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        redirect_uri: &str,
        by: &str,
    ) -> Result<String, AccessError> {
        let (connection, provider) = self.grantable(tenant, connection)?;
        let begun = self.tokens.begin(&connection, redirect_uri, by).await?;
        provider
            .authorize_url(&connection, redirect_uri, &begun.state, &begun.challenge)
            .map_err(AccessError::Provider)
    }

    async fn complete(
        &self,
        tenant: &TenantId,
        state: &Secret,
        code: &Secret,
    ) -> Result<Account, AccessError> {
        // A code is good once, and who came back with it may stop waiting.
        let (accounts, tenant, state, code) = (self.clone(), tenant.clone(), state.clone(), code.clone());
        let completing = async move { accounts.exchange(&tenant, &state, &code).await };
        let completed = self.tokens.carry_through(completing).await;
        completed.unwrap_or_else(|| Err(AccessError::Unavailable("the exchange was broken off".into())))
    }

    async fn list(&self, tenant: &TenantId) -> Result<Vec<Account>, AccessError> {
        let mut accounts = Vec::new();
        let signs =
            |slug: &str| (self.outside.registry)(slug).is_some_and(|found| found.signature().is_some());
        for connection in self.outside.connections.of_tenant(tenant, signs) {
            if self.oauth(&connection).is_some() {
                accounts.push(self.shown(&connection).await?);
            }
        }
        accounts.sort_by(|a, b| a.connection.cmp(&b.connection));
        Ok(accounts)
    }
}

impl Accounts {
    async fn exchange(
        &self,
        tenant: &TenantId,
        state: &Secret,
        code: &Secret,
    ) -> Result<Account, AccessError> {
        let pending = self.tokens.finish(tenant, state.expose()).await?;
        let (connection, provider) = self.grantable(tenant, &pending.connection)?;
        let granting = self.granting(provider);
        if provider.stands_alone(&connection) {
            // The consent is all that was missing: whether it suffices shows when a token is asked for.
            self.tokens.consented(&connection).await?;
            self.tokens
                .fresh(&connection, &granting)
                .await
                .map_err(AccessError::Provider)?;
            return self.shown(&connection).await;
        }
        if code.expose().is_empty() || code.expose().len() > MAX_CODE_BYTES {
            return Err(AccessError::Unknown);
        }
        let ctx = granting.ctx(&connection);
        let granted = provider
            .exchange(ctx, code, &pending.verifier, &pending.redirect_uri)
            .await;
        let granted = granted.map_err(AccessError::Provider)?;
        let account = provider.account(ctx, &granted.access).await;
        let account = account.map_err(AccessError::Provider)?;
        let tokens = granting.tokens(granted, Some(account));
        self.tokens.store(&connection, &tokens).await?;
        self.shown(&connection).await
    }
}

/// Asks a provider for tokens.
struct Granting {
    provider: &'static dyn OAuthProvider,
    http: Http,
    clock: Arc<dyn Clock>,
}

impl Granting {
    fn ctx<'a>(&'a self, connection: &'a Connection) -> CallCtx<'a> {
        CallCtx {
            connection,
            http: &self.http,
            // No provider takes a key here: the lock of the row is what keeps it to one.
            idempotency_key: "",
            deadline: CALL_DEADLINE,
            traceparent: None,
        }
    }

    fn tokens(&self, grant: Grant, account: Option<GrantedAccount>) -> Tokens {
        let (account_id, base_uri) = account
            .map(|account| (account.account_id, account.base_uri))
            .unzip();
        Tokens {
            access: grant.access,
            refresh: grant.refresh,
            expires_at: self.clock.now() + grant.life,
            scope: grant.scope,
            account_id,
            base_uri,
        }
    }
}

#[async_trait]
impl Granter for Granting {
    async fn renew(
        &self,
        connection: &Connection,
        current: Option<&Tokens>,
    ) -> Result<Tokens, ProviderError> {
        let refresh = current.and_then(|tokens| tokens.refresh.as_ref());
        let ctx = self.ctx(connection);
        let grant = self.provider.renew(ctx, refresh, self.clock.now()).await?;
        // What is left out stays as it was, so a renewal asks for the account only where none is known yet.
        let known = current.is_some_and(|tokens| tokens.account_id.is_some() && tokens.base_uri.is_some());
        let account = if known {
            None
        } else {
            Some(self.provider.account(ctx, &grant.access).await?)
        };
        Ok(self.tokens(grant, account))
    }
}

fn account(connection: &Connection, status: Option<GrantStatus>) -> Account {
    let state = match status.as_ref().map(|status| status.state) {
        None => "never",
        Some(GrantState::Active) => "active",
        Some(GrantState::NeedsConsent | GrantState::Revoked) => "needs_consent",
    };
    let status = status.as_ref();
    Account {
        connection: connection.id.clone(),
        provider: connection.provider.clone(),
        state,
        problem: status
            .and_then(|status| status.problem.clone())
            .unwrap_or_default(),
        expires_at: status.and_then(|status| status.expires_at),
        account_id: status
            .and_then(|status| status.account_id.clone())
            .unwrap_or_default(),
        scope: status.map(|status| status.scope.clone()).unwrap_or_default(),
    }
}

impl From<OAuthProblem> for AccessError {
    fn from(problem: OAuthProblem) -> Self {
        match problem {
            OAuthProblem::Unknown => Self::Unknown,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests;
