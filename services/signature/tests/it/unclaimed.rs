//! Reports that nobody claims are given up after a while, and not in silence.

use puente_telemetry::{LogFormat, TelemetryConfig, init};
use puente_testkit::wait_for;

use crate::support::{PATIENCE, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_nobody_claimed_are_counted_when_they_are_given_up() {
    let telemetry = init(&TelemetryConfig {
        service_name: "signature".into(),
        log_format: LogFormat::Compact,
        log_filter: "warn,puente=info".into(),
        otlp_endpoint: None,
    })
    .unwrap();
    let stage = Stage::set().await;
    sqlx::query(
        "INSERT INTO pending_reports (tenant, connection, envelope_id, event_id, report, received_at)
         SELECT 'acme', 'acme-sign', 'env-' || hours, gen_random_uuid(), '', now() - hours * interval '1 hour'
         FROM unnest(ARRAY[1, 47, 49, 50]) AS hours",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    stage.start(&stage.rt.child("second")).await;
    let told = r#"outcome="unclaimed_report"} 2"#;
    wait_for("the old ones to be counted", PATIENCE, async || {
        telemetry.render().contains(told)
    })
    .await;
    assert_eq!(
        stage.count("SELECT count(*) FROM pending_reports").await,
        2,
        "the others may still be claimed"
    );
}
