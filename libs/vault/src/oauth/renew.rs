//! Renewal before expiry, exactly once over all callers and replicas.

use std::sync::Arc;
use std::time::Duration;

use puente_ports::{Connection, ProviderError};
use puente_telemetry::metric;
use time::OffsetDateTime;

use super::keep::{Keeping, Kept};
use super::problem::{consent_required, needs_a_person, no_database, not_acted, unavailable, unsealable};
use super::rows::{self, Row};
use super::slot::{PAUSE, Slot};
use super::store::{Held, TokenStore, sealed};
use super::{CONSENT_REQUIRED, GrantState, Granter, REVOKED, TOKEN_REFUSED, Tokens};

/// This long before its end a token is replaced; long enough for an outage of the provider's log-in to pass.
const AHEAD: Duration = Duration::from_secs(300);
/// Of a short-lived token, this part of its life instead.
const AHEAD_PART: u32 = 10;

/// The longest that a row stays locked for a provider's answer; far below the pool's limit for idle transactions.
const RENEW_DEADLINE: Duration = Duration::from_secs(15);

/// The longest that a caller waits for another caller of the same process: a lock and a renewal.
const TURN_DEADLINE: Duration = Duration::from_secs(40);

/// A token that is refused again this soon after a refusal made us renew it is not refused for its age.
const REFUSED_AGAIN: Duration = Duration::from_secs(60);

/// A token with less left is not worth sending when its renewal failed.
const LAST_USE: Duration = Duration::from_secs(10);

