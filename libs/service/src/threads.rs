//! The threads that a program's tasks run on.

use std::num::NonZero;

/// What tokio reads by itself; for a machine that has nothing else to do.
const THREADS: &str = "TOKIO_WORKER_THREADS";
/// Where there are as many processors.
const FEWEST: usize = 2;

/// A runtime with a thread for every second processor, and for both of two. Its tasks mostly wait for a database and a
/// broker that need processors, too, often on the same machine; and tasks that wake each other within one thread cost
/// less than across two. Yet one thread alone leaves a processor idle whenever the database waits for its disk, and all
/// tasks standing while one computes: on two processors, two threads take about a fifth more webhooks.
/// `TOKIO_WORKER_THREADS` says otherwise.
///
/// # Errors
/// When the system gives no threads.
pub fn executor() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if std::env::var_os(THREADS).is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        builder.worker_threads(processors.div_ceil(2).max(FEWEST).min(processors));
    }
    builder.enable_all().build()
}
