//! What a call carries, and what arrives.

use std::time::Duration;

use puente_rpc::{Calls, Guard, answer};
use puente_telemetry::{TelemetryConfig, current_traceparent, init, trace_id};
use tonic::service::Interceptor as _;
use tonic::{Code, Request, Status};
use tracing::Instrument as _;

use crate::support::{ONE, caller, clock, keys};

fn calls() -> Calls {
    Calls::new(keys(ONE), "orders", clock(), Duration::from_millis(1500))
}

#[test]
fn every_call_has_a_deadline_and_a_token_that_is_not_printed() {
    let request = calls().request(&caller(), "question").unwrap();
    assert_eq!(request.metadata().get("grpc-timeout").unwrap(), "1500000u");
    assert!(request.metadata().get("authorization").unwrap().is_sensitive());
    let printed = format!("{request:?} {:?}", calls());
    assert!(!printed.contains("Bearer"), "{printed}");
}

#[tokio::test]
async fn the_handler_gets_the_caller_and_goes_on_with_the_trace() {
    let telemetry = init(&TelemetryConfig {
        service_name: "puente-test".into(),
        log_filter: "off".into(),
        ..TelemetryConfig::default()
    })
    .unwrap();
    let (asked, request) = async {
        let request = calls().request(&caller(), ()).unwrap();
        (current_traceparent().unwrap(), request)
    }
    .instrument(tracing::info_span!("asking"))
    .await;

    let request = Guard::new(keys(ONE), "orders", clock()).call(request).unwrap();
    let answered = answer("Test/Ask", request, async |caller, ()| {
        Ok((caller, current_traceparent().unwrap()))
    });
    let (seen, inside) = answered.await.unwrap().into_inner();
    assert_eq!(seen, caller());
    assert_eq!(trace_id(&inside), trace_id(&asked));
    assert_ne!(inside, asked, "a span of its own");
    telemetry.shutdown().await;
}

#[tokio::test]
async fn without_its_guard_a_service_answers_nobody() {
    let refused = answer("Test/Ask", Request::new(()), async |_, ()| Ok::<_, Status>(()));
    assert_eq!(refused.await.unwrap_err().code(), Code::Internal);
}
