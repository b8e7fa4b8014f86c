//! What a service is given to live in: the token that ends it, tracked tasks, the clock, its replica id, and
//! the place for its readiness checks.
//!
//! Runtimes form a tree: a fleet makes a child for each service. Stopping a child stops it alone; a failure in
//! a child stops its parents too, because a process with a dead service in it must end and tell why.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use puente_types::{Clock, SystemClock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::readiness::Readiness;
use crate::service::BoxError;
use crate::supervise::{self, Failure, FirstFailure};

/// The life support of one service. Clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    /// Cancelled when the service must finish: stop taking work, finish what was begun, return.
    pub shutdown: CancellationToken,
    /// Every task spawned here or in a child.
    pub tasks: TaskTracker,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This replica, new at every start: the owner of leases and outbox slots.
    pub replica: Uuid,
    /// The readiness checks of the process.
    pub readiness: Readiness,
    name: Arc<str>,
    running: Arc<Mutex<Vec<&'static str>>>,
    failure: Arc<FirstFailure>,
    parent: Option<Arc<Runtime>>,
}

/// The deadline of a drain passed with work going on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("still running after {waited:?}: {}", tasks.join(", "))]
pub struct StillRunning {
    /// How long was waited.
    pub waited: Duration,
    /// The names of the tasks that had not ended.
    pub tasks: Vec<&'static str>,
}

impl Runtime {
    /// A runtime with the machine's clock.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::with_clock(name, Arc::new(SystemClock))
    }

    /// A runtime whose time is `clock`; for tests.
    #[must_use]
    pub fn with_clock(name: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            clock,
            replica: Uuid::now_v7(),
            readiness: Readiness::default(),
            name: name.into(),
            running: Arc::default(),
            failure: Arc::default(),
            parent: None,
        }
    }

    /// A runtime inside this one, with a replica id of its own: stopped with it, and alone by its own token.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self {
            shutdown: self.shutdown.child_token(),
            tasks: TaskTracker::new(),
            clock: Arc::clone(&self.clock),
            replica: Uuid::now_v7(),
            readiness: self.readiness.clone(),
            name: name.into(),
            running: Arc::default(),
            failure: Arc::default(),
            parent: Some(Arc::new(self.clone())),
        }
    }

    /// The name given when it was made: the service's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a task until it ends. If it returns an error or panics, the service is told to stop and
    /// [`Runtime::failure`] says why; if it returns `Ok`, it has simply finished.
    ///
    /// The task must end by itself once [`Runtime::shutdown`] is cancelled: it is never aborted, so that what
    /// it began is finished or left for the next replica in a known state.
    pub fn spawn<F, E>(&self, task: &'static str, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let runtime = self.clone();
        let tracked = self
            .lineage()
            .map(|runtime| runtime.tasks.token())
            .collect::<Vec<_>>();
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
        let supervised = async move {
            let failure = supervise::watch(Arc::clone(&runtime.name), task, future).await;
            runtime.ended(task);
            if let Some(failure) = failure {
                runtime.fail(&failure);
            }
            drop(tracked);
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that spawns: tracked and supervised"
        )]
        tokio::spawn(supervised);
    }

    /// Adds a check to `/readyz`. It disappears when this runtime is stopped.
    pub fn ready_check<F, Fut>(&self, name: &'static str, ask: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.readiness
            .add(Arc::clone(&self.name), name, self.shutdown.clone(), ask);
    }

    /// The first task that failed in this runtime or in a child.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure.get().cloned()
    }

    /// Waits for `duration`, or less if the service is told to stop: then the answer is `false`.
    pub async fn pause(&self, duration: Duration) -> bool {
        tokio::select! {
            () = self.shutdown.cancelled() => false,
            () = tokio::time::sleep(duration) => true,
        }
    }

    /// Tells everything here and in children to stop, and waits until it has.
    ///
    /// # Errors
    /// When tasks still run at the deadline. They are not aborted.
    pub async fn drain(&self, deadline: Duration) -> Result<(), StillRunning> {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok() {
            return Ok(());
        }
        let tasks = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Err(StillRunning {
            waited: deadline,
            tasks,
        })
    }

    fn lineage(&self) -> impl Iterator<Item = &Runtime> {
        std::iter::successors(Some(self), |runtime| runtime.parent.as_deref())
    }

    fn ended(&self, task: &'static str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = running.iter().position(|other| *other == task) {
            running.swap_remove(at);
        }
    }

    fn fail(&self, failure: &Failure) {
        tracing::error!(
            service = %failure.service,
            task = failure.task,
            reason = %failure.reason,
            "task `{}` of {} {}; the service stops", failure.task, failure.service, failure.how
        );
        for runtime in self.lineage() {
            runtime.failure.keep(failure);
            runtime.shutdown.cancel();
        }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("name", &self.name)
            .field("replica", &self.replica)
            .field("stopping", &self.shutdown.is_cancelled())
            .finish_non_exhaustive()
    }
}
