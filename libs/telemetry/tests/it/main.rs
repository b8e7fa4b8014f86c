//! What telemetry gives a process that exports nothing.

use std::time::Duration;

use puente_telemetry::{
    LogFormat, TelemetryConfig, current_traceparent, init, metric, set_parent, trace_id, valid_traceparent,
};
use tracing::Instrument;

const STORED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn config(filter: &str) -> TelemetryConfig {
    TelemetryConfig {
        service_name: "puente-test".into(),
        log_filter: filter.into(),
        ..TelemetryConfig::default()
    }
}

#[tokio::test]
async fn trace_ids_exist_without_an_exporter_and_whatever_is_logged() {
    let telemetry = init(&config("off")).unwrap();
    let fresh = async { current_traceparent() }
        .instrument(tracing::info_span!("fresh"))
        .await
        .unwrap();
    assert!(valid_traceparent(&fresh) && fresh.ends_with("-01"), "{fresh}");

    let span = tracing::info_span!("continued");
    set_parent(&span, Some(STORED));
    let inner = async { current_traceparent() }.instrument(tracing::info_span!(parent: &span, "inner"));
    let inner = inner.await.unwrap();
    assert_eq!(
        trace_id(&inner),
        trace_id(STORED),
        "also when the caller did not sample"
    );
    telemetry.shutdown().await;
}

#[tokio::test]
async fn a_second_start_joins_the_first_and_shutdown_leaves_it_working() {
    init(&config("off")).unwrap().shutdown().await;
    let again = init(&config("off")).unwrap();
    let span = tracing::info_span!("after");
    assert!(span.in_scope(current_traceparent).is_some());
    again.shutdown().await;
}

#[test]
fn metrics_are_rendered_for_prometheus_even_when_touched_before_the_start() {
    metric::breaker_open("acme", true);
    let telemetry = init(&config("off")).unwrap();
    metric::webhook("acme", "accepted", Duration::from_millis(3));
    metric::breaker_open("acme", true);
    metric::effects_waiting("acme", 4);
    let text = telemetry.render();
    for line in [
        "puente_webhooks_total{outcome=\"accepted\",provider=\"acme\"} 1",
        "puente_webhook_seconds_bucket{provider=\"acme\",le=\"0.005\"} 1",
        "puente_breaker_open{provider=\"acme\"} 1",
        "puente_effects_waiting{provider=\"acme\"} 4",
        "service_name=\"puente-test\"",
    ] {
        assert!(text.contains(line), "missing {line} in\n{text}");
    }
}

#[test]
fn a_wrong_filter_is_refused_by_name() {
    let error = init(&config("info,=,=")).unwrap_err().to_string();
    assert!(
        error.starts_with("the log filter \"info,=,=\" is not valid"),
        "{error}"
    );
}

/// Set for the child that only logs.
const LOG: &str = "PUENTE_TEST_LOG";

#[test]
fn a_json_line_is_flat_and_carries_the_trace() {
    if std::env::var_os(LOG).is_some() {
        let _telemetry = init(&TelemetryConfig {
            log_format: LogFormat::Json,
            ..config("info")
        })
        .unwrap();
        let span = tracing::info_span!("outer", tenant.id = "algesta", attempt = 1);
        set_parent(&span, Some(STORED));
        span.in_scope(|| tracing::info!(attempt = 2, ok = true, "sent {}", "it"));
        return;
    }
    let this = std::env::current_exe().unwrap();
    let test = "a_json_line_is_flat_and_carries_the_trace";
    let output = std::process::Command::new(this)
        .args(["--exact", test, "--nocapture"])
        .env(LOG, "1")
        .output();
    let text = String::from_utf8(output.unwrap().stderr).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("sent it"))
        .expect("the line is logged");
    let line: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
    assert_eq!(line["message"], "sent it");
    assert_eq!(line["tenant.id"], "algesta");
    assert_eq!(line["attempt"], 2, "the event's own field wins over its span's");
    assert_eq!(line["ok"], true);
    assert_eq!(
        (&line["level"], &line["service"]),
        (&"INFO".into(), &"puente-test".into())
    );
    assert_eq!(line["trace_id"], trace_id(STORED).unwrap());
}
