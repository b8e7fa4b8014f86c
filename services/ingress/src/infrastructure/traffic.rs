//! How many webhooks came in, minute by minute, without counting them at each question.
//!
//! Minutes that can get no further rows are counted once, for all tenants together, and kept in memory for a day. The
//! newest few minutes are still open, since a row is visible only after its commit: they are counted at each question.
//! Both go over the index of ids, which begin with their time: the BRIN index by time of receipt covers the newest pages
//! only after a vacuum. The first question after a start counts what it asks for in parts; when time runs
//! out, it says so, and the next question goes on from there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration as Span;

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::moment::floor;

/// Minutes that are kept: a day and the hour that a bucket of one hour may begin earlier.
const KEPT_MINUTES: i64 = 25 * 60;
/// No transaction of intake is open for longer: it gives up after 40 s, and the database ends its statement before.
const OPEN: Duration = Duration::minutes(3);
/// How far the time of an id and the time of receipt may be apart: the wait for the commit, and what clocks differ by.
/// Less than elsewhere, since the newest minutes are read at each question; tokens of calls need clocks that agree within
/// half a minute.
const APART: Duration = Duration::minutes(3);
/// The minute after all that can come in.
const FAR: i64 = 4_000_000_000;
/// Minutes counted by one statement.
const PART: i64 = 10;
/// How long one question goes on counting; within the deadline of a call.
const ENOUGH: Span = Span::from_secs(3);
/// Questions within so long share the count of the open minutes.
const SHARED_FOR: Span = Span::from_millis(500);

/// What came in during a stretch of time, by what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub(crate) accepted: u64,
    pub(crate) duplicate: u64,
    pub(crate) ignored: u64,
    pub(crate) troubled: u64,
    pub(crate) refused: u64,
}

impl Outcomes {
    fn add(&mut self, outcome: &str, count: u64) {
        match outcome {
            "accepted" => self.accepted += count,
            "duplicate" => self.duplicate += count,
            "ignored" => self.ignored += count,
            "refused" => self.refused += count,
            _ => self.troubled += count,
        }
    }

    pub(crate) fn merge(&mut self, more: Self) {
        self.accepted += more.accepted;
        self.duplicate += more.duplicate;
        self.ignored += more.ignored;
        self.troubled += more.troubled;
        self.refused += more.refused;
    }
}

/// A minute's count of every tenant that had traffic; `None` is nobody's.
type Minute = Vec<(Option<Arc<str>>, Outcomes)>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrafficError {
    /// Ask again: it goes on from where it was.
    #[error("still counting")]
    StillCounting,
    /// The database's own answer.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
}

/// The counters of this replica.
pub(crate) struct Traffic {
    pool: PgPool,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// Closed minutes; one without traffic is there and empty.
    minutes: BTreeMap<i64, Minute>,
    /// Minutes from here on are open.
    open_from: i64,
    open: BTreeMap<i64, Minute>,
    open_at: Option<Instant>,
}

impl Traffic {
    /// Counts through a pool that sees every tenant's rows; [`Traffic::since`] gives out one tenant's.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            counted: Mutex::default(),
        }
    }

    /// The minutes from `since` on, by their number since 1970: those of `tenant`, or of everybody for `None`. Minutes
    /// without traffic are left out.
    pub(crate) async fn since(
        &self,
        tenant: Option<&str>,
        since: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<BTreeMap<i64, Outcomes>, TrafficError> {
        let started = Instant::now();
        let (first, open_from) = (minute(since), minute(now - OPEN));
        // One question counts at a time; the others find it done.
        let mut counted = self.counted.lock().await;
        counted.forget(minute(now) - KEPT_MINUTES);
        self.close(&mut counted, first, open_from, started).await?;
        self.count_open(&mut counted, open_from).await?;
        let mut found = BTreeMap::new();
        let open = counted.open.range(first..);
        for (at, tenants) in counted.minutes.range(first..).chain(open) {
            let mut sum = Outcomes::default();
            for (_, outcomes) in tenants
                .iter()
                .filter(|(one, _)| tenant.is_none() || one.as_deref() == tenant)
            {
                sum.merge(*outcomes);
            }
            if sum != Outcomes::default() {
                found.insert(*at, sum);
            }
        }
        Ok(found)
    }

    /// Counts the closed minutes from `first` on that are not counted yet, newest first.
    async fn close(
        &self,
        counted: &mut Counted,
        first: i64,
        open_from: i64,
        started: Instant,
    ) -> Result<(), TrafficError> {
        let mut end = open_from;
        while end > first {
            if counted.minutes.contains_key(&(end - 1)) {
                end -= 1;
                continue;
            }
            if started.elapsed() > ENOUGH {
                return Err(TrafficError::StillCounting);
            }
            let mut begin = end - 1;
            while begin > first && end - begin < PART && !counted.minutes.contains_key(&(begin - 1)) {
                begin -= 1;
            }
            let mut part = self.count(begin, end).await?;
            for at in begin..end {
                counted.minutes.insert(at, part.remove(&at).unwrap_or_default());
            }
            end = begin;
        }
        Ok(())
    }

    async fn count_open(&self, counted: &mut Counted, open_from: i64) -> Result<(), sqlx::Error> {
        let shared = counted.open_at.is_some_and(|at| at.elapsed() < SHARED_FOR);
        if !shared || counted.open_from != open_from {
            counted.open = self.count(open_from, FAR).await?;
            counted.open_from = open_from;
            counted.open_at = Some(Instant::now());
        }
        Ok(())
    }

    async fn count(&self, begin: i64, end: i64) -> Result<BTreeMap<i64, Minute>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"SELECT (extract(epoch FROM date_trunc('minute', received_at)) / 60)::bigint AS "minute!", tenant, outcome,
                      count(*) AS "count!"
               FROM deliveries WHERE received_at >= $1 AND received_at < $2 AND id >= $3 AND id < $4
               GROUP BY 1, 2, 3 ORDER BY 1, 2"#,
            instant(begin),
            instant(end),
            floor(instant(begin) - APART),
            floor(instant(end) + APART)
        )
        .fetch_all(&self.pool)
        .await?;
        let mut minutes: BTreeMap<i64, Minute> = BTreeMap::new();
        for row in rows {
            let tenants = minutes.entry(row.minute).or_default();
            if tenants
                .last()
                .is_none_or(|(last, _)| last.as_deref() != row.tenant.as_deref())
            {
                tenants.push((row.tenant.map(Into::into), Outcomes::default()));
            }
            if let Some((_, outcomes)) = tenants.last_mut() {
                outcomes.add(&row.outcome, u64::try_from(row.count).unwrap_or(0));
            }
        }
        Ok(minutes)
    }
}

impl Counted {
    fn forget(&mut self, oldest: i64) {
        self.minutes = self.minutes.split_off(&oldest);
    }
}

fn minute(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(60)
}

fn instant(minute: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(minute.saturating_mul(60)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
