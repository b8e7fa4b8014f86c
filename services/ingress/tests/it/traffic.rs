//! How much came in.

use puente_proto::ingress::TrafficBucket;
use time::Duration;
use tonic::Code;

use crate::asking::{Asking, asked};
use crate::deliveries::kept;
use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, message, start};

const PATH: &str = "/webhooks/whatsapp_cloud";

fn sum(buckets: &[TrafficBucket]) -> [u64; 5] {
    buckets.iter().fold([0; 5], |sum, one| {
        let more = [
            one.accepted,
            one.duplicate,
            one.ignored,
            one.troubled,
            one.refused,
        ];
        std::array::from_fn(|n| sum[n] + more[n])
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_what_was_sent_and_goes_on_with_what_is_sent_later() {
    let ingress = start(asked).await;
    let asking = Asking::installation(&ingress).await;
    for (age, outcome) in [
        (20, "accepted"),
        (20, "ignored"),
        (50, "malformed"),
        (200, "accepted"),
    ] {
        kept(&ingress, Some("algesta"), Duration::minutes(age), outcome).await;
    }
    let before = asking.traffic(0, 0).await.unwrap();
    assert_eq!((sum(&before.buckets), before.p50_ms), ([1, 0, 1, 1, 0], None));
    let send = async |secret: &str, body: &str| ingress.cloud(PATH, secret, body).await;
    for n in 0..5 {
        send(
            CLOUD_SECRET,
            &message(ALGESTA_NUMBER, &format!("wamid.{n}"), "hola"),
        )
        .await;
    }
    send(CLOUD_SECRET, &message(ALGESTA_NUMBER, "wamid.0", "hola")).await;
    send(CLOUD_SECRET, &message("999", "wamid.x", "hola")).await;
    send(CLOUD_SECRET, "{\"object\":17").await;
    puente_testkit::wait_for(
        "the last half second's count to be over",
        crate::support::PATIENCE,
        || async {
            let found = sum(&asking.traffic(3_600, 60).await.unwrap().buckets);
            if found == [6, 1, 1, 3, 0] {
                Ok(())
            } else {
                Err(format!("{found:?}"))
            }
        },
    )
    .await;
    assert_eq!(
        sum(&asking.traffic(86_400, 3_600).await.unwrap().buckets),
        [7, 1, 1, 3, 0]
    );

    send(CLOUD_SECRET, &message(ALGESTA_NUMBER, "wamid.later", "hola")).await;
    puente_testkit::wait_for(
        "the later one to be counted",
        crate::support::PATIENCE,
        || async { sum(&asking.traffic(600, 600).await.unwrap().buckets)[0] == 6 },
    )
    .await;

    let answer = asking.traffic(86_400, 600).await.unwrap();
    let starts: Vec<i64> = answer
        .buckets
        .iter()
        .map(|one| one.start.unwrap().seconds)
        .collect();
    assert!(
        starts.windows(2).all(|pair| pair[1] - pair[0] == 600),
        "without gaps"
    );
    assert!((144..=146).contains(&starts.len()), "{}", starts.len());
    let (p50, p99) = (answer.p50_ms.unwrap(), answer.p99_ms.unwrap());
    assert!(p50 > 0.0 && p99 >= p50, "{p50} {p99}");
    assert_eq!(
        asking.traffic(60, 7).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    ingress.stop().await;
}
