//! Whose event it is.

use reqwest::StatusCode;

use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, NORTE_NUMBER, message, outcome, start};

const PATH: &str = "/webhooks/whatsapp_cloud";

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_behind_one_address_get_their_own_events_only() {
    let ingress = start(|o| o).await;
    let mut both: serde_json::Value = serde_json::from_str(&message(ALGESTA_NUMBER, "wamid.1", "a")).unwrap();
    let other: serde_json::Value = serde_json::from_str(&message(NORTE_NUMBER, "wamid.1", "b")).unwrap();
    both["entry"]
        .as_array_mut()
        .unwrap()
        .push(other["entry"][0].clone());
    let answer = ingress.cloud(PATH, CLOUD_SECRET, &both.to_string()).await;
    assert_eq!(outcome(&answer), "accepted");
    assert_eq!(
        ingress.events().await,
        [("algesta".into(), 1), ("norte".into(), 1)],
        "the same id at two accounts is two happenings"
    );
    let tenant: Option<String> = sqlx::query_scalar("SELECT tenant FROM ingress.deliveries")
        .fetch_one(&ingress.db.admin())
        .await
        .unwrap();
    assert_eq!(
        tenant, None,
        "a request with events of two tenants is shown to neither"
    );
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_secret_makes_no_events_for_anyone_else() {
    let ingress = start(|o| o).await;
    let body = message(ALGESTA_NUMBER, "wamid.x", "suplantado");
    let foreign = ingress.cloud(PATH, "app-of-sur", &body).await;
    assert_eq!(
        (foreign.status(), outcome(&foreign)),
        (StatusCode::OK, "unroutable")
    );
    let at_own_address = ingress
        .cloud("/webhooks/whatsapp_cloud/sur-wa", "app-of-sur", &body)
        .await;
    assert_eq!(outcome(&at_own_address), "unroutable");
    let at_their_address = ingress
        .cloud("/webhooks/whatsapp_cloud/algesta-wa", "app-of-sur", &body)
        .await;
    assert_eq!(at_their_address.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ingress.events().await, []);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_routed_translated_or_used_is_kept_with_its_reason() {
    let ingress = start(|o| o).await;
    let unroutable = ingress
        .cloud(PATH, CLOUD_SECRET, &message("999", "wamid.u", "?"))
        .await;
    assert_eq!(
        (unroutable.status(), outcome(&unroutable)),
        (StatusCode::OK, "unroutable")
    );
    let malformed = ingress.cloud(PATH, CLOUD_SECRET, "{\"object\":17").await;
    assert_eq!(
        (malformed.status(), outcome(&malformed)),
        (StatusCode::OK, "malformed")
    );
    let unknown = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"moon_phase","value":{}}]}]}"#;
    let ignored = ingress.cloud(PATH, CLOUD_SECRET, unknown).await;
    assert_eq!((ignored.status(), outcome(&ignored)), (StatusCode::OK, "ignored"));
    let kept: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT outcome, reason FROM ingress.deliveries ORDER BY outcome")
            .fetch_all(&ingress.db.admin())
            .await
            .unwrap();
    assert_eq!(
        kept.iter().map(|k| k.0.as_str()).collect::<Vec<_>>(),
        ["ignored", "malformed", "unroutable"]
    );
    assert!(
        kept.iter()
            .all(|k| k.1.as_ref().is_some_and(|reason| !reason.is_empty())),
        "{kept:?}"
    );
    assert!(kept[0].1.as_ref().unwrap().contains("moon_phase"));
    ingress.stop().await;
}
