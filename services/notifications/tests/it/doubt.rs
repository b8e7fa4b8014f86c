//! A send whose outcome nobody knows is shown, and never repeated by itself.

use std::time::Duration;

use puente_effects::Resolution;
use puente_notifications::resolve_doubt;
use puente_outbox::Outbox;
use puente_proto::messaging::ReceiptState;
use puente_testkit::wait_for;
use puente_types::{EffectId, SystemClock, TenantId};

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage, tenant};

async fn parked() -> Stage {
    let stage = Stage::set().await;
    Fake::will(&[Reply::Silence]);
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    wait_for("the message to be parked", PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM messages WHERE parked_at IS NOT NULL")
            .await
            == 1
    })
    .await;
    stage
}

async fn resolve(stage: &Stage, resolution: Resolution) -> bool {
    resolve_of(stage, None, resolution).await
}

async fn resolve_of(stage: &Stage, of: Option<&TenantId>, resolution: Resolution) -> bool {
    let id: sqlx::types::Uuid = sqlx::query_scalar("SELECT id FROM effects")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    let outbox = Outbox::open(
        stage.pool.clone(),
        "notifications",
        puente_outbox::Settings::default(),
    )
    .await
    .unwrap();
    resolve_doubt(&outbox, &SystemClock, EffectId::from(id), of, &resolution, "test")
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_provider_parks_the_message_and_a_later_receipt_frees_it() {
    let stage = parked().await;
    let message = stage.messages("acme").await.remove(0);
    assert_eq!(message.state, "queued");
    assert_eq!(
        stage.told(&message.id).await,
        [("MessageQueued".to_owned(), 1), ("MessageParked".to_owned(), 2)]
    );
    stage
        .reports("acme", "wamid.E", &message.effect_key, ReceiptState::Delivered)
        .await;
    let seen = stage.settled("acme", 1, |m| m.state == "delivered").await;
    assert_eq!(seen[0].provider_id.as_deref(), Some("wamid.E"));
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM messages WHERE parked_at IS NOT NULL")
            .await,
        0
    );
    assert_eq!(Fake::calls(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_close_a_parked_message_and_it_is_failed() {
    let stage = parked().await;
    assert!(
        resolve(
            &stage,
            Resolution::Close {
                reason: "not seen at the provider".into()
            }
        )
        .await
    );
    let seen = stage.settled("acme", 1, |m| m.state == "failed").await;
    assert_eq!(seen[0].code.as_deref(), Some("closed_by_person"));
    assert_eq!(
        (Fake::calls(), stage.count("SELECT count(*) FROM effects").await),
        (1, 0)
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_repeat_a_parked_message() {
    let stage = parked().await;
    assert!(resolve(&stage, Resolution::Repeat).await);
    let seen = stage.settled("acme", 1, |m| m.state == "sent").await;
    assert_eq!((seen[0].version, Fake::calls()), (3, 2));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_confirm_a_parked_message_and_it_is_sent_and_later_delivered() {
    let stage = parked().await;
    let message = stage.messages("acme").await.remove(0);
    let seen_there = || Resolution::Confirm {
        reason: "seen in the provider's own console".into(),
    };
    assert!(
        !resolve_of(&stage, Some(&tenant("other")), seen_there()).await,
        "of another tenant"
    );
    assert!(resolve_of(&stage, Some(&tenant("acme")), seen_there()).await);
    stage.settled("acme", 1, |m| m.state == "sent").await;
    assert_eq!(
        stage.told(&message.id).await.pop(),
        Some(("MessageStateChanged".to_owned(), 3))
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM effects_history WHERE outcome = 'done' AND settled_by = 'test'")
            .await,
        1
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM messages WHERE parked_at IS NOT NULL")
            .await,
        0
    );
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
    stage
        .reports("acme", "wamid.E", &message.effect_key, ReceiptState::Delivered)
        .await;
    stage.settled("acme", 1, |m| m.state == "delivered").await;
    assert_eq!(Fake::calls(), 1, "nothing was sent again");
    stage.stop().await;
}
