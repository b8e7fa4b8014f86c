//! A request becomes a stored contract and one envelope with three signers.

use puente_blob::{BlobKey, Container, Sha256Hash};
use puente_proto::documents::DocumentStored;
use puente_proto::signature::{EnvelopeSent, SignatureStateChanged};

use crate::support::{Fake, Stage, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_recorded_contract_and_an_envelope_with_three_signers() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;

    assert_eq!(kept.tenant, "acme");
    assert_eq!(
        kept.asked.callback_url,
        "https://hooks.example/webhooks/fake/acme-sign"
    );
    assert!(kept.asked.subject.contains("OT-000042"));
    let signers: Vec<_> = kept
        .asked
        .signers
        .iter()
        .map(|signer| {
            (
                signer.recipient_id.as_str(),
                signer.email.as_str(),
                signer.anchor.as_str(),
            )
        })
        .collect();
    assert_eq!(
        signers,
        [
            ("1", "client@example.test", "/firma_cliente/"),
            ("2", "service_provider@example.test", "/firma_proveedor/"),
            ("3", "agent@example.test", "/firma_agente/"),
        ]
    );
    let pdf = &kept.asked.documents[0].pdf;
    let (key, sha256): (String, Vec<u8>) =
        sqlx::query_as("SELECT key, sha256 FROM documents WHERE kind = 'contract'")
            .fetch_one(&stage.pool)
            .await
            .unwrap();
    assert_eq!(
        Sha256Hash::of(pdf).bytes().as_slice(),
        sha256,
        "what is sent is what was recorded"
    );
    let stored = stage
        .blobs()
        .get(
            Container::Contracts,
            &BlobKey::parse(&key).unwrap(),
            10_000_000,
            None,
        )
        .await
        .unwrap();
    assert_eq!(stored, *pdf);

    let states: Vec<SignatureStateChanged> = stage.told(&id).await;
    assert_eq!(states.len(), 1);
    assert_eq!(
        (states[0].before.as_str(), states[0].after.as_str()),
        ("", "EnProceso")
    );
    let sent: Vec<EnvelopeSent> = stage.told(&id).await;
    assert_eq!(sent[0].envelope_id, kept.id);
    assert_eq!(stage.versions(&id).await, [1, 2]);
    let document = stage.seen(&id).await.unwrap().contract_id.unwrap();
    let recorded: Vec<DocumentStored> = stage.told(&document.to_string()).await;
    assert_eq!(recorded[0].kind, "contract");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_is_the_same_request() {
    let stage = Stage::set().await;
    let asked = request();
    for _ in 0..3 {
        let event = stage.publish("acme", &asked.request_id, &asked).await;
        stage.handled(event).await;
    }
    stage
        .becomes(&asked.request_id, |seen| seen.step == "waiting")
        .await;
    assert_eq!(Fake::creates(), 1);
    assert_eq!(stage.count("SELECT count(*) FROM signatures").await, 1);
    assert_eq!(stage.versions(&asked.request_id).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_three_parties_is_a_dead_letter() {
    let stage = Stage::set().await;
    let mut asked = request();
    asked.parties.pop();
    stage.publish("acme", &asked.request_id, &asked).await;
    puente_testkit::wait_for("the dead letter", crate::support::PATIENCE, async || {
        stage.count("SELECT count(*) FROM dead_letters").await == 1
    })
    .await;
    assert_eq!(stage.count("SELECT count(*) FROM signatures").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_send_each_request_once() {
    let stage = Stage::set().await;
    let second = stage.rt.child("second");
    stage.start(&second).await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(stage.asks("acme").await);
    }
    for id in &ids {
        stage.becomes(id, |seen| seen.step == "waiting").await;
        Fake::only(id);
    }
    assert_eq!(Fake::creates(), ids.len());
    assert_eq!(stage.files(), ids.len());
}
