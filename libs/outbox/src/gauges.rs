//! How far publishing is behind, told to the metrics every few seconds.

use std::time::Duration;

use puente_telemetry::metric;
use tokio_util::sync::CancellationToken;

use crate::Outbox;

/// Dashboards look every 15 seconds at the soonest.
const EVERY: Duration = Duration::from_secs(10);

/// Measures until `shutdown`.
pub(crate) async fn run(outbox: Outbox, shutdown: CancellationToken) {
    loop {
        match lag(&outbox).await {
            Ok(lag) => metric::outbox_lag(outbox.inner.service, lag),
            Err(error) => tracing::debug!(error = %error, "the age of the outbox cannot be told"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Age of the oldest committed event that no cursor has passed, over all replicas, dead ones too.
async fn lag(outbox: &Outbox) -> Result<Duration, sqlx::Error> {
    let seconds = sqlx::query_scalar!(
        r#"SELECT coalesce(max(extract(epoch FROM clock_timestamp() - oldest.created_at)), 0)::double precision AS "age!"
           FROM relay_slots
           CROSS JOIN LATERAL (
               SELECT created_at FROM outbox
               WHERE slot = relay_slots.slot AND seq > relay_slots.cursor
               ORDER BY seq LIMIT 1) AS oldest"#
    )
    .fetch_one(&outbox.inner.pool)
    .await?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
