//! A person's way to the provider and back: authorization code with PKCE (RFC 7636), method S256.

use std::time::Duration;

use aes_gcm::aead::Generate;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use puente_ports::Connection;
use puente_types::{ConnectionId, Secret, Secrets, TenantId};
use sha2::{Digest, Sha256};

use super::store::TokenStore;
use super::{Begun, OAuthProblem, Pending};
use crate::{SealError, open, seal};

/// Long enough to log in with a second factor, too short to find a forgotten URL of use.
const LIFE: Duration = Duration::from_secs(600);

/// How many may be under way for one connection; more is somebody pressing the button again, and the newest counts.
const MOST_PENDING: i64 = 10;

/// A state of ours has 43 characters; what is longer is not hashed at all.
const MAX_STATE_BYTES: usize = 256;

const VERIFIER: &str = "oauth.verifier";

impl TokenStore {
    /// Prepares the URL for one person: a random state, of which only the hash is kept, and the challenge whose
    /// verifier stays here.
    ///
    /// # Errors
    /// When it cannot be sealed or committed.
    pub async fn begin(
        &self,
        connection: &Connection,
        redirect_uri: &str,
        by: &str,
    ) -> Result<Begun, OAuthProblem> {
        let (state, verifier) = (random()?, random()?);
        let now = self.clock.now();
        let challenge = challenge(&verifier);
        let secrets: Secrets = std::iter::once((VERIFIER.to_owned(), verifier)).collect();
        let sealed = seal(&self.masters, &connection.tenant, &connection.id, &secrets).await?;
        let sealed = serde_json::to_value(sealed).map_err(|_| SealError::Refused)?;
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "DELETE FROM oauth_authorizations
             WHERE expires_at <= $3 OR state_hash IN (
                 SELECT state_hash FROM oauth_authorizations WHERE tenant = $1 AND connection = $2
                 ORDER BY expires_at DESC OFFSET $4)",
            connection.tenant.as_str(),
            connection.id.as_str(),
            now,
            MOST_PENDING - 1,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO oauth_authorizations
                 (state_hash, tenant, connection, sealed, redirect_uri, created_by, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            hash(state.expose()),
            connection.tenant.as_str(),
            connection.id.as_str(),
            sealed,
            redirect_uri,
            by,
            now + LIFE,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Begun { state, challenge })
    }

    /// Takes up what [`TokenStore::begin`] prepared, once. A state that is unknown, used, too old or another tenant's
    /// is one and the same answer, and another tenant's stays usable for its own.
    ///
    /// # Errors
    /// [`OAuthProblem::Unknown`], or when the database or the seal fails.
    pub async fn finish(&self, tenant: &TenantId, state: &str) -> Result<Pending, OAuthProblem> {
        if state.len() > MAX_STATE_BYTES {
            return Err(OAuthProblem::Unknown);
        }
        let row = sqlx::query!(
            "DELETE FROM oauth_authorizations WHERE state_hash = $1 AND tenant = $2 AND expires_at > $3
             RETURNING connection, sealed, redirect_uri, created_by",
            hash(state),
            tenant.as_str(),
            self.clock.now(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(OAuthProblem::Unknown)?;
        let connection: ConnectionId = row.connection.parse().map_err(|_| OAuthProblem::Unknown)?;
        let sealed = serde_json::from_value(row.sealed).map_err(|_| SealError::Refused)?;
        let secrets = open(&self.masters, tenant, &connection, &sealed).await?;
        Ok(Pending {
            verifier: secrets.get(VERIFIER).ok_or(SealError::Refused)?.clone(),
            connection,
            redirect_uri: row.redirect_uri,
            created_by: row.created_by,
        })
    }
}

/// 256 random bits as 43 characters that a URL takes as they are.
fn random() -> Result<Secret, SealError> {
    let bytes = <[u8; 32]>::try_generate().map_err(|_| SealError::NoRandomness)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

/// Looking a hash up tells nobody how close a guess was.
fn hash(state: &str) -> Vec<u8> {
    Sha256::digest(state.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_verifier_has_the_length_and_the_alphabet_of_rfc_7636() {
        let verifier = random().unwrap();
        assert_eq!(verifier.expose().len(), 43);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(verifier.expose().chars().all(allowed));
        assert_ne!(verifier.expose(), random().unwrap().expose());
    }
}
