//! Providers that are called in the name of an account that granted it.

use std::time::Duration;

use async_trait::async_trait;
use puente_types::Secret;
use time::OffsetDateTime;

use crate::{CallCtx, Connection, ProviderError};

/// What the token endpoint gave.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Goes with each call.
    pub access: Secret,
    /// Gets the next one, where the provider gives one.
    pub refresh: Option<Secret>,
    /// How long the access token is good.
    pub life: Duration,
    /// The rights that were granted, as the provider writes them.
    pub scope: String,
}

/// The account behind a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedAccount {
    /// Its id at the provider.
    pub account_id: String,
    /// The root of its interface.
    pub base_uri: String,
}

/// A provider with OAuth 2.0. Calls go over the connection as it is; none of them needs an access token.
#[async_trait]
pub trait OAuthProvider: Send + Sync {
    /// The page where the administrator grants access: authorization code with PKCE (S256).
    ///
    /// # Errors
    /// `Configuration` when the connection lacks a setting.
    fn authorize_url(
        &self,
        connection: &Connection,
        redirect_uri: &str,
        state: &Secret,
        challenge: &str,
    ) -> Result<String, ProviderError>;

    /// Whether the connection's grants stand alone, by a signed assertion: then a person's consent brings no code that
    /// is worth exchanging, and [`OAuthProvider::renew`] needs no refresh token.
    fn stands_alone(&self, _connection: &Connection) -> bool {
        false
    }

    /// Turns a code into a grant.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn exchange(
        &self,
        ctx: CallCtx<'_>,
        code: &Secret,
        verifier: &Secret,
        redirect_uri: &str,
    ) -> Result<Grant, ProviderError>;

    /// Gets the next grant: with the refresh token, or by a signed assertion where the connection holds a key and no
    /// refresh token is given.
    ///
    /// # Errors
    /// `Auth` or `Configuration` when a person has to consent again (`consent_required`, `invalid_grant`).
    async fn renew(
        &self,
        ctx: CallCtx<'_>,
        refresh: Option<&Secret>,
        now: OffsetDateTime,
    ) -> Result<Grant, ProviderError>;

    /// Which account a grant is for.
    ///
    /// # Errors
    /// A classified [`ProviderError`].
    async fn account(&self, ctx: CallCtx<'_>, access: &Secret) -> Result<GrantedAccount, ProviderError>;
}
