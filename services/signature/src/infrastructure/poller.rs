//! Asking for envelopes that nobody reports on: a call-back that was lost is made good.
//!
//! An envelope is asked for once per interval, whatever the number of replicas: who asks has written so before. The
//! interval is never shorter than the one that the vendor allows, and grows as long as the envelope stays quiet. All
//! questions together take no more than a share of an account's quota, since sending needs the rest; and an account that
//! says that it was asked too much is left alone until it may be asked again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use puente_effects::quota::{self, Limit};
use puente_outbox::Outbox;
use puente_ports::{ErrorTag, ProviderErrorKind};
use puente_types::TenantId;
use puente_work::Claimed;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::infrastructure::calls::Calls;
use crate::infrastructure::desk::Desk;
use crate::infrastructure::store::polling::{self, Account, Due};
use crate::infrastructure::store::row;
use crate::infrastructure::wire;
use crate::infrastructure::work::Trouble;

/// Envelopes of an account asked for one after the other before the next account.
const PORTION: usize = 20;
/// The longest that a quiet envelope is not asked for: a call-back that was lost is made good on the same day.
const LONGEST: Duration = Duration::from_hours(6);
/// Doublings of the interval; enough to get from a minute to the longest.
const DOUBLINGS: u32 = 9;
/// It is looked for quiet envelopes so many times in the shortest interval.
const LOOKS: u32 = 60;
/// Of an account's quota, questions get one part in so many.
const SHARE: u64 = 5;
/// What an account without a known quota is asked in an hour.
const USUAL_SHARE: i32 = 600;
/// How long an account is left alone that does not say for how long.
const USUAL_REST: Duration = Duration::from_mins(15);

/// Asks for envelopes.
pub(crate) struct Poller {
    pub(crate) desk: Arc<Desk>,
    pub(crate) outbox: Outbox,
    pub(crate) calls: Calls,
    /// How long an envelope may be quiet before it is asked for the first time.
    pub(crate) patience: Duration,
}

impl Poller {
    /// Asks until `shutdown`.
    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.round(&shutdown).await {
                tracing::debug!(error = %error, "quiet envelopes are looked for later");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.patience / LOOKS) => {}
            }
        }
    }

    async fn round(&self, shutdown: &CancellationToken) -> Result<(), sqlx::Error> {
        let all = self.desk.chooser.connections.all();
        let providers: BTreeSet<&str> = all
            .iter()
            .map(|connection| connection.provider.as_str())
            .collect();
        for provider in providers {
            let Ok(adapter) = self.desk.chooser.adapter(provider) else {
                continue;
            };
            let due = due(self.patience, adapter.poll_interval(), self.desk.clock.now());
            let mut database = self.outbox.pool().acquire().await?;
            let accounts = polling::accounts(&mut database, provider, &due).await?;
            drop(database);
            for account in accounts {
                self.account(&account, &due, shutdown).await?;
            }
        }
        Ok(())
    }

    /// Asks for a portion of an account's quiet envelopes, until it wants to be left alone.
    async fn account(
        &self,
        account: &Account,
        due: &Due,
        shutdown: &CancellationToken,
    ) -> Result<(), sqlx::Error> {
        let most = self.most(account);
        for _ in 0..PORTION {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            let mut tx = self.outbox.pool().begin().await?;
            let Some(claimed) = polling::quiet(&mut tx, account, due).await? else {
                return Ok(());
            };
            if !polling::count(&mut tx, account, most, due.now).await? {
                return Ok(());
            }
            tx.commit().await?;
            let Err(Trouble::Provider(error)) = self.one(&claimed).await else {
                continue;
            };
            if error.tag() == ErrorTag::Permanent {
                // That envelope's own trouble.
                continue;
            }
            let mut database = self.outbox.pool().acquire().await?;
            polling::unanswered(&mut database, &claimed).await?;
            if let ProviderErrorKind::RateLimited { retry_after } = error.kind() {
                let until = self.desk.clock.now() + retry_after.unwrap_or(USUAL_REST);
                polling::pause(&mut database, account, until).await?;
            }
            return Ok(());
        }
        Ok(())
    }

    /// How often an account may be asked in an hour.
    fn most(&self, account: &Account) -> i32 {
        let chooser = &self.desk.chooser;
        let connection = chooser.known(&account.tenant, &account.connection);
        let limits = connection.and_then(|connection| {
            let provider = (chooser.registry)(&connection.provider)?;
            Some(quota::limits(provider.manifest(), &connection))
        });
        share(&limits.unwrap_or_default())
    }

    async fn one(&self, claimed: &Claimed) -> Result<(), Trouble> {
        let span = tracing::info_span!(
            "signature.poll",
            otel.kind = "internal",
            signature.id = %claimed.id,
            tenant.id = %claimed.tenant,
        );
        puente_telemetry::set_parent(&span, claimed.traceparent.as_deref());
        async {
            let asked = self.ask(&claimed.tenant, claimed.id).await;
            if let Err(error) = &asked {
                tracing::warn!(
                    signature.id = %claimed.id,
                    error = %error,
                    "the envelope of request {} is asked for later", claimed.id
                );
            }
            asked
        }
        .instrument(span)
        .await
    }

    /// Asks for a request's envelope, and takes in the answer. The caller has claimed it.
    pub(crate) async fn ask(&self, tenant: &TenantId, id: Uuid) -> Result<(), Trouble> {
        let mut database = self.outbox.pool().acquire().await?;
        let found = row::read(&mut database, tenant, id).await?;
        drop(database);
        let Some(row) = found else { return Ok(()) };
        let answer = self
            .calls
            .ask(&row, |adapter, ctx, envelope_id| adapter.status(ctx, envelope_id));
        let answer = answer.await?;
        let mut tx = self.outbox.begin().await?;
        let Some(mut row) = row::lock(&mut tx, tenant, id).await? else {
            return Ok(());
        };
        let now = self.desk.clock.now();
        let before = row.signature.version;
        self.desk.hear(&mut tx, &mut row, &wire::answered(&answer, now));
        if row.signature.version != before {
            row.polls = 0;
        }
        row::save(&mut tx, &mut row, &id.to_string(), now).await?;
        tx.commit().await?;
        self.desk.wake();
        Ok(())
    }
}

