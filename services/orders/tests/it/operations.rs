//! The service's own work, asked about and put right over gRPC.

use puente_proto::Event as _;
use puente_proto::messaging::MessageReceived;
use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::operations::{
    ListEventsRequest, PublishedEvent, Resolution, ResolveEffectRequest, RetryDeadLetterRequest,
    list_events_request::Key,
};
use puente_types::EventId;
use tonic::Code;

use crate::asking::{Asking, channel, served};
use crate::support::{LAURA, Stage, message};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn events(stage: &Stage, tenant: &str, key: Key) -> Vec<PublishedEvent> {
    let asking = Asking::of(stage, tenant).await;
    let question = asking.signed(ListEventsRequest {
        key: Some(key),
        limit: 0,
        ..ListEventsRequest::default()
    });
    let mut client = OperationsClient::new(channel(stage).await);
    client.list_events(question).await.unwrap().into_inner().events
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_their_trace_and_by_the_message_that_led_to_them() {
    let stage = served().await;
    let event = stage.publish("acme", &message("acme", LAURA, 1, "Hola")).await;
    stage.worked(event).await;
    let told = events(&stage, "acme", Key::Cause(event.to_string())).await;
    assert_eq!(told.len(), 1, "the answer that was asked for");
    sqlx::query("UPDATE outbox SET traceparent = '00-' || $1 || '-00f067aa0ba902b7-01'")
        .bind(TRACE)
        .execute(&stage.pool)
        .await
        .unwrap();
    let traced = events(&stage, "acme", Key::TraceId(TRACE.into())).await;
    assert_eq!(
        traced.first().map(|event| &event.id),
        told.first().map(|event| &event.id)
    );
    assert_eq!(traced.first().map(|event| event.source.as_str()), Some("orders"));
    assert!(
        events(&stage, "norte", Key::TraceId(TRACE.into()))
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_given_up_is_worked_when_a_person_says_so_and_only_then_answered() {
    let stage = served().await;
    let (event, lost) = (EventId::new(), message("acme", LAURA, 1, "Hola"));
    sqlx::query(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason, attempts)
         VALUES ($1, 'orders', 'acme', 'puente.v1.x', $2, $3, now(), $4, 'the queue was away', 12)",
    )
    .bind(event.uuid())
    .bind(MessageReceived::TYPE.name)
    .bind(&lost.contact_id)
    .bind(prost::Message::encode_to_vec(&lost))
    .execute(&stage.pool)
    .await
    .unwrap();
    let mut client = OperationsClient::new(channel(&stage).await);
    let command = || RetryDeadLetterRequest {
        event_id: event.to_string(),
        consumer: "orders".into(),
    };
    let norte = Asking::of(&stage, "norte").await;
    let foreign = client
        .retry_dead_letter(norte.signed(command()))
        .await
        .unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let acme = Asking::of(&stage, "acme").await;
    let answer = client.retry_dead_letter(acme.signed(command())).await.unwrap();
    assert!(answer.into_inner().handled);
    stage.worked(event).await;
    assert_eq!(stage.replies().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_call_no_provider_so_there_is_no_call_to_decide_about() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    let mut client = OperationsClient::new(channel(&stage).await);
    let command = acme.signed(ResolveEffectRequest {
        id: EventId::new().to_string(),
        resolution: Resolution::Repeat.into(),
        reason: "there is none".into(),
    });
    let none = client.resolve_effect(command).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
}
