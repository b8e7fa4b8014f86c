//! Who is let in.

use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::operations::{
    CloseDeadLetterRequest, ListConnectionHealthRequest, ListDeadLettersRequest, ListEffectsRequest,
    ListEventsRequest, ResolveEffectRequest, RetryDeadLetterRequest,
};
use puente_rpc::Scope;
use tonic::{Code, Request};

use crate::support::{KEY, SERVICE, Stage, ask, caller, calls, code};

/// 32 other bytes.
const OTHER_KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_answered_and_nothing_is_done() {
    let stage = Stage::set().await;
    let mut client = OperationsClient::new(stage.channel.clone());
    let answers = [
        client.list_events(ListEventsRequest::default()).await.map(drop),
        client
            .list_dead_letters(ListDeadLettersRequest::default())
            .await
            .map(drop),
        client.list_effects(ListEffectsRequest::default()).await.map(drop),
        client
            .list_connection_health(ListConnectionHealthRequest::default())
            .await
            .map(drop),
        client
            .retry_dead_letter(RetryDeadLetterRequest::default())
            .await
            .map(drop),
        client
            .close_dead_letter(CloseDeadLetterRequest::default())
            .await
            .map(drop),
        client
            .resolve_effect(ResolveEffectRequest::default())
            .await
            .map(drop),
    ];
    for answer in answers {
        let refused = answer.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(refused.message(), "a valid caller token is needed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_token_and_one_for_another_service_are_refused() {
    let stage = Stage::set().await;
    let mut client = OperationsClient::new(stage.channel.clone());
    let question = ListEffectsRequest::default;
    let whole = caller(Scope::Installation);
    let mut twice = calls(KEY, SERVICE).request(&whole, question()).unwrap();
    let again = calls(KEY, SERVICE).request(&whole, question()).unwrap();
    let second = again.metadata().get("authorization").unwrap().clone();
    twice.metadata_mut().append("authorization", second);
    let mut garbled = Request::new(question());
    garbled
        .metadata_mut()
        .insert("authorization", "Bearer p1.e30.AAAA".parse().unwrap());
    for request in [
        calls(OTHER_KEY, SERVICE).request(&whole, question()).unwrap(),
        calls(KEY, "orders").request(&whole, question()).unwrap(),
        twice,
        garbled,
    ] {
        let refused = client.list_effects(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let good = calls(KEY, SERVICE).request(&whole, question()).unwrap();
    client.list_effects(good).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_can_be_answered_are_refused_at_once_and_their_turns_come_back() {
    let stage = Stage::set().await;
    let mut held = stage.db.admin().begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE mechanism.effects IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    // Two connections, for each of them has a limit of its own.
    let (one, two) = (stage.of("acme"), stage.another().await);
    let mut asked = tokio::task::JoinSet::new();
    for at in 0..90 {
        let asking = if at % 2 == 0 { one.clone() } else { two.clone() };
        asked.spawn(async move { code(ask!(asking, list_effects, ListEffectsRequest::default())) });
    }
    let first = asked.join_next().await.unwrap().unwrap();
    assert_eq!(first, Code::ResourceExhausted, "nobody waits for a turn");
    asked.join_all().await;
    held.rollback().await.unwrap();
    ask!(one, list_effects, ListEffectsRequest::default()).unwrap();
}