/// Which envelopes are to be asked for now.
fn due(patience: Duration, allowed: Duration, now: OffsetDateTime) -> Due {
    let first = patience.max(allowed);
    let intervals = (0..=DOUBLINGS).map(|doublings| first.saturating_mul(1 << doublings));
    Due {
        polls: (0..).take(DOUBLINGS as usize + 1).collect(),
        quiet_since: intervals
            .map(|quiet| now - quiet.min(LONGEST.max(first)))
            .collect(),
        asked_before: now - allowed,
        now,
    }
}

/// What questions get of an account's quotas, by the hour.
fn share(limits: &[Limit]) -> i32 {
    let hourly = limits.iter().map(|limit| {
        let windows = 3_600_000 / u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).max(1);
        // A window longer than an hour is taken for an hour: less is asked than might be.
        u64::from(limit.calls) * windows.max(1) / SHARE
    });
    hourly
        .min()
        .map_or(USUAL_SHARE, |most| i32::try_from(most.max(1)).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(calls: u32, window: Duration) -> Limit {
        Limit {
            scope: "acme-sign:test".to_owned(),
            calls,
            window,
        }
    }

    #[test]
    fn questions_get_a_fifth_of_the_tightest_quota() {
        let hourly = limit(3_000, Duration::from_hours(1));
        let burst = limit(500, Duration::from_secs(30));
        assert_eq!(share(&[hourly, burst]), 600);
        assert_eq!(share(&[limit(1, Duration::from_hours(24))]), 1);
        assert_eq!(share(&[]), USUAL_SHARE);
    }

    #[test]
    fn a_quiet_envelope_is_asked_for_less_and_less_often_and_at_least_every_six_hours() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let quarter = Duration::from_mins(15);
        let due = due(quarter, quarter, now);
        let minutes: Vec<i64> = due
            .quiet_since
            .iter()
            .map(|since| (now - *since).whole_minutes())
            .collect();
        assert_eq!(minutes, [15, 30, 60, 120, 240, 360, 360, 360, 360, 360]);
        assert_eq!(due.polls.len(), minutes.len());
    }
}
