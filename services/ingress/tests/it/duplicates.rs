//! The same happening again.

use futures::future::join_all;
use reqwest::StatusCode;

use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, message, outcome, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_repeated_a_thousand_times_makes_one_event_whatever_unsigned_headers_say() {
    let ingress = start(|o| o).await;
    let body = message(ALGESTA_NUMBER, "wamid.same", "hola");
    let signature = puente_webhook_auth::sign(
        &puente_types::Secret::new(CLOUD_SECRET),
        "sha256=",
        puente_webhook_auth::Encoding::Hex,
        &[body.as_bytes()],
    );
    let mut accepted = 0;
    for round in 0..20 {
        let answers = join_all((0..50).map(|n| {
            let (ingress, body, signature) = (&ingress, body.clone(), signature.clone());
            async move {
                let id = format!("{round}-{n}");
                let headers = [
                    ("x-hub-signature-256", signature.as_str()),
                    ("x-request-id", &id),
                    ("puente-delivery", &id),
                ];
                ingress.post("/webhooks/whatsapp_cloud", &headers, body).await
            }
        }))
        .await;
        for answer in answers {
            assert_eq!(answer.status(), StatusCode::OK);
            accepted += usize::from(outcome(&answer) == "accepted");
        }
    }
    assert_eq!(accepted, 1);
    assert_eq!(ingress.events().await, [("algesta".into(), 1)]);
    assert_eq!(
        ingress.outcomes().await,
        [("accepted".into(), 1), ("duplicate".into(), 999)]
    );
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_in_another_packing_adds_only_what_is_new() {
    let ingress = start(|o| o).await;
    let first: serde_json::Value = serde_json::from_str(&message(ALGESTA_NUMBER, "wamid.a", "uno")).unwrap();
    let second: serde_json::Value = serde_json::from_str(&message(ALGESTA_NUMBER, "wamid.b", "dos")).unwrap();
    let path = "/webhooks/whatsapp_cloud";
    ingress.cloud(path, CLOUD_SECRET, &first.to_string()).await;
    let mut both = first.clone();
    both["entry"]
        .as_array_mut()
        .unwrap()
        .push(second["entry"][0].clone());
    both["entry"]
        .as_array_mut()
        .unwrap()
        .push(second["entry"][0].clone());
    let answer = ingress.cloud(path, CLOUD_SECRET, &both.to_string()).await;
    assert_eq!(outcome(&answer), "accepted");
    assert_eq!(ingress.events().await, [("algesta".into(), 2)]);
    ingress.stop().await;
}
