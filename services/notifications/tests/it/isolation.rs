//! Tenants never touch each other's messages.

use std::time::Duration;

use puente_proto::messaging::ReceiptState;

use crate::support::{ANA, Fake, Reply, Stage, receipt};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_one_tenant_never_moves_the_message_of_another() {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Take("wamid.X")]);
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage.settled("acme", 1, |m| m.state == "sent").await;
    // The other tenant knows everything but belongs elsewhere: its own connection, and even the foreign one.
    let mut foreign = receipt("other", "wamid.X", &seen[0].effect_key, ReceiptState::Read);
    let first = stage.publish("other", "wamid.X", None, &foreign).await;
    foreign.connection = "acme-chat".into();
    let second = stage.publish("other", "wamid.X", None, &foreign).await;
    stage.handled(first).await;
    stage.handled(second).await;
    assert_eq!(stage.messages("acme").await, seen);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_another_tenants_connection_reaches_no_provider() {
    let stage = Stage::set().await;
    let mut message = puente_proto::messaging::MessageReceived {
        provider: "fake".into(),
        connection: "acme-chat".into(),
        contact_id: ANA.into(),
        text: "hola".into(),
        ..Default::default()
    };
    message.set_kind(puente_proto::messaging::MessageKind::Text);
    let heard = stage.publish("other", ANA, None, &message).await;
    stage.handled(heard).await;
    let mut ask = crate::support::request("other", ANA, "bot_menu", &[]);
    ask.recipient.as_mut().unwrap().connection = "acme-chat".into();
    stage.publish("other", ANA, None, &ask).await;
    let seen = stage.settled("other", 1, |m| m.state == "failed").await;
    assert_eq!(seen[0].code.as_deref(), Some("connection_foreign"));
    assert_eq!(Fake::calls(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_callers_sees_its_tenants_rows_only_and_writes_none() {
    let stage = Stage::set().await;
    for (tenant, contact) in [("acme", ANA), ("other", "573009999999")] {
        let heard = stage
            .hears(tenant, contact, "hola", Duration::from_secs(60))
            .await;
        stage.handled(heard).await;
        stage.asks(tenant, contact, "bot_menu", &[]).await;
        stage.settled(tenant, 1, |m| m.state == "sent").await;
    }
    let api = stage.db.api_pool("notifications");
    let mut tx = api.begin().await.unwrap();
    let none: i64 = sqlx::query_scalar("SELECT count(*) FROM messages")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    sqlx::query("SELECT set_config('puente.tenant', 'acme', true)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let tenants: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tenant FROM messages")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    let timeline: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tenant FROM message_timeline")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    assert_eq!(
        (none, tenants, timeline),
        (0, vec!["acme".to_owned()], vec!["acme".to_owned()])
    );
    assert!(
        sqlx::query("UPDATE messages SET about = ''")
            .execute(&mut *tx)
            .await
            .is_err()
    );
    stage.stop().await;
}
