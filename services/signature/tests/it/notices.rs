//! Whether those who had signed were told that somebody refused.

use puente_proto::notifications::{DeliveryState, MessageRequested, MessageStateChanged};
use puente_proto::signature::{
    CountSignaturesRequest, ListSignaturesRequest, MarkToldRequest, Signature, SignerNoticeChanged,
};
use puente_proto::signing::{EnvelopeStatus, SignerStatus};
use puente_testkit::wait_for;
use tonic::Code;

use crate::support::{Asking, PATIENCE, Stage, report};

/// A request that the client refused after the two others had signed: the service provider with a number, the agent without.
async fn refused(stage: &Stage) -> String {
    let (id, kept) = stage.sends("acme").await;
    let told = report(
        &id,
        &kept.id,
        EnvelopeStatus::Declined,
        &[
            ("2", SignerStatus::Signed),
            ("3", SignerStatus::Signed),
            ("1", SignerStatus::Declined),
        ],
    );
    stage.reports("acme", &told).await;
    stage.becomes(&id, |seen| seen.state == "Rechazado").await;
    id
}

/// The event that asked for the one message of a request.
async fn asked(stage: &Stage, id: &str) -> String {
    sqlx::query_scalar("SELECT id::text FROM outbox WHERE aggregate_id = $1 AND type = $2")
        .bind(id)
        .bind(<MessageRequested as puente_proto::Event>::TYPE.name)
        .fetch_one(&stage.pool)
        .await
        .expect("one message was asked for")
}

/// Notifications says what became of it.
async fn becomes(stage: &Stage, tenant: &str, asked_by: &str, after: DeliveryState, code: &str) {
    let changed = MessageStateChanged {
        message_id: "m-1".to_owned(),
        after: after.into(),
        error_code: code.to_owned(),
        asked_by: asked_by.to_owned(),
        ..MessageStateChanged::default()
    };
    let event = stage.publish(tenant, "m-1", &changed).await;
    stage.handled(event).await;
}

async fn shown(stage: &Stage, id: &str) -> (Signature, Vec<(String, String)>) {
    let signature = Asking::of(stage, "acme").await.get(id).await.unwrap();
    let notices = signature.signers.iter();
    let notices = notices.map(|signer| (signer.notice.clone(), signer.notice_code.clone()));
    let notices = notices.collect();
    (signature, notices)
}

fn pair(state: &str, code: &str) -> (String, String) {
    (state.to_owned(), code.to_owned())
}

async fn untold(stage: &Stage) -> (u64, usize) {
    let ask = Asking::of(stage, "acme").await;
    let counts = ask
        .queries
        .clone()
        .count_signatures(ask.signed(CountSignaturesRequest {}))
        .await;
    let question = ListSignaturesRequest {
        needs_person: true,
        ..ListSignaturesRequest::default()
    };
    let listed = ask.queries.clone().list_signatures(ask.signed(question)).await;
    (
        counts.unwrap().into_inner().untold,
        listed.unwrap().into_inner().signatures.len(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signed_and_cannot_be_told_waits_for_a_person_who_tells_them() {
    let stage = Stage::set().await;
    let id = refused(&stage).await;
    let (signature, notices) = shown(&stage, &id).await;
    assert_eq!(
        notices,
        [pair("", ""), pair("asked", ""), pair("failed", "no_phone")]
    );
    assert_eq!(signature.actions, ["told"]);
    let messages: Vec<MessageRequested> = stage.told(&id).await;
    let recipient = messages[0].recipient.clone().unwrap();
    assert_eq!(
        (recipient.phone.as_str(), recipient.connection.as_str()),
        ("+573007654321", ""),
        "the client's conversation is not the service provider's"
    );

    let event = asked(&stage, &id).await;
    becomes(&stage, "acme", &event, DeliveryState::Failed, "no_opt_in").await;
    let (_, notices) = shown(&stage, &id).await;
    assert_eq!(notices[1], pair("failed", "no_opt_in"));
    assert_eq!(untold(&stage).await, (1, 1));

    let ask = Asking::of(&stage, "acme").await;
    let mark = |role: &str, key: &str| {
        let wish = MarkToldRequest {
            request_id: id.clone(),
            role: role.to_owned(),
            idempotency_key: key.to_owned(),
        };
        let mut commands = ask.commands.clone();
        let wish = ask.signed(wish);
        async move { commands.mark_told(wish).await }
    };
    assert_eq!(
        mark("client", "c").await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    assert_eq!(mark("boss", "b").await.unwrap_err().code(), Code::InvalidArgument);
    for _ in 0..2 {
        mark("service_provider", "s").await.unwrap();
    }
    assert_eq!(untold(&stage).await, (1, 1), "the agent still waits");
    mark("agent", "a").await.unwrap();
    assert_eq!(untold(&stage).await, (0, 0));
    let (signature, notices) = shown(&stage, &id).await;
    assert_eq!(notices[1..], [pair("by_hand", ""), pair("by_hand", "")]);
    assert!(signature.actions.is_empty());
    // What the provider says later does not undo a person's word.
    becomes(&stage, "acme", &event, DeliveryState::Failed, "undeliverable").await;
    assert_eq!(untold(&stage).await, (0, 0));
    let told: Vec<SignerNoticeChanged> = stage.told(&id).await;
    let told: Vec<_> = told
        .iter()
        .map(|told| (told.role.as_str(), told.state.as_str(), told.by.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("service_provider", "asked", ""),
            ("agent", "asked", ""),
            ("agent", "failed", ""),
            ("service_provider", "failed", ""),
            ("service_provider", "by_hand", "user-7"),
            ("agent", "by_hand", "user-7"),
        ]
    );
    let versions = stage.versions(&id).await;
    assert!(
        versions
            .iter()
            .copied()
            .eq(1..=i64::try_from(versions.len()).unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_arrived_needs_nobody_whatever_order_its_news_come_in() {
    let stage = Stage::set().await;
    let id = refused(&stage).await;
    let event = asked(&stage, &id).await;
    // Another tenant's service cannot speak for this one.
    becomes(&stage, "other", &event, DeliveryState::Failed, "forged").await;
    assert_eq!(shown(&stage, &id).await.1[1], pair("asked", ""));
    for (state, code) in [
        (DeliveryState::Queued, ""),
        (DeliveryState::Failed, "undeliverable"),
        (DeliveryState::Read, ""),
        (DeliveryState::Sent, ""),
    ] {
        becomes(&stage, "acme", &event, state, code).await;
    }
    wait_for("the notice", PATIENCE, async || {
        shown(&stage, &id).await.1[1] == pair("delivered", "")
    })
    .await;
}
