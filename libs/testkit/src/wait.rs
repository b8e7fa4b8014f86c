//! Waiting for a condition, with an answer to "what was it doing instead?".

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// Pause between two looks: short against what is waited for, long against a busy loop.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What a look can answer: `Option`, `Result` or `bool`.
pub trait Attempt {
    /// What is wanted.
    type Value;
    /// The value, or the status for the case that time runs out.
    ///
    /// # Errors
    /// When it is not there yet.
    fn settle(self) -> Result<Self::Value, String>;
}

impl<T> Attempt for Option<T> {
    type Value = T;
    fn settle(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing yet".to_owned())
    }
}

impl<T, E: Debug> Attempt for Result<T, E> {
    type Value = T;
    fn settle(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

impl Attempt for bool {
    type Value = ();
    fn settle(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".to_owned()) }
    }
}

/// Looks again and again until the answer is there.
///
/// # Panics
/// When `timeout` passes first, with the last status.
pub async fn wait_for<A, F, Fut>(what: &str, timeout: Duration, mut look: F) -> A::Value
where
    A: Attempt,
    F: FnMut() -> Fut,
    Fut: Future<Output = A>,
{
    let begin = Instant::now();
    let mut last = "the first look did not come back".to_owned();
    loop {
        let left = timeout.saturating_sub(begin.elapsed());
        match tokio::time::timeout(left, look()).await.map(Attempt::settle) {
            Ok(Ok(value)) => return value,
            Ok(Err(status)) if !left.is_zero() => last = status,
            // The last look is taken when time is up already: a slow machine gets its chance.
            Ok(Err(last)) => panic!("waited {timeout:?} in vain for {what}; last status: {last}"),
            Err(_) => panic!("waited {timeout:?} in vain for {what}; last status: {last}"),
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_value_is_returned_as_soon_as_it_is_there() {
        let mut looks = 0;
        let value = wait_for("the third look", Duration::from_secs(5), || {
            looks += 1;
            let seen = looks;
            async move { (seen == 3).then_some(seen) }
        });
        assert_eq!(value.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain for a miracle; last status: \"still water\"")]
    async fn a_timeout_tells_the_last_status() {
        wait_for("a miracle", Duration::from_millis(30), async || {
            Err::<(), _>("still water")
        })
        .await;
    }

    #[tokio::test]
    #[should_panic(expected = "the first look did not come back")]
    async fn a_look_that_hangs_is_cut_off() {
        wait_for(
            "an answer",
            Duration::from_millis(30),
            std::future::pending::<bool>,
        )
        .await;
    }
}
