//! Who is believed.

use puente_types::Secret;
use puente_webhook_auth::{Encoding, sign};
use reqwest::StatusCode;

use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, JELOU_SECRET, message, outcome, refusal, start};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_request_signed_over_its_exact_bytes_makes_an_event() {
    let ingress = start(|o| o).await;
    let body = message(ALGESTA_NUMBER, "wamid.1", "Instalación ñandú");
    let signature = sign(
        &Secret::new(CLOUD_SECRET),
        "sha256=",
        Encoding::Hex,
        &[body.as_bytes()],
    );
    let path = "/webhooks/whatsapp_cloud";

    let missing = ingress.post(path, &[], body.clone()).await;
    assert_eq!(
        refusal(missing).await,
        (StatusCode::UNAUTHORIZED, "signature_missing".into())
    );
    let forged = ingress.cloud(path, "guess", &body).await;
    assert_eq!(
        refusal(forged).await,
        (StatusCode::UNAUTHORIZED, "signature_mismatch".into())
    );
    let truncated = ingress
        .post(
            path,
            &[("x-hub-signature-256", &signature)],
            &body.as_bytes()[..body.len() - 1],
        )
        .await;
    assert_eq!(truncated.status(), StatusCode::UNAUTHORIZED);
    let rewritten =
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&body).unwrap()).unwrap();
    let rewritten = ingress
        .post(path, &[("x-hub-signature-256", &signature)], rewritten)
        .await;
    assert_eq!(rewritten.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ingress.events().await, []);

    let good = ingress
        .post(
            path,
            &[
                ("x-hub-signature-256", &signature),
                ("authorization", "Bearer leak"),
            ],
            body.clone(),
        )
        .await;
    assert_eq!((good.status(), outcome(&good)), (StatusCode::OK, "accepted"));
    assert_eq!(ingress.events().await, [("algesta".into(), 1)]);

    // What was refused is kept with its reason; what was taken is kept whole, without credentials.
    puente_testkit::wait_for(
        "the refused requests to be kept",
        crate::support::PATIENCE,
        || async { ingress.outcomes().await == [("accepted".to_owned(), 1), ("refused".to_owned(), 4)] },
    )
    .await;
    let (kept, headers): (Vec<u8>, serde_json::Value) =
        sqlx::query_as("SELECT body, kept_headers::jsonb FROM ingress.deliveries WHERE outcome = 'accepted'")
            .fetch_one(&ingress.db.admin())
            .await
            .unwrap();
    assert_eq!(kept, body.as_bytes());
    assert_eq!(headers["x-hub-signature-256"], signature.as_str());
    assert!(!headers.to_string().contains("leak"));
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_old_bots_takes_signed_jelou_messages_of_every_family() {
    let ingress = start(|o| o).await;
    let bodies = [
        r#"{"event":"message","botId":"bot-1","userId":"593987654321","message":{"messageId":"msg-1","type":"TEXT","text":"Hola, ¿en qué puedo ayudarte?"}}"#,
        r#"{"messageId":"m-2","bubble":{"type":"text","text":"Hola","mediaUrl":null},"names":"Ana","userId":"593987654321","botId":"bot-1","received":1776134278574,"status":"created","owner":"user"}"#,
        r#"{"event":"delivered_user","messageId":"x-9","userId":"593987654321","botId":"bot-1","timestamp":1776134278574}"#,
    ];
    for body in bodies {
        let signature = sign(
            &Secret::new(JELOU_SECRET),
            "sha256=",
            Encoding::Hex,
            &[body.as_bytes()],
        );
        let taken = ingress
            .post("/api/jelou/webhook", &[("x-jelou-signature", &signature)], body)
            .await;
        assert_eq!(
            (taken.status(), outcome(&taken)),
            (StatusCode::OK, "accepted"),
            "{body}"
        );
        assert_eq!(taken.text().await.unwrap(), "{}");
        let unsigned = ingress.post("/api/jelou/webhook", &[], body).await;
        assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ingress.events().await, [("algesta".into(), 3)]);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_handshake_is_echoed_for_the_right_token_only() {
    let ingress = start(|o| o).await;
    let ask = |token: &str| {
        format!(
            "/webhooks/whatsapp_cloud?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
        )
    };
    let right = ingress.get(&ask("verify-me")).await;
    assert_eq!(
        (right.status(), right.text().await.unwrap().as_str()),
        (StatusCode::OK, "1158201444")
    );
    let wrong = ingress.get(&ask("verify-you")).await;
    assert_eq!(
        refusal(wrong).await,
        (StatusCode::FORBIDDEN, "verification_token_mismatch".into())
    );
    let other = ingress
        .get(&ask("sur-token").replace("whatsapp_cloud?", "whatsapp_cloud/algesta-wa?"))
        .await;
    assert_eq!(
        other.status(),
        StatusCode::FORBIDDEN,
        "another tenant's token at this tenant's address"
    );
    ingress.stop().await;
}
