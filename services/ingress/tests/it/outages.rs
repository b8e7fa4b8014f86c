//! Broker and database away.

use puente_testkit::{Proxy, TestDb, TestNats, wait_for};
use reqwest::StatusCode;

use crate::support::{
    ALGESTA_NUMBER, CLOUD_SECRET, PATIENCE, message, outcome, refusal, schema, start, start_on,
};

const PATH: &str = "/webhooks/whatsapp_cloud";

async fn in_stream(nats: &TestNats) -> Result<u64, String> {
    let js = async_nats::jetstream::new(nats.client().await);
    let mut stream = js.get_stream("EVENTS").await.map_err(|e| e.to_string())?;
    Ok(stream.info().await.map_err(|e| e.to_string())?.state.messages)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_broker_webhooks_are_taken_and_flow_on_when_it_is_back_even_with_an_empty_disk() {
    let mut ingress = start(|o| o).await;
    ingress
        .cloud(PATH, CLOUD_SECRET, &message(ALGESTA_NUMBER, "wamid.0", "antes"))
        .await;
    wait_for("the first event", PATIENCE, || async {
        in_stream(&ingress.nats).await == Ok(1)
    })
    .await;
    ingress.nats.kill9().await;
    for n in 1..=20 {
        let answer = ingress
            .cloud(
                PATH,
                CLOUD_SECRET,
                &message(ALGESTA_NUMBER, &format!("wamid.{n}"), "durante"),
            )
            .await;
        assert_eq!((answer.status(), outcome(&answer)), (StatusCode::OK, "accepted"));
    }
    ingress.nats.start_again_empty().await;
    wait_for("all events, the one from before too", PATIENCE, || async {
        match in_stream(&ingress.nats).await {
            Ok(21) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_nothing_is_acknowledged_and_afterwards_nothing_is_missing() {
    let schemas = [schema()];
    let (db, nats) = tokio::join!(TestDb::private(&schemas), TestNats::start());
    let mut ingress = start_on(db, nats, |o| o.set("commit_timeout_ms", 1500)).await;
    // A server that was just started may need longer for its first commit.
    wait_for("the first message to be taken", PATIENCE, || async {
        let first = ingress
            .cloud(PATH, CLOUD_SECRET, &message(ALGESTA_NUMBER, "wamid.0", "antes"))
            .await;
        first.status() == StatusCode::OK
    })
    .await;
    ingress.db.kill9().await;
    let down = ingress
        .cloud(PATH, CLOUD_SECRET, &message(ALGESTA_NUMBER, "wamid.1", "durante"))
        .await;
    assert!(down.headers().contains_key("retry-after"));
    assert_eq!(
        refusal(down).await,
        (StatusCode::SERVICE_UNAVAILABLE, "not_stored".into())
    );
    ingress.db.start_again().await;
    // The provider comes again, as it was told.
    wait_for("the redelivery to be taken", PATIENCE, || async {
        let again = ingress
            .cloud(PATH, CLOUD_SECRET, &message(ALGESTA_NUMBER, "wamid.1", "durante"))
            .await;
        if again.status() == StatusCode::OK {
            Ok(())
        } else {
            Err(again.status().to_string())
        }
    })
    .await;
    wait_for("both events in the stream", PATIENCE, || async {
        in_stream(&ingress.nats).await == Ok(2)
    })
    .await;
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_without_closing_its_connection_keeps_nobody_waiting() {
    let schemas = [schema()];
    let (db, nats) = tokio::join!(TestDb::new(&schemas), TestNats::start());
    let proxy = Proxy::to_url(&nats.url()).await;
    let through = proxy.url(&nats.url());
    let ingress = start_on(db, nats, |o| o.set("nats.url", through)).await;
    proxy.pause();
    for n in 0..20 {
        let body = message(ALGESTA_NUMBER, &format!("wamid.{n}"), "hola");
        let answer = ingress.cloud(PATH, CLOUD_SECRET, &body).await;
        assert_eq!((answer.status(), outcome(&answer)), (StatusCode::OK, "accepted"));
    }
    proxy.mend();
    wait_for("all events in the stream", PATIENCE, || async {
        match in_stream(&ingress.nats).await {
            Ok(20) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    ingress.stop().await;
}
