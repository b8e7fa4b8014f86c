//! A provider's log-in for tests: it counts, refuses, hangs, or cuts the store's database connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use puente_ports::{Connection, ProviderError, ProviderErrorKind};
use puente_types::{Clock, ManualClock, Secret};
use puente_vault::MasterKeys;
use puente_vault::oauth::{Granter, TokenStore, Tokens};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::{MutexGuard, Notify};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const REDIRECT: &str = "https://puente.example/oauth/callback";

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(OffsetDateTime::from_unix_timestamp(2_000_000_000).unwrap())
}

pub(crate) fn store(pool: PgPool, masters: &MasterKeys, clock: &ManualClock) -> TokenStore {
    TokenStore::new(pool, masters.clone(), Arc::new(clock.clone()))
}

pub(crate) fn tokens(access: &str, refresh: Option<&str>, clock: &ManualClock, life: Duration) -> Tokens {
    Tokens {
        access: Secret::new(access),
        refresh: refresh.map(Secret::new),
        expires_at: clock.now() + life,
        scope: "signature extended".to_owned(),
        account_id: Some("account-7".to_owned()),
        base_uri: Some("https://na4.sign.example".to_owned()),
    }
}

/// The access token that a caller gets.
pub(crate) async fn access(store: &TokenStore, connection: &Connection, granter: &Arc<Provider>) -> String {
    let tokens = store.fresh(connection, granter).await.unwrap();
    assert_eq!(
        tokens.account_id.as_deref(),
        Some("account-7"),
        "kept over renewals"
    );
    tokens.access.expose().to_owned()
}

pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

enum Answer {
    Tokens(&'static str),
    Error(ProviderErrorKind, String),
    Never,
}

pub(crate) struct Provider {
    answer: Answer,
    clock: ManualClock,
    calls: AtomicUsize,
    refreshes: Mutex<Vec<String>>,
    reached: Notify,
    held: tokio::sync::Mutex<()>,
    cuts: Mutex<Option<PgPool>>,
}

impl Provider {
    /// Grants `<name>-1`, `<name>-2` … for an hour each.
    pub(crate) fn answers(name: &'static str, clock: &ManualClock) -> Arc<Self> {
        Self::with(Answer::Tokens(name), clock)
    }

    pub(crate) fn refuses(kind: ProviderErrorKind, code: &str, clock: &ManualClock) -> Arc<Self> {
        Self::with(Answer::Error(kind, code.to_owned()), clock)
    }

    pub(crate) fn hangs(clock: &ManualClock) -> Arc<Self> {
        Self::with(Answer::Never, clock)
    }

    /// Keeps its answers back from now on, until the value is dropped.
    pub(crate) async fn hold(&self) -> MutexGuard<'_, ()> {
        self.held.lock().await
    }

    fn with(answer: Answer, clock: &ManualClock) -> Arc<Self> {
        Arc::new(Self {
            answer,
            clock: clock.clone(),
            calls: AtomicUsize::new(0),
            refreshes: Mutex::default(),
            reached: Notify::new(),
            held: tokio::sync::Mutex::default(),
            cuts: Mutex::default(),
        })
    }

    /// Ends every connection that is inside a transaction, before it answers.
    pub(crate) fn that_first_cuts(self: Arc<Self>, admin: PgPool) -> Arc<Self> {
        *self.cuts.lock().unwrap() = Some(admin);
        self
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The refresh tokens it was shown.
    pub(crate) fn refreshes(&self) -> Vec<String> {
        self.refreshes.lock().unwrap().clone()
    }

    /// Until it was asked.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }
}

/// Ends the connection of the renewal that is under way, as if its process had died.
pub(crate) async fn cut(admin: &PgPool) {
    let cut: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'",
    )
    .fetch_all(admin)
    .await
    .unwrap();
    assert_eq!(cut, [true], "the renewal holds one transaction");
}

#[async_trait]
impl Granter for Provider {
    async fn renew(&self, _: &Connection, current: Option<&Tokens>) -> Result<Tokens, ProviderError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let refresh = current.and_then(|tokens| tokens.refresh.as_ref());
        self.refreshes
            .lock()
            .unwrap()
            .extend(refresh.map(|secret| secret.expose().to_owned()));
        self.reached.notify_one();
        let _let_go = self.held.lock().await;
        let cuts = self.cuts.lock().unwrap().clone();
        if let Some(admin) = cuts {
            cut(&admin).await;
        }
        match &self.answer {
            Answer::Tokens(name) => Ok(Tokens {
                account_id: (current.is_none()).then(|| "account-7".to_owned()),
                ..tokens(
                    &format!("{name}-{call}"),
                    Some(&format!("{name}-refresh-{call}")),
                    &self.clock,
                    HOUR,
                )
            }),
            Answer::Error(kind, code) => Err(ProviderError::new(
                kind.clone(),
                code.clone(),
                "as the test wishes",
            )),
            Answer::Never => std::future::pending().await,
        }
    }
}
