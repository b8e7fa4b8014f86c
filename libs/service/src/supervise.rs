//! A task that fails or panics ends its service, and the first reason is kept.
//!
//! Half a service is worse than none: with its relay dead it would go on accepting work that never leaves.
//! The supervisor outside (Kubernetes, systemd, the fleet) starts it anew, with the reason in the log.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures::FutureExt;

use crate::service::BoxError;

/// The first task that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task `{task}` of {service} {how}: {reason}")]
pub struct Failure {
    /// The service the task belongs to.
    pub service: Arc<str>,
    /// The name given at `spawn`.
    pub task: &'static str,
    /// `failed` or `panicked`.
    pub how: &'static str,
    /// The error with its causes, or the text of the panic.
    pub reason: String,
}

/// Where the first failure is kept; later ones are consequences and are only logged.
#[derive(Debug, Default)]
pub(crate) struct FirstFailure(OnceLock<Failure>);

impl FirstFailure {
    pub(crate) fn get(&self) -> Option<&Failure> {
        self.0.get()
    }

    pub(crate) fn keep(&self, failure: &Failure) {
        let _ = self.0.set(failure.clone());
    }
}

/// Runs a task to its end and says how it failed, if it did. Panics are caught here and nowhere else.
pub(crate) async fn watch<F, E>(service: Arc<str>, task: &'static str, future: F) -> Option<Failure>
where
    F: Future<Output = Result<(), E>> + Send,
    E: Into<BoxError>,
{
    let (how, reason) = match AssertUnwindSafe(future).catch_unwind().await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => ("failed", crate::service::chain(&*error.into())),
        Err(panic) => ("panicked", panic_text(&*panic)),
    };
    Some(Failure {
        service,
        task,
        how,
        reason,
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_is_told_with_its_causes() {
        let failure = watch("orders".into(), "relay", async {
            Err(std::io::Error::new(
                std::io::ErrorKind::BrokenPipe,
                "the broker hung up",
            ))
        });
        let failure = failure.await.expect("it failed");
        assert_eq!(
            failure.to_string(),
            "task `relay` of orders failed: the broker hung up"
        );
    }

    #[tokio::test]
    async fn a_panic_is_caught_and_told() {
        let failure = watch("orders".into(), "batcher", async {
            if true {
                panic!("batch {} is torn", 7);
            }
            Ok::<(), BoxError>(())
        });
        let failure = failure.await.expect("it panicked");
        assert_eq!(
            (failure.how, failure.reason.as_str()),
            ("panicked", "batch 7 is torn")
        );
    }

    #[test]
    fn only_the_first_failure_is_kept() {
        let kept = FirstFailure::default();
        for task in ["first", "second"] {
            kept.keep(&Failure {
                service: "orders".into(),
                task,
                how: "failed",
                reason: String::new(),
            });
        }
        assert_eq!(kept.get().map(|failure| failure.task), Some("first"));
    }
}
