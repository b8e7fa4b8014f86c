//! OAuth tokens of the connections that a service owns: kept sealed in its own schema, renewed before they expire.
//!
//! However many callers and replicas ask for a token that is about to expire, the provider is asked once: the row of
//! the connection is locked, read again, and only who still finds an old token there renews it. What came back is
//! committed before anybody uses it, because the provider may have replaced the refresh token with it.
//!
//! A renewal runs in a task of the store: whoever wanted the token may stop waiting, and the answer is kept all the same.
//!
//! What remains: a process that dies between the provider's answer and our commit takes a replaced refresh token along. If the provider forgot the old one, the next renewal is answered with `invalid_grant`, the
//! grant needs a person's consent again, and [`TokenStore::status`] says so. Nothing is called in the meantime with a
//! token that we do not hold. Grants without refresh tokens (JWT) cannot get there.
//!
//! A refused grant is never retried by itself: [`TokenStore::fresh`] answers with the same configuration error, without
//! a call, until a person authorises again.

mod authorize;
mod keep;
mod problem;
mod renew;
mod rows;
mod slot;
mod store;

use async_trait::async_trait;
use puente_ports::{Connection, ProviderError};
use puente_types::{ConnectionId, Secret};
use sqlx::PgPool;
use time::OffsetDateTime;

pub use store::TokenStore;

use crate::SealError;

/// The code of the error that says that a person has to authorise the connection again.
pub const CONSENT_REQUIRED: &str = "consent_required";
/// The code of the error that says that the grant was revoked here.
pub const REVOKED: &str = "grant_revoked";
/// The code of the error that says that a token was refused although it is new.
pub const TOKEN_REFUSED: &str = "token_refused";

/// What a provider granted. `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Sent with every call.
    pub access: Secret,
    /// Sent to renew; absent where each grant stands alone.
    pub refresh: Option<Secret>,
    /// When the access token ends.
    pub expires_at: OffsetDateTime,
    /// What it allows, in the provider's words, parted by blanks.
    pub scope: String,
    /// The account at the provider that it is for.
    pub account_id: Option<String>,
    /// Where that account lives, if the provider spreads accounts over hosts.
    pub base_uri: Option<String>,
}

/// Gets new tokens from a provider: by refresh token, or by a grant that stands alone.
#[async_trait]
pub trait Granter: Send + Sync {
    /// Asks the provider once. `current` are the tokens to be replaced, if there are any.
    ///
    /// A grant that only a person can give back is an error with the code `consent_required` or `invalid_grant`. What
    /// is left out of the answer (refresh token, account, base URI, scope) stays as it was.
    ///
    /// # Errors
    /// What the provider answered. Never holds a token.
    async fn renew(&self, connection: &Connection, current: Option<&Tokens>)
    -> Result<Tokens, ProviderError>;
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// Tokens are at hand, or can be had without a person.
    Active,
    /// A person has to authorise again.
    NeedsConsent,
    /// Somebody took it back here.
    Revoked,
}

impl GrantState {
    /// A fixed word: as stored, and for the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NeedsConsent => "needs_consent",
            Self::Revoked => "revoked",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "needs_consent" => Self::NeedsConsent,
            "revoked" => Self::Revoked,
            _ => Self::Active,
        }
    }
}

/// What people are shown of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantStatus {
    /// Where it stands.
    pub state: GrantState,
    /// When the access token ends; it is renewed before.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last renewed.
    pub refreshed_at: Option<OffsetDateTime>,
    /// What it allows, in the provider's words.
    pub scope: String,
    /// The account at the provider.
    pub account_id: Option<String>,
    /// Why a person is needed; no secret.
    pub problem: Option<String>,
}

/// A grant in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose it is.
    pub tenant: String,
    /// Of which connection.
    pub connection: String,
    /// Where it stands.
    pub status: GrantStatus,
}

/// The grants in a service's schema, those that need a person first; at most a thousand.
///
/// # Errors
/// When the database cannot be reached.
pub async fn grants(pool: &PgPool) -> Result<Vec<Grant>, sqlx::Error> {
    rows::list(pool).await
}

/// A person is about to be sent to the provider.
#[derive(Debug)]
pub struct Begun {
    /// Goes into the URL as `state`, and comes back with the person.
    pub state: Secret,
    /// Goes into the URL as `code_challenge`, with the method `S256`.
    pub challenge: String,
}

/// A person came back from the provider.
#[derive(Debug)]
pub struct Pending {
    /// Which connection was authorised.
    pub connection: ConnectionId,
    /// The `code_verifier` of the exchange.
    pub verifier: Secret,
    /// The `redirect_uri` of the exchange: the one the person was sent with.
    pub redirect_uri: String,
    /// Who began it.
    pub created_by: String,
}

/// Why an authorisation could not begin or end, or a grant not be changed.
#[derive(Debug, thiserror::Error)]
pub enum OAuthProblem {
    /// No such authorisation is under way: never begun, used, too old, or somebody else's. Which, is not told.
    #[error("no such authorisation is under way; begin again")]
    Unknown,
    /// The database.
    #[error("the authorisations cannot be reached in the database")]
    Database(#[from] sqlx::Error),
    /// The verifier or a token could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}
