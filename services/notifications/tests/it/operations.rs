//! The service's own work, asked about and put right over gRPC.

use std::time::Duration;

use puente_proto::Event as _;
use puente_proto::notifications::MessageRequested;
use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::operations::{
    CloseDeadLetterRequest, Effect, GetEffectRequest, ListConnectionHealthRequest, ListDeadLettersRequest,
    ListDeadLettersResponse, ListEffectsRequest, ListEventsRequest, Resolution, ResolveEffectRequest,
    RetryDeadLetterRequest, RetryDeadLetterResponse, list_events_request::Key,
};
use puente_proto::orders::OrderOpened;
use puente_rpc::Scope;
use puente_testkit::service::Asker;
use puente_testkit::wait_for;
use puente_types::EventId;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage, request, tenant};

struct Asking {
    client: OperationsClient<Channel>,
    asker: Asker,
}

impl Asking {
    async fn of(stage: &Stage, scope: Scope) -> Self {
        let asker = Asker::with("notifications", stage.grpc, scope)
            .await
            .as_role("operator");
        Self {
            client: OperationsClient::new(asker.channel.clone()),
            asker,
        }
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        self.asker.signed(message)
    }

    /// The calls in doubt.
    async fn doubts(&self) -> Vec<Effect> {
        let question = ListEffectsRequest {
            states: vec!["unknown".into()],
            ..ListEffectsRequest::default()
        };
        let answer = self.client.clone().list_effects(self.signed(question)).await;
        answer.unwrap().into_inner().effects
    }

    async fn resolve(&self, id: &str, resolution: Resolution) -> Result<(), Status> {
        let command = ResolveEffectRequest {
            id: id.to_owned(),
            resolution: resolution.into(),
            reason: "asked the provider".to_owned(),
        };
        let answer = self.client.clone().resolve_effect(self.signed(command)).await;
        answer.map(drop)
    }

    async fn letters(&self) -> ListDeadLettersResponse {
        let question = ListDeadLettersRequest::default();
        let answer = self.client.clone().list_dead_letters(self.signed(question)).await;
        answer.unwrap().into_inner()
    }

    async fn retry(&self, event: EventId) -> Result<RetryDeadLetterResponse, Status> {
        let command = RetryDeadLetterRequest {
            event_id: event.to_string(),
            consumer: "notifications".into(),
        };
        let answer = self
            .client
            .clone()
            .retry_dead_letter(self.signed(command))
            .await?;
        Ok(answer.into_inner())
    }
}

async fn acme(stage: &Stage) -> Asking {
    Asking::of(stage, Scope::Tenant(tenant("acme"))).await
}

/// A send of which nobody knows whether it happened.
async fn in_doubt(stage: &Stage, asking: &Asking) -> Effect {
    Fake::will(&[Reply::Silence]);
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    wait_for("a call in doubt", PATIENCE, async || asking.doubts().await.pop()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_in_doubt_is_shown_without_its_words_and_confirmed_and_the_message_is_sent() {
    let stage = Stage::set().await;
    let acme = acme(&stage).await;
    let doubt = in_doubt(&stage, &acme).await;
    let question = GetEffectRequest { id: doubt.id.clone() };
    let answer = acme.client.clone().get_effect(acme.signed(question)).await;
    let shown = answer.unwrap().into_inner().effect.unwrap().payload_redacted;
    assert!(
        shown.contains(r#""to":"************""#) && !shown.contains(ANA),
        "{shown}"
    );

    let other = Asking::of(&stage, Scope::Tenant(tenant("other"))).await;
    assert!(other.doubts().await.is_empty());
    let foreign = other.resolve(&doubt.id, Resolution::Confirm).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);

    acme.resolve(&doubt.id, Resolution::Confirm).await.unwrap();
    stage.settled("acme", 1, |message| message.state == "sent").await;
    let again = acme.resolve(&doubt.id, Resolution::Close).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    let question = ListConnectionHealthRequest::default();
    let health = acme
        .client
        .clone()
        .list_connection_health(acme.signed(question))
        .await
        .unwrap()
        .into_inner()
        .connections;
    assert_eq!(health.len(), 1);
    let chat = health.first().unwrap();
    assert_eq!(
        (chat.connection.as_str(), chat.done, chat.unknown),
        ("acme-chat", 1, 0)
    );
    assert_eq!(chat.breaker, "closed", "this replica has called by it");
    assert_eq!(Fake::calls(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_in_doubt_that_is_repeated_by_an_operator_is_sent_and_its_events_are_found() {
    let stage = Stage::set().await;
    let operator = Asking::of(&stage, Scope::Installation).await;
    let doubt = in_doubt(&stage, &operator).await;
    operator.resolve(&doubt.id, Resolution::Repeat).await.unwrap();
    let sent = stage.settled("acme", 1, |message| message.state == "sent").await;
    assert_eq!(Fake::calls(), 2);
    let message = sent.first().unwrap().id.clone();
    let question = ListEventsRequest {
        key: Some(Key::AggregateId(message)),
        limit: 0,
        ..ListEventsRequest::default()
    };
    let answer = operator
        .client
        .clone()
        .list_events(operator.signed(question))
        .await;
    let events = answer.unwrap().into_inner().events;
    let names: Vec<&str> = events
        .iter()
        .map(|event| event.r#type.trim_start_matches("puente.notifications.v1."))
        .collect();
    assert_eq!(names, ["MessageQueued", "MessageParked", "MessageStateChanged"]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_event_without_a_version_waits_for_a_person_who_tries_it_again_and_closes_it() {
    let stage = Stage::set().await;
    let acme = acme(&stage).await;
    let event = stage
        .publish("acme", "order-1", None, &OrderOpened::default())
        .await;
    let letters = wait_for("the dead letter", PATIENCE, async || {
        Some(acme.letters().await).filter(|letters| letters.waiting == 1)
    })
    .await;
    let letter = letters.letters.first().unwrap();
    assert_eq!(letter.event_id, event.to_string());
    let answer = acme.retry(event).await.unwrap();
    assert_eq!(
        (answer.handled, answer.reason.as_str()),
        (false, "an order's event has no version")
    );
    let command = CloseDeadLetterRequest {
        event_id: event.to_string(),
        consumer: "notifications".into(),
        reason: "asked for by a broken test".into(),
    };
    acme.client
        .clone()
        .close_dead_letter(acme.signed(command))
        .await
        .unwrap();
    assert_eq!(acme.letters().await.waiting, 0);
    assert!(stage.messages("acme").await.is_empty());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_works_now_becomes_one_message() {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    let event = EventId::new();
    sqlx::query(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason, attempts)
         VALUES ($1, 'notifications', 'acme', 'puente.v1.x', $2, $3, now(), $4, 'the desk was away', 12)",
    )
    .bind(event.uuid())
    .bind(MessageRequested::TYPE.name)
    .bind(ANA)
    .bind(puente_outbox::NewEvent::new(&tenant("acme"), ANA, &request("acme", ANA, "bot_menu", &[])).payload.as_ref().to_vec())
    .execute(&stage.pool)
    .await
    .unwrap();
    let acme = acme(&stage).await;
    assert!(acme.retry(event).await.unwrap().handled);
    stage.settled("acme", 1, |message| message.state == "sent").await;
    let again = acme.retry(event).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    assert_eq!((Fake::calls(), stage.messages("acme").await.len()), (1, 1));
    stage.stop().await;
}
