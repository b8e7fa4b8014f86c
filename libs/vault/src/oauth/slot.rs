//! What one process remembers of a connection's grant, so that calls cost no query.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use puente_ports::ProviderError;
use puente_types::Secret;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::Tokens;

/// How long a token is used before the row is looked at again: so soon does a revocation by another replica take hold.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long everybody takes a failed renewal's error for an answer, instead of asking again one after the other.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

type Digest256 = [u8; 32];

/// One connection's.
#[derive(Default)]
pub(super) struct Slot {
    /// One caller at a time looks into the database; the others wait for what it finds, and hold no connection.
    pub(super) gate: Arc<tokio::sync::Mutex<()>>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    cached: Option<Cached>,
    rejected: Option<Digest256>,
    failed: Option<(OffsetDateTime, ProviderError)>,
}

struct Cached {
    tokens: Tokens,
    /// From then on it is to be renewed.
    renew_at: OffsetDateTime,
    seen_at: OffsetDateTime,
    /// Of the row it came from.
    version: i64,
}

impl Slot {
    /// The token at hand, unless it is to be renewed or looked up again.
    pub(super) fn usable(&self, now: OffsetDateTime) -> Option<Tokens> {
        let seen = self.seen();
        let cached = seen.cached.as_ref()?;
        (now < cached.renew_at && now < cached.seen_at + LOOK_AGAIN).then(|| cached.tokens.clone())
    }

    /// The token at hand, if the row still has the version that it came from: then nothing has to be opened.
    pub(super) fn confirmed(&self, version: i64, now: OffsetDateTime) -> Option<Tokens> {
        let mut seen = self.seen();
        let cached = seen.cached.as_mut()?;
        let same = cached.version == version && now < cached.renew_at;
        same.then(|| {
            cached.seen_at = now;
            cached.tokens.clone()
        })
    }

    /// What the last renewal failed with, while it is too early to try again.
    pub(super) fn failed(&self, now: OffsetDateTime) -> Option<ProviderError> {
        let seen = self.seen();
        let (until, error) = seen.failed.as_ref()?;
        (now < *until).then(|| error.clone())
    }

    pub(super) fn keep(&self, tokens: &Tokens, renew_at: OffsetDateTime, now: OffsetDateTime, version: i64) {
        let mut seen = self.seen();
        seen.failed = None;
        if seen.rejected.is_some_and(|digest| digest != of(&tokens.access)) {
            seen.rejected = None;
        }
        seen.cached = Some(Cached {
            tokens: tokens.clone(),
            renew_at,
            seen_at: now,
            version,
        });
    }

    pub(super) fn fail(&self, error: &ProviderError, now: OffsetDateTime) {
        self.seen().failed = Some((now + PAUSE, error.clone()));
    }

    /// Notes that the provider refused this token; a token that was replaced meanwhile changes nothing.
    pub(super) fn reject(&self, access: &Secret) {
        let mut seen = self.seen();
        let digest = of(access);
        if seen
            .cached
            .as_ref()
            .is_none_or(|cached| of(&cached.tokens.access) == digest)
        {
            seen.cached = None;
            seen.rejected = Some(digest);
        }
    }

    pub(super) fn is_rejected(&self, access: &Secret) -> bool {
        self.seen().rejected.is_some_and(|digest| digest == of(access))
    }

    /// Forgets the token and the failure: the row says what is right.
    pub(super) fn forget(&self) {
        let mut seen = self.seen();
        seen.cached = None;
        seen.failed = None;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens are told apart by their digests: comparing those takes no longer for a good guess.
fn of(access: &Secret) -> Digest256 {
    Sha256::digest(access.expose().as_bytes()).into()
}
