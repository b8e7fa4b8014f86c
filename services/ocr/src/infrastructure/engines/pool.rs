//! Threads of our own for work that keeps a processor busy: decoding pictures and running the embedded engine.
//!
//! The async runtime has few threads, and everything that the service answers runs on them: nothing that takes more than
//! a moment may. What waits here is bounded, and so is what it holds in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use puente_ports::{ProviderError, ProviderErrorKind};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Pieces of work that wait for one thread. A reading has one at a time, so that more than there are readings never wait.
const WAITING_PER_THREAD: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when the last clone is gone.
#[derive(Clone)]
pub(crate) struct Pool {
    jobs: mpsc::Sender<Job>,
    /// One for each thread, for work whose time is counted.
    turns: Arc<Semaphore>,
}

impl Pool {
    /// So many threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Job>(threads * WAITING_PER_THREAD);
        let receiver = Arc::new(Mutex::new(receiver));
        for at in 0..threads {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("ocr-{at}"))
                .spawn(move || {
                    loop {
                        let job = receiver
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .blocking_recv();
                        let Some(job) = job else { return };
                        // A picture that makes a decoder panic must not cost the thread.
                        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                            tracing::error!("work on a picture panicked");
                        }
                    }
                })?;
        }
        Ok(Self {
            jobs: sender,
            turns: Arc::new(Semaphore::new(threads)),
        })
    }

    /// Does a piece of work on one of the threads. Work whose caller has gone before it began is not done.
    ///
    /// # Errors
    /// `busy` when too much waits, `worker_failed` when it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ProviderError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.jobs.try_send(job).map_err(|_| {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            ProviderError::new(kind, "busy", "too many pictures wait for a processor")
        })?;
        answered.await.map_err(|_| {
            ProviderError::new(
                ProviderErrorKind::Rejected,
                "worker_failed",
                "the picture could not be worked on to its end",
            )
        })
    }
}

impl Pool {
    /// The same, for work that may take so long. Its time begins when a thread is free for it, however many wait: a queue
    /// must not use up what a picture is given.
    ///
    /// # Errors
    /// As [`Pool::run`], and `too_slow` when it took longer. It goes on then, and nobody hears of it.
    pub(crate) async fn timed<T: Send + 'static>(
        &self,
        time: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ProviderError> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| ProviderError::malformed("the threads have ended"))?;
        let done = tokio::time::timeout(time, self.run(work)).await;
        done.unwrap_or_else(|_| {
            let kind = ProviderErrorKind::Unavailable { retry_after: None };
            let detail = "the engine took longer than it may";
            Err(ProviderError::new(kind, "too_slow", detail))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_elsewhere_and_a_panic_costs_one_piece_of_it() {
        let pool = Pool::start(1).unwrap();
        let here = std::thread::current().id();
        let there = pool.run(move || std::thread::current().id()).await.unwrap();
        assert_ne!(here, there);
        let failed = pool.run(|| -> u8 { panic!("a bad picture") }).await.unwrap_err();
        assert_eq!(failed.code(), "worker_failed");
        assert_eq!(pool.run(|| 7).await.unwrap(), 7, "the thread goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_work_begins_with_its_turn() {
        let pool = Pool::start(1).unwrap();
        let hour = Duration::from_secs(3600);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let mut first = Box::pin(pool.timed(hour * 9, move || held.recv().is_ok()));
        assert!(futures::poll!(&mut first).is_pending());
        let mut second = Box::pin(pool.timed(hour, || 2));
        assert!(futures::poll!(&mut second).is_pending());
        tokio::time::advance(hour * 3).await;
        // A paused clock jumps whenever nothing is to be done here, and the threads are elsewhere.
        tokio::time::resume();
        assert!(
            futures::poll!(&mut second).is_pending(),
            "it waits, and loses nothing"
        );
        release.send(()).unwrap();
        assert!(first.await.unwrap());
        assert_eq!(second.await.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_takes_longer_than_it_may_is_given_up() {
        let pool = Pool::start(1).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let slow = pool.timed(Duration::from_secs(5), move || held.recv().is_ok());
        assert_eq!(slow.await.unwrap_err().code(), "too_slow");
        drop(release);
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_what_nobody_waits_for_is_not_done() {
        let pool = Pool::start(1).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = pool.run(move || held.recv().is_ok());
        let mut busy = Box::pin(busy);
        assert!(futures::poll!(&mut busy).is_pending());
        let mut waiting = Vec::new();
        let error = loop {
            let mut one = Box::pin(pool.run(|| 1));
            match futures::poll!(&mut one) {
                std::task::Poll::Pending => waiting.push(one),
                std::task::Poll::Ready(answer) => break answer.unwrap_err(),
            }
            assert!(waiting.len() <= 2 * WAITING_PER_THREAD, "the queue is bounded");
        };
        assert_eq!(error.code(), "busy");
        drop(waiting);
        release.send(()).unwrap();
        assert!(busy.await.unwrap());
    }
}
