//! People who are named by their number alone: service providers whose papers end, and those who had signed.

use std::time::Duration;

use puente_ports::Content;
use puente_proto::Event;
use puente_proto::notifications::{MessageStateChanged, Recipient};
use puente_proto::orders::ProviderDocumentExpiring;

use crate::support::{Fake, Stage, request};

const LUIS: &str = "573007654321";
const MINUTE: Duration = Duration::from_secs(60);

fn read<E: Event>(payload: &[u8]) -> E {
    E::decode(payload).unwrap()
}

fn expiring(days_left: i32) -> ProviderDocumentExpiring {
    ProviderDocumentExpiring {
        person_id: "frio-sas".into(),
        kind: "arl".into(),
        document_id: "d-1".into(),
        expires_on: "2026-12-31".into(),
        days_left,
        name: "Frío SAS".into(),
        phone: format!("+{LUIS}"),
        ..ProviderDocumentExpiring::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_provider_who_writes_to_the_tenant_is_told_of_a_paper_that_ends() {
    let stage = Stage::set().await;
    let heard = stage.hears("acme", LUIS, "hola", MINUTE).await;
    stage.handled(heard).await;
    for days in [7, -1] {
        stage.publish("acme", "d-1", None, &expiring(days)).await;
    }
    let seen = stage.settled("acme", 2, |message| message.state == "sent").await;
    let mut texts: Vec<&str> = seen.iter().map(|message| message.template.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["paper_expired", "paper_expiring"]);
    let took = Fake::took();
    for message in &took {
        let Content::Text { body } = &message.content else {
            panic!("no text")
        };
        assert_eq!(message.to, LUIS);
        assert!(body.contains("Frío SAS") && body.contains("ARL"), "{body}");
        assert!(body.contains("31/12/2026"), "{body}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_provider_who_never_wrote_is_not_written_to_and_the_reason_is_told() {
    let stage = Stage::set().await;
    let event = stage.publish("acme", "d-1", None, &expiring(7)).await;
    let seen = stage
        .settled("acme", 1, |message| message.state == "failed")
        .await;
    assert_eq!(seen[0].code.as_deref(), Some("no_opt_in"));
    assert_eq!(Fake::calls(), 0);
    let payload: Vec<u8> = sqlx::query_scalar("SELECT payload FROM outbox WHERE type = $1")
        .bind(MessageStateChanged::TYPE.name)
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    let told: MessageStateChanged = read(&payload);
    assert_eq!(told.asked_by, event.to_string(), "whoever asked learns of it");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_of_somebody_without_a_number_reaches_nobody() {
    let stage = Stage::set().await;
    let nowhere = ProviderDocumentExpiring {
        phone: String::new(),
        ..expiring(7)
    };
    stage.publish("acme", "d-1", None, &nowhere).await;
    let seen = stage
        .settled("acme", 1, |message| message.state == "failed")
        .await;
    assert_eq!(seen[0].code.as_deref(), Some("no_recipient"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_written_to_by_the_tenants_own_connection_and_a_stop_word_said_there_holds() {
    let stage = Stage::set().await;
    let by_number = || {
        let mut asked = request(
            "acme",
            LUIS,
            "signature_rejected_signer",
            &[("number", "OT-000042")],
        );
        asked.recipient = Some(Recipient {
            phone: format!("+{LUIS}"),
            ..Recipient::default()
        });
        asked
    };
    let heard = stage.hears("acme", LUIS, "hola", MINUTE).await;
    stage.handled(heard).await;
    stage.publish("acme", "s-1", None, &by_number()).await;
    stage.settled("acme", 1, |message| message.state == "sent").await;
    assert_eq!(Fake::took()[0].to, LUIS);
    let stop = stage.hears("acme", LUIS, "baja", Duration::ZERO).await;
    stage.handled(stop).await;
    stage.publish("acme", "s-1", None, &by_number()).await;
    let seen = stage
        .settled("acme", 3, |message| message.state != "queued")
        .await;
    let refused = seen.iter().find(|message| message.state == "failed");
    assert_eq!(refused.unwrap().code.as_deref(), Some("opted_out"));
    stage.stop().await;
}
