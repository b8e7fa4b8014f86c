//! Receipts move messages forward, in whatever order they come.

use std::time::Duration;

use puente_proto::messaging::ReceiptState;
use puente_testkit::wait_for;

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage, receipt};

async fn stage_with_window() -> Stage {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", ANA, "hola", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    stage
}

async fn timeline(stage: &Stage, id: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT state FROM message_timeline WHERE message_id = $1::uuid ORDER BY state")
        .bind(id)
        .fetch_all(&stage.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_in_reverse_order_end_in_read_with_a_full_timeline() {
    let stage = stage_with_window().await;
    Fake::will(&[Reply::Take("wamid.A")]);
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    stage.settled("acme", 1, |m| m.state == "sent").await;
    for state in [
        ReceiptState::Read,
        ReceiptState::Delivered,
        ReceiptState::Sent,
        ReceiptState::Read,
    ] {
        let event = stage.reports("acme", "wamid.A", "", state).await;
        stage.handled(event).await;
    }
    let seen = stage.messages("acme").await;
    assert_eq!(
        (seen[0].state.as_str(), seen[0].version),
        ("read", 3),
        "queued, sent, read: no step back"
    );
    assert_eq!(
        timeline(&stage, &seen[0].id).await,
        ["delivered", "queued", "read", "sent"]
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_before_the_answer_of_the_call_is_kept_and_applied() {
    let stage = stage_with_window().await;
    Fake::will(&[Reply::Take("wamid.B")]);
    let gate = Fake::hold().await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    wait_for("the call", PATIENCE, async || Fake::calls() == 1).await;
    let early = stage
        .reports("acme", "wamid.B", "", ReceiptState::Delivered)
        .await;
    stage.handled(early).await;
    assert_eq!(stage.count("SELECT count(*) FROM pending_receipts").await, 1);
    assert_eq!(stage.messages("acme").await[0].state, "queued");
    drop(gate);
    let seen = stage.settled("acme", 1, |m| m.state == "delivered").await;
    assert_eq!(stage.count("SELECT count(*) FROM pending_receipts").await, 0);
    let told: Vec<i64> = stage
        .told(&seen[0].id)
        .await
        .into_iter()
        .map(|(_, version)| version)
        .collect();
    assert_eq!(told, [1, 2, 3]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_with_our_reference_settles_the_call_while_it_is_under_way() {
    let stage = stage_with_window().await;
    Fake::will(&[Reply::Silence]);
    let gate = Fake::hold().await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    wait_for("the call", PATIENCE, async || Fake::calls() == 1).await;
    let reference = format!(
        "{}|00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        stage.messages("acme").await[0].effect_key
    );
    let proof = stage
        .reports("acme", "wamid.C", &reference, ReceiptState::Sent)
        .await;
    stage.handled(proof).await;
    drop(gate);
    let seen = stage.settled("acme", 1, |m| m.state == "sent").await;
    assert_eq!(seen[0].provider_id.as_deref(), Some("wamid.C"));
    wait_for("the effect to end", PATIENCE, async || {
        stage.count("SELECT count(*) FROM effects").await == 0
    })
    .await;
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
async fn a_failure_by_receipt_carries_the_tag_of_the_providers_own_table() {
    let stage = stage_with_window().await;
    Fake::will(&[Reply::Take("wamid.D")]);
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    stage.settled("acme", 1, |m| m.state == "sent").await;
    let mut failed = receipt("acme", "wamid.D", "", ReceiptState::Failed);
    failed.error_code = "131049".into();
    failed.billable = Some(false);
    stage.publish("acme", "wamid.D", None, &failed).await;
    let seen = stage.settled("acme", 1, |m| m.state == "failed").await;
    assert_eq!(
        (seen[0].code.as_deref(), seen[0].tag.as_deref()),
        (Some("131049"), Some("temporary"))
    );
    assert_eq!(stage.count("SELECT cost_minor FROM messages").await, 0);
    // The device says otherwise: that is proof.
    stage
        .reports("acme", "wamid.D", "", ReceiptState::Delivered)
        .await;
    let seen = stage.settled("acme", 1, |m| m.state == "delivered").await;
    assert_eq!(seen[0].code, None);
    stage.stop().await;
}
