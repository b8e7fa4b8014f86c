//! Figures, measured by hand: `cargo nextest run -p puente-ingress --run-ignored only measure`.

use std::time::Instant;

use puente_proto::ingress::DeliveryFilter;
use puente_testkit::wait_for;

use crate::asking::{Asking, asked, lately};
use crate::replays::PATH;
use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, PATIENCE, Running, message, start};

const DELIVERIES: usize = 100_000;

async fn intake(ingress: &Running) {
    for first in (0..DELIVERIES).step_by(250) {
        futures::future::join_all((first..first + 250).map(|n| async move {
            let number = ALGESTA_NUMBER;
            let body = message(number, &format!("wamid.{n}"), "hola");
            ingress.cloud(PATH, CLOUD_SECRET, &body).await;
        }))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; prints figures"]
async fn measure_a_replay_of_a_hundred_thousand_deliveries() {
    let ingress = start(asked).await;
    let started = Instant::now();
    intake(&ingress).await;
    eprintln!("intake of {DELIVERIES}: {:?}", started.elapsed());
    let js = async_nats::jetstream::new(ingress.nats.client().await);
    let held = async || {
        let mut stream = js.get_stream(puente_bus::topology::EVENTS).await.unwrap();
        stream.info().await.unwrap().state.messages as usize
    };
    wait_for("the relay", PATIENCE, || async {
        let found = held().await;
        if found == DELIVERIES {
            Ok(())
        } else {
            Err(format!("{found}"))
        }
    })
    .await;
    let asking = Asking::installation(&ingress).await;
    let filter = DeliveryFilter {
        since: Some(prost_types::Timestamp {
            seconds: time::OffsetDateTime::now_utc().unix_timestamp() - 3_600,
            nanos: 0,
        }),
        ..lately()
    };
    for what in ["first", "second"] {
        let started = Instant::now();
        let plan = asking.plan(filter.clone()).await.unwrap();
        eprintln!("{what} plan {:?} in {:?}", plan.counts, started.elapsed());
        let started = Instant::now();
        let done = asking.replayed(filter.clone(), what).await;
        eprintln!("{what} replay {:?} in {:?}", done.done, started.elapsed());
        if what == "first" {
            assert_eq!(held().await, 2 * DELIVERIES);
            sqlx::query("DELETE FROM ingress.delivery_keys")
                .execute(&ingress.db.admin())
                .await
                .unwrap();
        }
    }
    for _ in 0..2 {
        let started = Instant::now();
        let traffic = asking.traffic(3_600, 60).await.unwrap();
        let accepted: u64 = traffic.buckets.iter().map(|one| one.accepted).sum();
        eprintln!(
            "traffic {accepted} in {:?}, p99 {:?}",
            started.elapsed(),
            traffic.p99_ms
        );
        let started = Instant::now();
        asking.page(DeliveryFilter::default(), 100, "").await.unwrap();
        eprintln!("newest page in {:?}", started.elapsed());
    }
    ingress.stop().await;
}
