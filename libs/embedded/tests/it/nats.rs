use async_nats::jetstream;
use puente_embedded::{Nats, NatsOptions, ServerError};

use crate::tools;

async fn start(folder: &std::path::Path) -> Nats {
    Nats::start(NatsOptions::new(tools().nats().unwrap(), folder))
        .await
        .unwrap()
}

async fn stream(nats: &Nats) -> jetstream::stream::Stream {
    let client = async_nats::connect(nats.url()).await.unwrap();
    let config = jetstream::stream::Config {
        name: "THINGS".into(),
        subjects: vec!["things.>".into()],
        ..Default::default()
    };
    let context = jetstream::new(client);
    context.get_or_create_stream(config).await.unwrap()
}

async fn count(nats: &Nats) -> u64 {
    stream(nats).await.get_info().await.unwrap().state.messages
}

async fn publish(nats: &Nats) {
    stream(nats).await;
    let context = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    context
        .publish("things.new", "x".into())
        .await
        .unwrap()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let mut nats = start(folder.path()).await;
    publish(&nats).await;
    let port = nats.port();
    nats.kill9().await;
    nats.start_again().await.unwrap();
    assert_eq!((nats.port(), count(&nats).await), (port, 1));
}

#[tokio::test]
async fn a_wiped_server_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut nats = start(folder.path()).await;
    publish(&nats).await;
    nats.stop().await;
    nats.wipe().unwrap();
    nats.start_again().await.unwrap();
    assert_eq!(count(&nats).await, 0);
}

#[tokio::test]
async fn a_second_server_in_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nats = start(folder.path()).await;
    let second = Nats::start(NatsOptions::new(tools().nats().unwrap(), folder.path())).await;
    let Err(ServerError::AlreadyRunning { pid, port, .. }) = second else {
        panic!("{second:?}")
    };
    assert_eq!((pid, port), (nats.pid(), nats.port()));
    assert_eq!(
        Nats::running(folder.path()).map(|running| running.port),
        Some(nats.port())
    );
}

#[tokio::test]
async fn a_taken_port_is_told_from_the_servers_own_log() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = NatsOptions::new(tools().nats().unwrap(), folder.path());
    options.port = Some(taken.local_addr().unwrap().port());
    let error = Nats::start(options).await.unwrap_err();
    assert!(error.to_string().contains("address already in use"), "{error}");
}
