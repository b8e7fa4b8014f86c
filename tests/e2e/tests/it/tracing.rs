//! One trace from the webhook to the last status, seen by a receiver of OTLP.

use puente_e2e::{InProcess, PATIENCE, Person, Stage};
use puente_telemetry::TelemetryConfig;
use puente_testkit::{OtlpSink, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_from_the_message_to_the_last_status_is_one_trace() {
    let sink = OtlpSink::start().await;
    let config = TelemetryConfig {
        service_name: "puente".into(),
        otlp_endpoint: Some(sink.endpoint().to_owned()),
        ..TelemetryConfig::default()
    };
    let telemetry = puente_telemetry::init(&config).unwrap();
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    for person in [Person::on_cloud(1), Person::on_jelou(1)] {
        person.order(&stage, &fleet.url(0), 0).await;
        wait_for("the confirmation to be read", PATIENCE, || async {
            let unread: i64 =
                sqlx::query_scalar("SELECT count(*) FROM notifications.messages WHERE state <> 'read'")
                    .fetch_one(&stage.db.admin())
                    .await
                    .map_err(|e| e.to_string())?;
            if unread == 0 {
                Ok(())
            } else {
                Err(unread.to_string())
            }
        })
        .await;
    }
    fleet.stop().await;
    telemetry.shutdown().await;

    let opened: Vec<String> = sqlx::query_scalar(
        "SELECT traceparent FROM orders.outbox WHERE type = 'puente.orders.v1.OrderOpened' ORDER BY seq",
    )
    .fetch_all(&stage.db.admin())
    .await
    .unwrap();
    assert_eq!(opened.len(), 2);
    for traceparent in opened {
        let trace = sink.trace(puente_telemetry::trace_id(&traceparent).unwrap());
        let names: Vec<&str> = trace.iter().map(|span| span.name.as_str()).collect();
        let has = |what: &str| names.iter().any(|name| name.contains(what));
        assert!(has("webhook"), "{names:?}");
        assert!(has("MessageReceived") && has("OrderOpened"), "{names:?}");
        assert!(has("effect.run") && has("provider.call"), "{names:?}");
        assert!(has("ReceiptChanged") || has("receipt"), "{names:?}");
        for span in &trace {
            for value in span.attributes.values() {
                assert!(
                    !value.contains("57300000") && !value.contains("57310000") && !value.contains("nevera"),
                    "{span:?}"
                );
            }
        }
    }
}
