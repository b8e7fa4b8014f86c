//! What has to be done now and then: reading changed skill files, forgetting worked messages and commands, and telling
//! of papers that are about to end.

use std::sync::Arc;
use std::time::Duration;

use puente_outbox::{Outbox, OutboxError};
use puente_service::upkeep::{PORTION, forget};
use puente_types::{Clock, Region};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::domain::papers::today;
use crate::infrastructure::queue;
use crate::infrastructure::skills::{Library, Problem};
use crate::infrastructure::store::{purge_asset_commands, purge_commands, purge_lookups, warn};

/// How long a command is known by its key: nobody repeats one after weeks.
const KEEP_COMMANDS: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long what an ERP said is kept after somebody last asked for it.
const KEEP_LOOKUPS: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How often papers are looked at: their days begin at midnight, and nobody reads it at once.
const PAPERS_EVERY: Duration = Duration::from_secs(60 * 60);
/// The pause while the database is away.
const PAPERS_AGAIN: Duration = Duration::from_secs(30);

/// Says which skill files are not used, and why.
pub(crate) fn report(problems: &[Problem]) {
    for problem in problems {
        tracing::error!(
            file = problem.file,
            line = problem.line,
            key = problem.key,
            "skill file refused: {problem}"
        );
    }
}

/// Reads skill files again when they change, until `shutdown`.
pub(crate) async fn watch_skills(skills: Arc<Library>, every: Duration, shutdown: CancellationToken) {
    while tokio::time::timeout(every, shutdown.cancelled()).await.is_err() {
        let skills = skills.clone();
        // Reading files may take a while on a slow disk; conversations must not wait for it.
        let read = tokio::task::spawn_blocking(move || skills.reload_if_changed()).await;
        match read {
            Ok(Some(problems)) if problems.is_empty() => tracing::info!("skill files were read again"),
            Ok(Some(problems)) => report(&problems),
            Ok(None) | Err(_) => {}
        }
    }
}

/// Forgets worked messages that are older than `keep`, and old commands, until `shutdown`.
pub(crate) async fn purge(pool: PgPool, clock: Arc<dyn Clock>, keep: Duration, shutdown: CancellationToken) {
    let portion = || async {
        let mut connection = pool.acquire().await?;
        let now = clock.now();
        let messages = queue::purge(&mut connection, now - keep, PORTION).await?;
        let commands = purge_commands(&mut connection, now - KEEP_COMMANDS, PORTION).await?;
        let on_assets = purge_asset_commands(&mut connection, now - KEEP_COMMANDS, PORTION).await?;
        let lookups = purge_lookups(&mut connection, now - KEEP_LOOKUPS, PORTION).await?;
        Ok::<_, sqlx::Error>(messages.max(commands).max(on_assets).max(lookups))
    };
    forget(&shutdown, portion).await;
}

/// Tells of papers of service providers that are about to end, at the start and every hour, until `shutdown`.
pub(crate) async fn papers(
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    region: Region,
    shutdown: CancellationToken,
) {
    let portion = PORTION.unsigned_abs();
    loop {
        let round = async {
            let mut tx = outbox.begin().await?;
            let now = clock.now();
            let seen = warn(&mut tx, today(now, region), now, PORTION).await?;
            tx.commit().await?;
            Ok::<_, OutboxError>(seen)
        };
        let pause = match round.await {
            Ok(seen) if seen >= portion => Duration::ZERO,
            Ok(_) => PAPERS_EVERY,
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "papers are looked at later"
                );
                PAPERS_AGAIN
            }
        };
        if tokio::time::timeout(pause, shutdown.cancelled()).await.is_ok() {
            return;
        }
    }
}
