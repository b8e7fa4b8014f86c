//! Everything of a task is one trace: that of its order.

use puente_telemetry::{LogFormat, TelemetryConfig, init};
use puente_testkit::{OtlpSink, wait_for};

use crate::support::{Fake, PATIENCE, Stage, TRACE};

#[tokio::test(flavor = "multi_thread")]
async fn every_call_and_every_event_of_a_task_is_in_the_trace_of_its_order() {
    let sink = OtlpSink::start().await;
    let telemetry = init(&TelemetryConfig {
        service_name: "sync".into(),
        log_format: LogFormat::Compact,
        log_filter: "warn,puente=info".into(),
        otlp_endpoint: Some(sink.endpoint().to_owned()),
    })
    .unwrap();
    let stage = Stage::set().await;
    let order = stage.opens("acme").await;
    stage.assigns("acme", &order, 2, "luis").await;
    stage.moves("acme", &order, 3, "Ejecutada", "Cerrada").await;
    stage.becomes(&order, |seen| seen.state == "completed").await;
    for called in Fake::calls() {
        assert_eq!(called.tenant, "acme");
        let trace = called.traceparent.unwrap();
        assert!(trace.contains(TRACE), "{}: {trace}", called.what);
    }
    let traces: Vec<Option<String>> =
        sqlx::query_scalar("SELECT DISTINCT split_part(traceparent, '-', 2) FROM outbox")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(traces, [Some(TRACE.to_owned())]);
    stage.stop().await;
    telemetry.shutdown().await;
    for name in ["effect.run", "task.change"] {
        wait_for("the span", PATIENCE, async || {
            sink.trace(TRACE)
                .into_iter()
                .find(|span| span.name == name)
                .ok_or(name)
        })
        .await;
    }
}
