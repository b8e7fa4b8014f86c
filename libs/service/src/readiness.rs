//! Whether the process can take work: a list of named checks, asked when `/readyz` is.
//!
//! A check must be cheap and must not be about a third party: a provider that is down makes effects wait, and
//! is no reason to take the service out of rotation. A child runtime that stopped takes its checks along.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// An orchestrator gives up after about this long, so a slower check has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type CheckFn = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

struct Check {
    service: Arc<str>,
    name: &'static str,
    gone: CancellationToken,
    ask: CheckFn,
}

/// The checks of a process.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<Mutex<Vec<Arc<Check>>>>,
    draining: CancellationToken,
}

/// What one check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The service that asked for the check.
    pub service: String,
    /// What is checked.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All checks together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `ready`, `not_ready` or `draining`.
    pub status: &'static str,
    /// Each check.
    pub checks: Vec<CheckReport>,
}

impl Report {
    /// Whether work may be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

impl Readiness {
    pub(crate) fn add<F, Fut>(&self, service: Arc<str>, name: &'static str, gone: CancellationToken, ask: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let ask: CheckFn = Arc::new(move || ask().boxed());
        let check = Arc::new(Check {
            service,
            name,
            gone,
            ask,
        });
        self.checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(check);
    }

    /// From now on not ready, whatever the checks say.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Asks all checks at once.
    pub async fn report(&self) -> Report {
        let checks: Vec<_> = {
            let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
            checks.retain(|check| !check.gone.is_cancelled());
            checks.clone()
        };
        let asked = checks.iter().map(|check| async {
            let answer = tokio::time::timeout(CHECK_TIMEOUT, (check.ask)()).await;
            let reason = answer
                .unwrap_or_else(|_| Err("no answer in time".to_owned()))
                .err();
            CheckReport {
                service: check.service.to_string(),
                name: check.name,
                ok: reason.is_none(),
                reason,
            }
        });
        let checks = join_all(asked).await;
        let status = if self.draining.is_cancelled() {
            "draining"
        } else if checks.iter().all(|check| check.ok) {
            "ready"
        } else {
            "not_ready"
        };
        Report { status, checks }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("draining", &self.draining.is_cancelled())
            .finish_non_exhaustive()
    }
}
