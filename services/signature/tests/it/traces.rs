//! Everything of a request is one trace: that of the order that asked.

use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_telemetry::{LogFormat, TelemetryConfig, init};
use puente_testkit::{OtlpSink, wait_for};

use crate::support::{CALLBACK, Fake, PATIENCE, Stage, TRACE, report};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_request_is_in_the_trace_of_the_order() {
    let sink = OtlpSink::start().await;
    let telemetry = init(&TelemetryConfig {
        service_name: "signature".into(),
        log_format: LogFormat::Compact,
        log_filter: "warn,puente=info".into(),
        otlp_endpoint: Some(sink.endpoint().to_owned()),
    })
    .unwrap();
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    assert!(
        Fake::only(&id)
            .traceparent
            .is_some_and(|trace| trace.contains(TRACE))
    );
    let signed = report(
        &id,
        &kept.id,
        EnvelopeStatus::Delivered,
        &[("1", SignerStatus::Signed)],
    );
    stage.reports("acme", &signed).await;
    stage
        .reports("acme", &report(&id, &kept.id, EnvelopeStatus::Completed, &[]))
        .await;
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
    let traces: Vec<Option<String>> =
        sqlx::query_scalar("SELECT DISTINCT split_part(traceparent, '-', 2) FROM outbox")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(traces, [Some(TRACE.to_owned())]);
    stage.stop().await;
    telemetry.shutdown().await;
    for name in ["contract.prepare", "report.apply", "signed.store", "effect.run"] {
        wait_for("the span", PATIENCE, async || {
            sink.trace(TRACE)
                .into_iter()
                .find(|span| span.name == name)
                .ok_or(name)
        })
        .await;
    }
    let applied = sink
        .trace(TRACE)
        .into_iter()
        .find(|span| span.name == "report.apply");
    let links = applied.unwrap().links;
    assert!(links.iter().any(|link| link.contains(CALLBACK)), "{links:?}");
}
