//! Signed documents: fetched and stored until they are.

use puente_proto::signature::{SignatureStateChanged, SignatureTroubled};
use puente_proto::signing::EnvelopeStatus;

use crate::support::{Fake, Stage, report};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_not_signed_before_its_documents_are_stored() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    Fake::fetching_fails(true);
    stage
        .reports("acme", &report(&id, &kept.id, EnvelopeStatus::Completed, &[]))
        .await;
    let seen = stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    assert_eq!(
        (seen.state.as_str(), seen.step.as_str()),
        ("EnProceso", "storing")
    );
    let states: Vec<SignatureStateChanged> = stage.told(&id).await;
    assert_eq!(states.len(), 1, "nobody was told that it is signed");
    Fake::fetching_fails(false);
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
    let troubles: Vec<SignatureTroubled> = stage.told(&id).await;
    let codes: Vec<_> = troubles.iter().map(|trouble| trouble.code.as_str()).collect();
    assert_eq!(codes, ["unavailable", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_delays_the_contract_and_loses_nothing() {
    let stage = Stage::set().await;
    let storage = stage.folder.path().join("storage");
    let aside = stage.folder.path().join("aside");
    std::fs::rename(&storage, &aside).unwrap();
    std::fs::write(&storage, b"no folder").unwrap();
    let id = stage.asks("acme").await;
    let seen = stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    assert_eq!(seen.step, "preparing");
    std::fs::remove_file(&storage).unwrap();
    std::fs::rename(&aside, &storage).unwrap();
    let seen = stage.becomes(&id, |seen| seen.step == "waiting").await;
    assert_eq!(seen.problem_code, None);
    Fake::only(&id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_pdf_is_not_stored_as_a_signed_document_and_asked_for_again() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let before = stage.files();
    Fake::fetching_gives(Some("<html>maintenance</html>".into()));
    stage
        .reports("acme", &report(&id, &kept.id, EnvelopeStatus::Completed, &[]))
        .await;
    let seen = stage.becomes(&id, |seen| seen.problem_code.is_some()).await;
    assert_eq!(
        (seen.state.as_str(), seen.step.as_str()),
        ("EnProceso", "storing")
    );
    assert_eq!(
        (stage.files(), stage.count("SELECT count(*) FROM documents").await),
        (before, 1),
        "there is the contract alone"
    );
    Fake::fetching_gives(None);
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
}
