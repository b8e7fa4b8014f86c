use async_nats::jetstream::{self, stream};
use puente_service::nats;
use puente_testkit::{Proxy, TestNats, wait_for};

use crate::PATIENCE;

async fn stream_of(client: &async_nats::Client) -> stream::Stream {
    let config = stream::Config {
        name: "S".into(),
        subjects: vec!["s.>".into()],
        ..Default::default()
    };
    jetstream::new(client.clone())
        .get_or_create_stream(config)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_lost_disk_loses_the_messages_and_a_crash_does_not() {
    let mut broker = TestNats::start().await;
    let client = nats::connect(&broker.config(), "test").await.unwrap();
    stream_of(&client).await;
    jetstream::new(client.clone())
        .publish("s.x", "1".into())
        .await
        .unwrap()
        .await
        .unwrap();

    broker.kill9().await;
    broker.start_again().await;
    wait_for("the client to reconnect", PATIENCE, async || nats::ready(&client)).await;
    assert_eq!(
        stream_of(&client).await.get_info().await.unwrap().state.messages,
        1
    );

    broker.stop().await;
    broker.start_again_empty().await;
    wait_for("the client to reconnect", PATIENCE, async || nats::ready(&client)).await;
    assert_eq!(
        stream_of(&client).await.get_info().await.unwrap().state.messages,
        0
    );
}

#[tokio::test]
async fn a_broker_that_is_away_does_not_prevent_the_start() {
    let mut broker = TestNats::start().await;
    broker.stop().await;
    let client = nats::connect(&broker.config(), "test").await.unwrap();
    assert_eq!(nats::ready(&client), Err("not connected yet".to_owned()));
    broker.start_again().await;
    wait_for("the client to connect", PATIENCE, async || nats::ready(&client)).await;
}

#[tokio::test]
async fn draining_sends_what_is_queued_and_closes() {
    let broker = TestNats::start().await;
    let client = nats::connect(&broker.config(), "test").await.unwrap();
    let info = stream_of(&broker.client().await).await;
    for _ in 0..100 {
        client.publish("s.x", "1".into()).await.unwrap();
    }
    assert!(nats::drain(&client, PATIENCE).await, "closed in time");
    assert!(
        client.publish("s.x", "late".into()).await.is_err(),
        "nothing can be sent any more"
    );
    let stored = async || (info.get_info().await.unwrap().state.messages == 100).then_some(());
    wait_for("all 100 messages", PATIENCE, stored).await;
}

#[tokio::test]
async fn a_client_behind_a_cut_proxy_is_not_ready_until_it_is_mended() {
    let broker = TestNats::start().await;
    let proxy = Proxy::to_url(&broker.url()).await;
    let config = puente_service::NatsConfig::at(proxy.url(&broker.url()));
    let client = nats::connect(&config, "test").await.unwrap();
    proxy.cut();
    wait_for("the loss to be noticed", PATIENCE, async || {
        nats::ready(&client).is_err()
    })
    .await;
    proxy.mend();
    wait_for("the client to reconnect", PATIENCE, async || nats::ready(&client)).await;
}