impl TokenStore {
    /// A token that is good for a while. From memory as a rule; renewed when little of its life remains, once over
    /// all callers and replicas, and committed before it is given out.
    ///
    /// A renewal that has begun goes on when the future is dropped: its answer is kept, and the next caller gets it.
    ///
    /// # Errors
    /// `Configuration` with [`CONSENT_REQUIRED`], [`REVOKED`] or [`TOKEN_REFUSED`] when only a person can help; this
    /// costs no call to the provider. `Unavailable` when the provider or the database did not answer.
    pub async fn fresh<G: Granter + ?Sized + 'static>(
        &self,
        connection: &Connection,
        granter: &Arc<G>,
    ) -> Result<Tokens, ProviderError> {
        let slot = self.slot(&connection.tenant, &connection.id);
        if let Some(tokens) = slot.usable(self.clock.now()) {
            return Ok(tokens);
        }
        let turn = tokio::time::timeout(TURN_DEADLINE, Arc::clone(&slot.gate).lock_owned());
        let turn = turn
            .await
            .map_err(|_| unavailable("the renewal of this connection's token takes too long"))?;
        if let Some(tokens) = slot.usable(self.clock.now()) {
            return Ok(tokens);
        }
        if let Some(error) = slot.failed(self.clock.now()) {
            return Err(error);
        }
        let row = rows::read(&self.pool, &connection.tenant, &connection.id)
            .await
            .map_err(|_| no_database())?;
        if let Some(row) = &row
            && row.grant() == GrantState::Active
            && let Some(tokens) = slot.confirmed(row.version, self.clock.now())
        {
            return Ok(tokens);
        }
        if let Some(row) = row
            && let Some(tokens) = self.still_good(connection, &slot, &row).await?.good
        {
            return Ok(tokens);
        }
        let (store, connection) = (self.clone(), connection.clone());
        let granter = Arc::clone(granter);
        let renewal = async move {
            let _turn = turn;
            store.renew(&connection, &slot, &*granter).await
        };
        self.carry_through(renewal).await.unwrap_or_else(|| {
            Err(unavailable(
                "the renewal of this connection's token was broken off",
            ))
        })
    }

    async fn renew<G: Granter + ?Sized>(
        &self,
        connection: &Connection,
        slot: &Slot,
        granter: &G,
    ) -> Result<Tokens, ProviderError> {
        let permit = tokio::time::timeout(TURN_DEADLINE, self.renewals.acquire()).await;
        let _permit = permit.map_err(|_| unavailable("too many tokens are renewed at once"))?;
        let mut tx = self.pool.begin().await.map_err(|_| no_database())?;
        let row = rows::lock(&mut tx, connection).await.map_err(|_| no_database())?;
        let Looked { good, held } = self.still_good(connection, slot, &row).await?;
        if let Some(tokens) = good {
            return Ok(tokens); // another replica was faster
        }
        let now = self.clock.now();
        let rejected = held
            .as_ref()
            .is_some_and(|held| slot.is_rejected(&held.tokens.access));
        if rejected && row.rejected_at.is_some_and(|at| now < at + REFUSED_AGAIN) {
            return Err(ProviderError::configuration(
                TOKEN_REFUSED,
                format!("connection {}: a new token was refused as well", connection.id),
            ));
        }
        // Before the provider replaces anything: what it gives can be sealed whatever becomes of the vault.
        let key = self.masters.data_key(&connection.tenant).await;
        let key = key.map_err(|error| unsealable(connection, error))?;
        let current = held.as_ref().map(|held| &held.tokens);
        let asked = tokio::time::timeout(RENEW_DEADLINE, granter.renew(connection, current)).await;
        let error = match asked {
            Ok(Ok(tokens)) => {
                let tokens = carry_over(tokens, current);
                let sealed = sealed(&key, connection, &tokens);
                let sealed = sealed.map_err(|error| unsealable(connection, error))?;
                let keeping = Keeping {
                    connection,
                    tokens,
                    sealed,
                    version: row.version,
                    rejected,
                };
                let kept = self.keep(tx, keeping).await;
                let outcome = if kept.is_ok() { "renewed" } else { "not_kept" };
                metric::token_renewal(&connection.provider, outcome);
                return match kept {
                    Ok(Kept { held, version }) => {
                        let Held {
                            tokens,
                            refreshed_at: at,
                        } = held;
                        // A token that is over when it comes is used up to the pause, not renewed with every call.
                        slot.keep(&tokens, renew_at(&tokens, at).max(at + PAUSE), at, version);
                        tracing::info!(connection = %connection.id, "The token of connection `{}` was renewed", connection.id);
                        Ok(tokens)
                    }
                    Err(error) => {
                        slot.forget();
                        Err(error)
                    }
                };
            }
            Ok(Err(error)) if needs_a_person(&error) => {
                let problem = format!("{}: {}", error.code(), error.detail());
                metric::token_renewal(&connection.provider, CONSENT_REQUIRED);
                self.lost(connection, tx, &problem).await?;
                slot.forget();
                return Err(consent_required(connection, &problem));
            }
            Ok(Err(error)) => not_acted(error),
            Err(_) => unavailable("the provider did not answer the renewal of the token in time"),
        };
        drop(tx);
        metric::token_renewal(&connection.provider, error.class().as_str());
        slot.fail(&error, now);
        match held {
            Some(Held { tokens, .. }) if !rejected && now + LAST_USE < tokens.expires_at => {
                tracing::warn!(connection = %connection.id, %error, "The token of connection `{}` could not be renewed yet; the old one is still good: {error}", connection.id);
                // Used as it is until the pause is over; then the next caller tries again.
                slot.keep(&tokens, now + PAUSE, now, row.version);
                Ok(tokens)
            }
            _ => Err(error),
        }
    }

    /// What a row says: its tokens if they need no renewal, or the error that spares the call.
    async fn still_good(
        &self,
        connection: &Connection,
        slot: &Slot,
        row: &Row,
    ) -> Result<Looked, ProviderError> {
        match row.grant() {
            GrantState::Active => {}
            GrantState::NeedsConsent => {
                slot.forget();
                let problem = row.problem.as_deref().unwrap_or_default();
                return Err(consent_required(connection, problem));
            }
            GrantState::Revoked => {
                slot.forget();
                return Err(ProviderError::configuration(
                    REVOKED,
                    format!(
                        "the grant of connection {} was revoked; authorise it again",
                        connection.id
                    ),
                ));
            }
        }
        let opened = self.opened(connection, row).await;
        let held = opened.map_err(|error| unsealable(connection, error))?;
        let now = self.clock.now();
        let good = held.as_ref().and_then(|held| {
            let renew_at = renew_at(&held.tokens, held.refreshed_at);
            let good = now < renew_at && !slot.is_rejected(&held.tokens.access);
            good.then(|| {
                slot.keep(&held.tokens, renew_at, now, row.version);
                held.tokens.clone()
            })
        });
        Ok(Looked { good, held })
    }
}

/// What a look at a row gave.
struct Looked {
    /// Tokens that need no renewal.
    good: Option<Tokens>,
    /// Tokens, good or not.
    held: Option<Held>,
}

/// From when on tokens are to be renewed.
fn renew_at(tokens: &Tokens, since: OffsetDateTime) -> OffsetDateTime {
    let life = Duration::try_from(tokens.expires_at - since).unwrap_or_default();
    tokens.expires_at - AHEAD.min(life / AHEAD_PART)
}

/// What an answer leaves out stays as it was.
fn carry_over(mut tokens: Tokens, current: Option<&Tokens>) -> Tokens {
    if let Some(current) = current {
        tokens.refresh = tokens.refresh.or_else(|| current.refresh.clone());
        tokens.account_id = tokens.account_id.or_else(|| current.account_id.clone());
        tokens.base_uri = tokens.base_uri.or_else(|| current.base_uri.clone());
        if tokens.scope.is_empty() {
            tokens.scope.clone_from(&current.scope);
        }
    }
    tokens
}
