use std::time::Duration;

use puente_telemetry::{TelemetryConfig, current_traceparent, init, link, metric, set_parent, trace_id};
use puente_testkit::OtlpSink;
use tracing::Instrument;

use crate::PATIENCE;

const OUTSIDE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_trace_goes_on_over_a_stored_traceparent_and_reaches_the_receiver() {
    let sink = OtlpSink::start().await;
    let config = TelemetryConfig {
        service_name: "puente-test".into(),
        otlp_endpoint: Some(sink.endpoint().into()),
        ..TelemetryConfig::default()
    };
    let telemetry = init(&config).unwrap();

    let received = tracing::info_span!("received", provider = "acme");
    set_parent(&received, Some(OUTSIDE));
    let stored = async { current_traceparent() }
        .instrument(received)
        .await
        .unwrap();
    assert_eq!(trace_id(&stored), trace_id(OUTSIDE));

    let handled = tracing::info_span!("handled", otel.kind = "consumer");
    set_parent(&handled, Some(&stored));
    let batch = tracing::info_span!("batch");
    link(&batch, Some(&stored));
    drop((handled, batch));
    metric::webhook("acme", "accepted", Duration::from_millis(3));
    telemetry.shutdown().await;

    let handled = sink
        .wait_for_span("`handled`", PATIENCE, |span| span.name == "handled")
        .await;
    let received = sink
        .wait_for_span("`received`", PATIENCE, |span| span.name == "received")
        .await;
    let batch = sink
        .wait_for_span("`batch`", PATIENCE, |span| span.name == "batch")
        .await;
    assert_eq!(Some(handled.trace_id.as_str()), trace_id(OUTSIDE));
    assert_eq!(handled.parent_id, Some(received.span_id));
    assert_eq!(
        (handled.kind, handled.service.as_str()),
        ("consumer", "puente-test")
    );
    assert_eq!(received.parent_id.as_deref(), Some("00f067aa0ba902b7"));
    assert_eq!(received.attributes["provider"], "acme");
    assert_ne!(batch.trace_id, handled.trace_id);
    assert_eq!(batch.links, [handled.trace_id]);
    let own = sink
        .spans()
        .iter()
        .all(|span| ["handled", "received", "batch"].contains(&span.name.as_str()));
    assert!(own, "the exporter does not trace itself: {:?}", sink.spans());
}
