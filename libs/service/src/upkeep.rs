//! Removing what is old, every so often, in small portions: no lock is held for long, and nobody waits for it.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Rows of one transaction.
pub const PORTION: i64 = 1_000;
/// How often old rows are looked for.
const EVERY: Duration = Duration::from_mins(10);

/// Removes old rows every ten minutes, until `stop`. `portion` removes at most [`PORTION`] rows of each kind, and says how
/// many they were of the kind with the most.
pub async fn forget<F, Fut>(stop: &CancellationToken, portion: F)
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<u64, sqlx::Error>> + Send,
{
    forget_every(EVERY, stop, portion).await;
}

async fn forget_every<F, Fut>(every: Duration, stop: &CancellationToken, portion: F)
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<u64, sqlx::Error>> + Send,
{
    while tokio::time::timeout(every, stop.cancelled()).await.is_err() {
        portions(stop, &portion).await;
    }
}

/// Removes portions until one is not full, or `stop`. What cannot be removed now is removed later.
pub async fn portions<F, Fut>(stop: &CancellationToken, portion: F)
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<u64, sqlx::Error>> + Send,
{
    loop {
        match portion().await {
            Ok(gone) if gone >= PORTION.unsigned_abs() && !stop.is_cancelled() => {}
            Ok(_) => return,
            Err(error) => return tracing::debug!(error = %error, "old rows are removed later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// How many portions are asked for when they remove so much, one after the other.
    async fn asked(stop: &CancellationToken, portions_of: Vec<Result<u64, sqlx::Error>>) -> usize {
        let (left, count) = (Mutex::new(portions_of), AtomicUsize::new(0));
        portions(stop, || {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(left.lock().unwrap().remove(0))
        })
        .await;
        count.into_inner()
    }

    #[tokio::test]
    async fn portions_are_removed_until_one_is_not_full_or_fails() {
        let going_on = CancellationToken::new();
        assert_eq!(
            asked(&going_on, vec![Ok(1_000), Ok(1_000), Ok(999), Ok(1_000)]).await,
            3
        );
        let away = Err(sqlx::Error::PoolTimedOut);
        assert_eq!(asked(&going_on, vec![Ok(1_000), away, Ok(1_000)]).await, 2);
    }

    #[tokio::test]
    async fn a_service_that_stops_removes_no_further_portion() {
        let stopped = CancellationToken::new();
        stopped.cancel();
        assert_eq!(asked(&stopped, vec![Ok(1_000), Ok(1_000)]).await, 1);
    }

    #[tokio::test]
    async fn old_rows_are_looked_for_until_the_service_stops() {
        let (stop, rounds) = (CancellationToken::new(), AtomicUsize::new(0));
        let portion = || {
            if rounds.fetch_add(1, Ordering::Relaxed) == 2 {
                stop.cancel();
            }
            std::future::ready(Ok(0))
        };
        forget_every(Duration::ZERO, &stop, portion).await;
        assert_eq!(rounds.into_inner(), 3);
    }
}
