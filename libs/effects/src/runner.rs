//! The runner: one per service replica.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use puente_http::Http;
use puente_outbox::Outbox;
use puente_ports::{
    CallCtx, Connection, Decision, Manifest, Provider, ProviderError, ProviderErrorKind, Recovery, Registry,
};
use puente_telemetry::{metric, set_parent};
use puente_types::ConnectionId;
use puente_vault::Connections;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::claim::{self, Claim};
use crate::quota::{self, Limit};
use crate::settle::{self, Counts, Verdict};
use crate::{Effect, EffectExecutor, Outcome};

/// The longest call of a provider that does not say how long its calls may take.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often what waits is counted for the metrics; dashboards look every 15 seconds at the soonest.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Says that new effects were committed here: what handlers hold that know nothing else of the runner.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// What an installation may choose.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Calls of one connection at the same time in this replica. Small, since a dying replica leaves so many in doubt.
    pub per_connection: usize,
    /// How much longer than the call's deadline the lease is.
    pub lease_margin: Duration,
    /// The longest sleep when nothing is due: other replicas' work is noticed so late.
    pub idle: Duration,
    /// The waits between attempts.
    pub schedule: puente_http::retry::Schedule,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            per_connection: 8,
            lease_margin: Duration::from_secs(5),
            idle: Duration::from_millis(500),
            schedule: puente_http::retry::Schedule::default(),
        }
    }
}

impl Settings {
    /// As the configuration of a service says: `calls_per_connection`.
    #[must_use]
    pub fn configured(calls_per_connection: NonZeroUsize) -> Self {
        Self {
            per_connection: calls_per_connection.get(),
            ..Self::default()
        }
    }
}

struct Inner<E> {
    outbox: Outbox,
    connections: Connections,
    http: Http,
    registry: Registry,
    executor: Arc<E>,
    settings: Settings,
    owner: Uuid,
    wake: Notify,
    /// Calls under way, by connection.
    running: Mutex<HashMap<String, usize>>,
    /// Quota scopes whose tokens stand in the table, with the limit they stand for.
    ensured: Mutex<HashMap<String, Limit>>,
}

/// Runs a service's effects; clones share the runner.
pub struct Effects<E>(Arc<Inner<E>>);

impl<E> Clone for Effects<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: EffectExecutor> Effects<E> {
    /// A runner over the schema of the outbox.
    pub fn new(
        outbox: Outbox,
        connections: Connections,
        http: Http,
        registry: Registry,
        executor: Arc<E>,
        settings: Settings,
    ) -> Self {
        let inner = Inner {
            outbox,
            connections,
            http,
            registry,
            executor,
            settings,
            owner: Uuid::now_v7(),
            wake: Notify::new(),
            running: Mutex::default(),
            ensured: Mutex::default(),
        };
        Self(Arc::new(inner))
    }

    /// Says that new effects were committed here.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// The same, to be held by others.
    pub fn waker(&self) -> Wake {
        let runner = self.clone();
        Box::new(move || runner.wake())
    }

