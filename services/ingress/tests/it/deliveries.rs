//! What came in, as other services see it.

use std::collections::HashSet;

use puente_proto::ingress::DeliveryFilter;
use puente_proto::timestamp;
use time::{Duration, OffsetDateTime};
use tonic::Code;
use uuid::Uuid;

use crate::asking::{Asking, asked};
use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, JELOU_SECRET, NORTE_NUMBER, Running, message, start};

const PATH: &str = "/webhooks/whatsapp_cloud";

async fn send(ingress: &Running, number: &str, id: &str) -> String {
    let answer = ingress
        .cloud(PATH, CLOUD_SECRET, &message(number, id, "hola"))
        .await;
    let header = answer.headers().get("puente-delivery").unwrap();
    header.to_str().unwrap().to_owned()
}

/// A delivery of `age` ago, as intake would have kept it.
pub(crate) async fn kept(ingress: &Running, tenant: Option<&str>, age: Duration, outcome: &str) -> String {
    let at = OffsetDateTime::now_utc() - age;
    let ms = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
    let id = Uuid::new_v7(uuid::Timestamp::from_unix_time(
        ms / 1_000,
        u32::try_from(ms % 1_000).unwrap() * 1_000_000,
        0,
        0,
    ));
    sqlx::query(
        "INSERT INTO ingress.deliveries (id, received_at, receipt_sequence, provider, tenant, path, query, headers, body,
                                         body_bytes, verification, outcome, events, traceparent)
         VALUES ($1, $2, $3, 'whatsapp_cloud', $4, '/webhooks/whatsapp_cloud', '', '{}', 'x', 1, 'verified', $5, 0,
                 '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')",
    )
    .bind(id)
    .bind(at)
    .bind(i64::try_from(ms).unwrap() * 1_000)
    .bind(tenant)
    .bind(outcome)
    .execute(&ingress.db.admin())
    .await
    .unwrap();
    id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_newest_first_and_its_cursor_neither_skips_nor_repeats_while_new_ones_arrive() {
    let ingress = start(asked).await;
    let mut expected = vec![
        kept(&ingress, Some("algesta"), Duration::days(20), "accepted").await,
        kept(&ingress, Some("algesta"), Duration::days(3), "accepted").await,
        kept(&ingress, Some("algesta"), Duration::hours(2), "accepted").await,
    ];
    for n in 0..12 {
        expected.push(send(&ingress, ALGESTA_NUMBER, &format!("wamid.{n}")).await);
    }
    expected.reverse();
    for asking in [
        Asking::tenant(&ingress, "algesta").await,
        Asking::installation(&ingress).await,
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = asking.page(DeliveryFilter::default(), 4, &cursor).await.unwrap();
            assert!(page.deliveries.len() <= 4);
            seen.extend(page.deliveries.into_iter().map(|one| one.id));
            send(&ingress, NORTE_NUMBER, &format!("wamid.new.{}", Uuid::now_v7())).await;
            if page.next_cursor.is_empty() {
                break;
            }
            cursor = page.next_cursor;
        }
        // The second caller sees those that came during the first one's walk, too.
        seen.retain(|id| expected.contains(id));
        assert_eq!(seen, expected);
    }
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_restricts_the_list() {
    let ingress = start(asked).await;
    let accepted = send(&ingress, ALGESTA_NUMBER, "wamid.1").await;
    let duplicate = send(&ingress, ALGESTA_NUMBER, "wamid.1").await;
    let unroutable = send(&ingress, "999", "wamid.2").await;
    let body = r#"{"id":"1","botId":"bot-1"}"#;
    let signature = puente_webhook_auth::sign(
        &puente_types::Secret::new(JELOU_SECRET),
        "sha256=",
        puente_webhook_auth::Encoding::Hex,
        &[body.as_bytes()],
    );
    ingress
        .post("/webhooks/jelou", &[("x-jelou-signature", &signature)], body)
        .await;
    let old = kept(&ingress, Some("norte"), Duration::days(2), "ignored").await;
    let asking = Asking::installation(&ingress).await;
    let ids = async |filter: DeliveryFilter| -> HashSet<String> {
        asking.all(&filter).await.into_iter().map(|one| one.id).collect()
    };
    let filter = DeliveryFilter::default;
    let outcomes = |words: &[&str]| DeliveryFilter {
        outcomes: words.iter().map(ToString::to_string).collect(),
        ..filter()
    };
    assert_eq!(ids(filter()).await.len(), 5);
    assert_eq!(
        ids(outcomes(&["duplicate"])).await,
        HashSet::from([duplicate.clone()])
    );
    assert_eq!(
        ids(outcomes(&["unroutable", "ignored"]))
            .await
            .intersection(&HashSet::from([unroutable.clone(), old.clone()]))
            .count(),
        2
    );
    let of_cloud = DeliveryFilter {
        provider: "whatsapp_cloud".into(),
        ..filter()
    };
    assert_eq!(ids(of_cloud).await.len(), 4);
    let of_connection = DeliveryFilter {
        connection: "algesta-wa".into(),
        ..filter()
    };
    assert_eq!(
        ids(of_connection).await,
        HashSet::from([accepted.clone(), duplicate.clone()])
    );
    let before = DeliveryFilter {
        until: Some(timestamp(OffsetDateTime::now_utc() - Duration::days(1))),
        ..filter()
    };
    assert_eq!(ids(before).await, HashSet::from([old.clone()]));
    let since = DeliveryFilter {
        since: Some(timestamp(OffsetDateTime::now_utc() - Duration::days(1))),
        ..filter()
    };
    assert_eq!(ids(since).await.len(), 4);
    let traced = |since| DeliveryFilter {
        trace_id: "0AF7651916cd43dd8448eb211c80319c".into(),
        since,
        ..filter()
    };
    assert_eq!(ids(traced(None)).await, HashSet::new(), "within the last day");
    let three_days = timestamp(OffsetDateTime::now_utc() - Duration::days(3));
    assert_eq!(ids(traced(Some(three_days))).await, HashSet::from([old]));
    for bad in [
        outcomes(&["lost"]),
        DeliveryFilter {
            trace_id: "xyz".into(),
            ..filter()
        },
    ] {
        assert_eq!(
            asking.page(bad, 0, "").await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    assert_eq!(
        asking.page(filter(), 0, "xyz").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_shown_with_its_body_and_events_and_without_secrets() {
    let ingress = start(asked).await;
    let body = message(ALGESTA_NUMBER, "wamid.shown", "hola");
    let signature = puente_webhook_auth::sign(
        &puente_types::Secret::new(CLOUD_SECRET),
        "sha256=",
        puente_webhook_auth::Encoding::Hex,
        &[body.as_bytes()],
    );
    let headers = [
        ("x-hub-signature-256", signature.as_str()),
        ("authorization", "Bearer geheim"),
        ("cookie", "sid=geheim"),
        ("x-verify-token", "geheim"),
        ("x-request-id", "r-1"),
    ];
    let answer = ingress
        .post(
            &format!("{PATH}?page=2&access_token=geheim"),
            &headers,
            body.clone(),
        )
        .await;
    let id = answer
        .headers()
        .get("puente-delivery")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();

    let shown = Asking::tenant(&ingress, "algesta").await.get(&id).await.unwrap();
    assert_eq!(shown.body, body.as_bytes());
    let digest = sqlx::query_scalar::<_, String>("SELECT encode(sha256($1), 'hex')")
        .bind(body.as_bytes())
        .fetch_one(&ingress.db.admin())
        .await
        .unwrap();
    assert_eq!(shown.body_sha256, digest);
    assert_eq!(shown.query, "page=2&access_token=[masked]");
    let value = |name: &str| {
        let header = shown.headers.iter().find(|header| header.name == name);
        header.unwrap_or_else(|| panic!("{name} is shown")).value.as_str()
    };
    for secret in ["x-hub-signature-256", "authorization", "cookie", "x-verify-token"] {
        assert_eq!(value(secret), "[masked]", "{secret}");
    }
    assert_eq!(value("x-request-id"), "r-1");
    assert!(!format!("{:?}", shown.headers).contains("geheim"));
    let events: Vec<String> = sqlx::query_scalar("SELECT id::text FROM ingress.outbox")
        .fetch_all(&ingress.db.admin())
        .await
        .unwrap();
    assert_eq!((shown.event_ids, events.len()), (events.clone(), 1));
    let delivery = shown.delivery.unwrap();
    assert_eq!(
        (
            delivery.outcome.as_str(),
            delivery.events,
            delivery.connection.as_str()
        ),
        ("accepted", 1, "algesta-wa")
    );
    assert_eq!(delivery.body_bytes as usize, body.len());
    ingress.stop().await;
}
