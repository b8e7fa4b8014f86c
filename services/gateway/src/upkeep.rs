//! What is forgotten when its time is over: ended sessions, kept answers, old audit rows, quiet counters.

use std::convert::Infallible;
use std::num::NonZeroU32;

use puente_service::Runtime;
use puente_types::Clock as _;
use time::Duration;

use crate::auth::limits::FORGET_EVERY;
use crate::state::App;

/// A request is repeated within a day or not at all.
const KEEP_ANSWERS: Duration = Duration::days(1);

/// Runs until the service stops.
pub(crate) async fn run(app: App, rt: Runtime, audit_days: NonZeroU32) -> Result<(), Infallible> {
    while rt.pause(FORGET_EVERY).await {
        app.limits.forget_idle();
        if let Err(error) = purge(&app, audit_days).await {
            tracing::warn!(error = %error, "old rows could not be purged; the next round tries again");
        }
    }
    Ok(())
}

async fn purge(app: &App, audit_days: NonZeroU32) -> Result<(), sqlx::Error> {
    let now = app.clock.now();
    sqlx::query!("DELETE FROM sessions WHERE ends_at < $1", now)
        .execute(&app.pool)
        .await?;
    sqlx::query!(
        "DELETE FROM request_answers WHERE created_at < $1",
        now - KEEP_ANSWERS
    )
    .execute(&app.pool)
    .await?;
    let keep = Duration::days(i64::from(audit_days.get()));
    sqlx::query!("DELETE FROM audit WHERE at < $1", now - keep)
        .execute(&app.pool)
        .await?;
    Ok(())
}
