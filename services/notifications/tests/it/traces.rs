//! What a receipt leads to belongs to the trace that sent the message, and is linked to the receipt's own.

use std::time::Duration;

use puente_proto::messaging::ReceiptState;
use puente_telemetry::{LogFormat, TelemetryConfig, init};
use puente_testkit::{OtlpSink, wait_for};
use puente_types::EventId;

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage, receipt, request};

const JOURNEY: &str = "00-11111111111111111111111111111111-1111111111111111-01";
const CALLBACK: &str = "00-22222222222222222222222222222222-2222222222222222-01";

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_continues_the_trace_of_its_message_and_links_its_own() {
    let sink = OtlpSink::start().await;
    let telemetry = init(&TelemetryConfig {
        service_name: "notifications".into(),
        log_format: LogFormat::Compact,
        log_filter: "warn,puente=info".into(),
        otlp_endpoint: Some(sink.endpoint().to_owned()),
    })
    .unwrap();
    let stage = Stage::set().await;
    Fake::will(&[Reply::Take("wamid.T")]);
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    let ask = request("acme", ANA, "bot_menu", &[]);
    stage
        .publish_in(Some(JOURNEY), EventId::new(), "acme", ANA, None, &ask)
        .await;
    let message = stage.settled("acme", 1, |m| m.state == "sent").await.remove(0);
    let read = receipt("acme", "wamid.T", "", ReceiptState::Read);
    stage
        .publish_in(Some(CALLBACK), EventId::new(), "acme", "wamid.T", None, &read)
        .await;
    stage.settled("acme", 1, |m| m.state == "read").await;

    let traces: Vec<String> = sqlx::query_scalar(
        "SELECT substr(traceparent, 4, 32) FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_version",
    )
    .bind(&message.id)
    .fetch_all(&stage.pool)
    .await
    .unwrap();
    let journey = puente_telemetry::trace_id(JOURNEY).unwrap();
    assert_eq!(traces, [journey; 3], "queued, sent and read are one journey");
    stage.stop().await;
    telemetry.shutdown().await;

    let callback = puente_telemetry::trace_id(CALLBACK).unwrap();
    let applied = wait_for("the receipt's span", PATIENCE, async || {
        sink.trace(journey)
            .into_iter()
            .find(|span| span.name == "receipt.apply")
    })
    .await;
    assert!(
        applied.links.iter().any(|link| link.contains(callback)),
        "{:?}",
        applied.links
    );
}
