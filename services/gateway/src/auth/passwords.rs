//! Passwords: Argon2id, on threads of their own, few at a time.
//!
//! One hash takes 19 MiB and tens of milliseconds; a crowd at the log-in page must neither fill the memory nor hold up
//! the threads that answer everybody else.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use puente_types::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hashes at a time.
const AT_A_TIME: usize = 2;
/// A person who waits longer than this for a turn tries again.
const PATIENCE: Duration = Duration::from_secs(4);
/// Characters of a password at least.
pub(crate) const SHORTEST: usize = 12;
/// Bytes of a password at most: more is an attack on the processor.
pub(crate) const LONGEST: usize = 256;
/// A hash of nobody's password, in the same parameters: an unknown person takes as long as a known one.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cHVlbnRlLW5vYm9keS1pcy1oZXJl$K+kTfQ2DkJoFT4CJpVRLDkjWxPkBE4O1yAlk4eO3m0w";

/// Why a password could not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many at a time.
    #[error("too many people log in at a time")]
    Busy,
    /// Shorter or longer than is allowed.
    #[error("a password has 12 to 256 characters")]
    Length,
    /// The library refused.
    #[error("the password cannot be hashed")]
    Broken,
}

/// A turn: given back when its work is done, or when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// Hashes and checks; clones share the places.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// A turn to have a password looked at.
    pub(crate) async fn turn(&self) -> Result<Turn, PasswordError> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
        match turn {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            _ => Err(PasswordError::Busy),
        }
    }

    /// The hash that is kept of a new password.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String, PasswordError> {
        let length = password.expose().len();
        if password.expose().chars().count() < SHORTEST || length > LONGEST {
            return Err(PasswordError::Length);
        }
        let password = password.clone();
        self.work(self.turn().await?, move || {
            let salt = SaltString::generate(&mut OsRng);
            let hash = Argon2::default().hash_password(password.expose().as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
                .map_err(|_| PasswordError::Broken)
        })
        .await?
    }

    /// Whether the password is the one whose hash is kept; without a hash it takes as long to say no.
    pub(crate) async fn fits(
        &self,
        turn: Turn,
        password: &Secret,
        kept: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = kept.is_some();
        let kept = kept.unwrap_or_else(|| DUMMY.to_owned());
        let password = password.clone();
        let fits = self
            .work(turn, move || {
                let bytes = password.expose().as_bytes();
                let bytes = bytes.get(..LONGEST.min(bytes.len())).unwrap_or_default();
                PasswordHash::new(&kept)
                    .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok())
            })
            .await?;
        Ok(fits && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
        .map_err(|_| PasswordError::Broken)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_fits_and_nobody_takes_as_long_as_somebody() {
        let passwords = Passwords::new();
        let right = Secret::new("correcto caballo pila");
        let kept = passwords.hash(&right).await.unwrap();
        assert!(kept.starts_with("$argon2id$") && !kept.contains("caballo"));
        let fits = async |password: &Secret, kept: Option<String>| {
            let turn = passwords.turn().await.unwrap();
            passwords.fits(turn, password, kept).await.unwrap()
        };
        assert!(fits(&right, Some(kept.clone())).await);
        assert!(!fits(&Secret::new("otro"), Some(kept)).await);
        let begin = Instant::now();
        assert!(!fits(&right, None).await);
        assert!(
            PasswordHash::new(DUMMY).is_ok(),
            "nobody's hash is checked like any other"
        );
        assert!(begin.elapsed() > Duration::from_millis(1), "it was hashed");
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        let passwords = Passwords::new();
        for bad in ["once letras".to_owned(), "x".repeat(257)] {
            assert_eq!(
                passwords.hash(&Secret::new(bad)).await,
                Err(PasswordError::Length)
            );
        }
    }
}