    /// Works until `shutdown`, then lets the calls under way end and settles them.
    pub async fn run(self, shutdown: CancellationToken) {
        let calls = TaskTracker::new();
        let (mut swept, mut counted) = (Instant::now(), None::<Instant>);
        while !shutdown.is_cancelled() {
            let pause = match self.round(&calls).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::debug!(error = %error, "effects cannot be claimed yet");
                    Duration::from_secs(1)
                }
            };
            if swept.elapsed() >= Duration::from_secs(1) {
                swept = Instant::now();
                if let Err(error) = self.sweep(&calls).await {
                    tracing::debug!(error = %error, "abandoned calls cannot be looked for yet");
                }
            }
            if counted.is_none_or(|at| at.elapsed() >= COUNT_EVERY) {
                counted = Some(Instant::now());
                if let Err(error) = self.count_waiting().await {
                    tracing::debug!(error = %error, "waiting effects cannot be counted yet");
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(pause.min(self.0.settings.idle)) => {}
            }
        }
        calls.close();
        calls.wait().await;
    }

    /// Claims what may be called now. Returns how long nothing more can be done.
    async fn round(&self, calls: &TaskTracker) -> Result<Duration, sqlx::Error> {
        let mut pause = self.0.settings.idle;
        for lane in claim::lanes(self.0.outbox.pool()).await? {
            if !lane.due_in.is_zero() {
                pause = pause.min(lane.due_in);
                continue;
            }
            let Ok(id) = lane.connection.parse::<ConnectionId>() else {
                continue;
            };
            if let Err(closed_for) = self.0.http.breaker(&lane.provider, &id).ready() {
                pause = pause.min(closed_for.max(Duration::from_millis(10)));
                continue;
            }
            let free = self
                .0
                .settings
                .per_connection
                .saturating_sub(self.running(&lane.connection));
            if free == 0 {
                // The end of a call wakes the runner.
                continue;
            }
            let limits = self.limits(&lane.provider, &id).await?;
            let deadline = self.deadline(&lane.provider);
            let lease = deadline + self.0.settings.lease_margin;
            let claimed = claim::claim(
                self.0.outbox.pool(),
                &lane.connection,
                &limits,
                free,
                self.0.owner,
                deadline,
                lease,
            )
            .await?;
            match claimed {
                Claim::Calls(effects) => {
                    pause = Duration::ZERO;
                    for effect in effects {
                        self.start(calls, effect, false);
                    }
                }
                Claim::Wait(free_in) => pause = pause.min(free_in),
                Claim::Nothing => {}
            }
        }
        Ok(pause)
    }

    /// Tells the metrics how much waits, by provider.
    async fn count_waiting(&self) -> Result<(), sqlx::Error> {
        for (provider, waiting) in claim::waiting(self.0.outbox.pool()).await? {
            metric::effects_waiting(&provider, waiting);
        }
        Ok(())
    }

    /// Looks after calls whose caller is gone.
    async fn sweep(&self, calls: &TaskTracker) -> Result<(), sqlx::Error> {
        // As long as for a call: a look-up may take as long as one.
        let lease = |provider: &str| self.deadline(provider) + self.0.settings.lease_margin;
        for effect in claim::abandoned(self.0.outbox.pool(), self.0.owner, lease).await? {
            tracing::warn!(effect.id = %effect.id, operation = effect.operation, "the caller of an effect is gone");
            self.start(calls, effect, true);
        }
        Ok(())
    }

    fn start(&self, calls: &TaskTracker, effect: Effect, in_doubt: bool) {
        self.count(&effect.connection, 1);
        let runner = self.clone();
        calls.spawn(async move {
            let span = tracing::info_span!(
                "effect.run",
                otel.kind = "internal",
                effect.id = %effect.id,
                tenant.id = %effect.tenant,
                provider = effect.provider,
                operation = effect.operation,
                attempt = effect.attempts,
            );
            set_parent(&span, effect.traceparent.as_deref());
            async {
                let started = Instant::now();
                let verdict = runner.perform(&effect, in_doubt).await;
                metric::effect(
                    &effect.provider,
                    &effect.operation,
                    label(&verdict),
                    started.elapsed(),
                );
                runner.settle(&effect, &verdict).await;
            }
            .instrument(span)
            .await;
            runner.count(&effect.connection, -1);
            runner.wake();
        });
    }

    /// Calls the provider, or finds out what became of an earlier call, and decides.
    async fn perform(&self, effect: &Effect, in_doubt: bool) -> Verdict {
        let connection = match self.connection(effect) {
            Ok(connection) => connection,
            // The earlier call may have happened, and nobody can be asked: that is no failure, and no reason to repeat it.
            Err(error) if in_doubt => {
                return Verdict::End(Outcome::Unknown {
                    reason: format!("its caller stopped during the call; look-up: {error}"),
                });
            }
            Err(error) => return self.decide(effect, error),
        };
        if in_doubt {
            return self
                .recover(effect, &connection, "its caller stopped during the call")
                .await;
        }
        let traceparent = puente_telemetry::current_traceparent();
        let ctx = self.ctx(effect, &connection, traceparent.as_deref());
        let call = tokio::time::timeout(
            ctx.deadline + Duration::from_secs(1),
            self.0.executor.call(effect, ctx),
        );
        match call.await {
            Ok(Ok(result)) => Verdict::End(Outcome::Done(result)),
            Ok(Err(error)) if error.decision() == Decision::Settle => {
                self.recover(effect, &connection, error.detail()).await
            }
            Ok(Err(error)) => self.decide(effect, error),
            Err(_) => {
                self.recover(effect, &connection, "the call did not end in time")
                    .await
            }
        }
    }

    /// Nobody knows whether the call happened: what its operation declares decides.
    async fn recover(&self, effect: &Effect, connection: &Connection, reason: &str) -> Verdict {
        let again = |after| Verdict::Again {
            after,
            error: ProviderError::new(ProviderErrorKind::OutcomeUnknown, "outcome_unknown", reason),
            counts: Counts::Failed,
            pause_lane: false,
        };
        let budget = Decision::Retry {
            max_attempts: 4,
            after: None,
        };
        match self.0.executor.recovery(effect) {
            Recovery::Repeatable => match self.delay(effect.failed, budget) {
                Some(after) => again(after),
                None => Verdict::End(Outcome::Unknown {
                    reason: reason.to_owned(),
                }),
            },
            Recovery::Findable => {
                let traceparent = puente_telemetry::current_traceparent();
                match self
                    .0
                    .executor
                    .find(effect, self.ctx(effect, connection, traceparent.as_deref()))
                    .await
                {
                    Ok(Some(result)) => Verdict::End(Outcome::Done(result)),
                    Ok(None) => match self.delay(effect.failed, budget) {
                        Some(after) => again(after),
                        None => Verdict::End(Outcome::Unknown {
                            reason: reason.to_owned(),
                        }),
                    },
                    // Still in doubt, and the look-up does not help: a person sees both reasons.
                    Err(error) => Verdict::End(Outcome::Unknown {
                        reason: format!("{reason}; look-up: {error}"),
                    }),
                }
            }
            Recovery::Unsure => Verdict::End(Outcome::Unknown {
                reason: reason.to_owned(),
            }),
        }
    }

    fn decide(&self, effect: &Effect, error: ProviderError) -> Verdict {
        let counts = match error.kind() {
            // The breaker kept the call from being made at all: that is waiting, not an attempt.
            _ if error.code() == "breaker_open" => Counts::Nothing,
            ProviderErrorKind::RateLimited { .. } => Counts::Limited,
            _ => Counts::Failed,
        };
        let so_far = match counts {
            Counts::Limited => effect.limited,
            Counts::Nothing | Counts::Failed => effect.failed,
        };
        let decision = error.decision();
        let pause_lane = matches!(
            error.kind(),
            ProviderErrorKind::RateLimited { retry_after: Some(_) }
        );
        let after = match decision {
            Decision::Retry {
                after: Some(after), ..
            } if counts == Counts::Nothing => Some(after),
            Decision::Retry { .. } => self.delay(so_far, decision),
            Decision::Fail | Decision::RefreshThenFail | Decision::Settle => None,
        };
        match after {
            Some(after) => Verdict::Again {
                after,
                error,
                counts,
                pause_lane,
            },
            None => Verdict::End(Outcome::Failed(error)),
        }
    }

    /// The wait after a call that failed as `so_far` calls of its class did before it; `None` when that was the last.
    fn delay(&self, so_far: i32, decision: Decision) -> Option<Duration> {
        let failures = u32::try_from(so_far).unwrap_or(u32::MAX).saturating_add(1);
        self.0.settings.schedule.delay(failures, decision)
    }

    /// Settles, and keeps at it while the database is away: the outcome is known, and must not be lost to a restart
    /// of the database. The lease bounds it; after that the effect is in doubt.
    async fn settle(&self, effect: &Effect, verdict: &Verdict) {
        let give_up = Instant::now() + self.deadline(&effect.provider) + self.0.settings.lease_margin;
        let mut pause = Duration::from_millis(50);
        loop {
            match settle::settle(&self.0.outbox, &*self.0.executor, effect, verdict).await {
                Ok(()) => return,
                Err(error) if Instant::now() >= give_up => {
                    tracing::error!(effect.id = %effect.id, error = %error, "outcome could not be written, the effect is in doubt");
                    return;
                }
                Err(error) => {
                    tracing::warn!(effect.id = %effect.id, error = %error, "outcome will be written again");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn connection(&self, effect: &Effect) -> Result<Arc<Connection>, ProviderError> {
        let connection = self.0.connections.get(&effect.connection).ok_or_else(|| {
            // Not seen yet, or removed: worth a few tries.
            ProviderError::new(
                ProviderErrorKind::Unavailable { retry_after: None },
                "connection_missing",
                "no such connection",
            )
        })?;
        if connection.tenant != effect.tenant || connection.provider != effect.provider {
            return Err(ProviderError::configuration(
                "connection_foreign",
                "the connection belongs to another tenant or provider",
            ));
        }
        Ok(connection)
    }

    fn ctx<'a>(
        &'a self,
        effect: &'a Effect,
        connection: &'a Connection,
        traceparent: Option<&'a str>,
    ) -> CallCtx<'a> {
        CallCtx {
            connection,
            http: &self.0.http,
            idempotency_key: &effect.key,
            deadline: self.deadline(&effect.provider),
            traceparent,
        }
    }

    fn manifest(&self, provider: &str) -> Option<&'static Manifest> {
        (self.0.registry)(provider).map(Provider::manifest)
    }

    fn deadline(&self, provider: &str) -> Duration {
        self.manifest(provider).map_or(USUAL_TIMEOUT, |manifest| {
            Duration::from_millis(manifest.timeout_ms)
        })
    }

    /// The connection's limits, with their tokens in the table.
    async fn limits(&self, provider: &str, id: &ConnectionId) -> Result<Vec<Limit>, sqlx::Error> {
        let (Some(manifest), Some(connection)) = (self.manifest(provider), self.0.connections.get(id)) else {
            return Ok(Vec::new());
        };
        let limits = quota::limits(manifest, &connection);
        for limit in &limits {
            let known = lock(&self.0.ensured).get(&limit.scope) == Some(limit);
            if !known {
                let mut tx = self.0.outbox.pool().begin().await?;
                quota::ensure(&mut tx, limit).await?;
                tx.commit().await?;
                lock(&self.0.ensured).insert(limit.scope.clone(), limit.clone());
            }
        }
        Ok(limits)
    }

    fn running(&self, connection: &str) -> usize {
        lock(&self.0.running).get(connection).copied().unwrap_or(0)
    }

    fn count(&self, connection: &ConnectionId, by: isize) {
        let mut running = lock(&self.0.running);
        let count = running.entry(connection.as_str().to_owned()).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            running.remove(connection.as_str());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn label(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::End(Outcome::Done(_)) => "done",
        Verdict::End(Outcome::Failed(_)) => "failed",
        Verdict::End(Outcome::Unknown { .. }) => "unknown",
        Verdict::Again { .. } => "again",
    }
}
