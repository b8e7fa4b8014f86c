//! Reports of the provider: late, twice, out of order, and of others.

use puente_proto::notifications::MessageRequested;
use puente_proto::signature::{SignatureStateChanged, SignerStateChanged};
use puente_proto::signing::{EnvelopeStatus, SignerStatus};

use crate::support::{Fake, Stage, report};

use EnvelopeStatus::{Completed, Declined, Delivered, Sent, Voided};

#[tokio::test(flavor = "multi_thread")]
async fn all_signed_is_told_when_the_signed_documents_are_stored() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    stage
        .reports("acme", &report(&id, &kept.id, Completed, &[]))
        .await;
    let seen = stage.becomes(&id, |seen| seen.state == "Firmado").await;
    assert_eq!((seen.step.as_str(), seen.manual), ("ended", false));
    assert_eq!(stage.signers(&id).await, ["signed"; 3]);
    let mut kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM documents ORDER BY kind")
        .fetch_all(&stage.pool)
        .await
        .unwrap();
    kinds.sort();
    assert_eq!(kinds, ["certificate", "contract", "signed"]);
    let states: Vec<SignatureStateChanged> = stage.told(&id).await;
    assert_eq!(states[1].after, "Firmado");
    assert_eq!(states[1].document_id, seen.signed_id.unwrap().to_string());
    let versions = stage.versions(&id).await;
    assert!(
        versions.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{versions:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_repeated_reports_do_not_take_anything_back() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let told = [
        report(&id, &kept.id, Completed, &[]),
        report(&id, &kept.id, Delivered, &[("1", SignerStatus::Delivered)]),
        report(&id, &kept.id, Completed, &[]),
        report(&id, &kept.id, Sent, &[("2", SignerStatus::Sent)]),
        report(&id, &kept.id, Voided, &[]),
    ];
    for changed in &told {
        let event = stage.reports("acme", changed).await;
        stage.handled(event).await;
    }
    stage.becomes(&id, |seen| seen.state == "Firmado").await;
    assert_eq!(stage.signers(&id).await, ["signed"; 3]);
    let moves: Vec<SignerStateChanged> = stage.told(&id).await;
    assert_eq!(moves.len(), 3, "each signer moved once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_who_and_why_and_those_who_had_signed_are_told() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let signed = report(&id, &kept.id, Delivered, &[("1", SignerStatus::Signed)]);
    stage.reports("acme", &signed).await;
    let refused = report(&id, &kept.id, Declined, &[("2", SignerStatus::Declined)]);
    let event = stage.reports("acme", &refused).await;
    stage.handled(event).await;
    let seen = stage.becomes(&id, |seen| seen.state == "Rechazado").await;
    assert_eq!(seen.reason, "el precio no es el acordado");
    let states: Vec<SignatureStateChanged> = stage.told(&id).await;
    assert_eq!(states[1].role, "service_provider");
    let messages: Vec<MessageRequested> = stage.told(&id).await;
    assert_eq!(messages.len(), 1, "only the client had signed");
    assert_eq!(messages[0].template, "signature_rejected_signer");
    assert_eq!(messages[0].recipient.as_ref().unwrap().contact_id, "573001234567");
    // Late news: the agent had signed before, and has no number; the client is not told twice.
    let late = report(
        &id,
        &kept.id,
        Declined,
        &[("1", SignerStatus::Signed), ("3", SignerStatus::Signed)],
    );
    let event = stage.reports("acme", &late).await;
    stage.handled(event).await;
    let messages: Vec<MessageRequested> = stage.told(&id).await;
    assert_eq!(messages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_ran_out_voids_the_request_with_its_reason() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let mut voided = report(&id, &kept.id, Voided, &[]);
    voided.reason = "expired".into();
    stage.reports("acme", &voided).await;
    let seen = stage.becomes(&id, |seen| seen.state == "Anulado").await;
    assert_eq!(seen.reason, "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_never_reaches_a_request_of_another_tenant() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let mut foreign = report(&id, &kept.id, Declined, &[("1", SignerStatus::Declined)]);
    foreign.connection = "other-sign".into();
    let event = stage.reports("other", &foreign).await;
    stage.handled(event).await;
    // By the envelope's id alone it belongs to nobody there, and waits.
    foreign.reference = String::new();
    let event = stage.reports("other", &foreign).await;
    stage.handled(event).await;
    // And by another connection of the same tenant it is not believed either.
    foreign.reference.clone_from(&id);
    let event = stage.reports("acme", &foreign).await;
    stage.handled(event).await;
    let seen = stage.seen(&id).await.unwrap();
    assert_eq!((seen.state.as_str(), seen.version), ("EnProceso", 2));
    assert_eq!(stage.signers(&id).await, ["waiting"; 3]);
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_our_reference_waits_for_the_answer_of_the_call() {
    let stage = Stage::set().await;
    let held = Fake::hold().await;
    let id = stage.asks("acme").await;
    let kept = puente_testkit::wait_for("the envelope", crate::support::PATIENCE, async || {
        Fake::of(&id).pop().ok_or("no envelope")
    })
    .await;
    let mut early = report("", &kept.id, Delivered, &[("1", SignerStatus::Signed)]);
    early.reference = String::new();
    let event = stage.reports("acme", &early).await;
    stage.handled(event).await;
    assert_eq!(stage.count("SELECT count(*) FROM pending_reports").await, 1);
    drop(held);
    stage.becomes(&id, |seen| seen.step == "waiting").await;
    assert_eq!(stage.signers(&id).await, ["signed", "waiting", "waiting"]);
    assert_eq!(stage.count("SELECT count(*) FROM pending_reports").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_our_reference_settles_the_call_itself() {
    let stage = Stage::set().await;
    let held = Fake::hold().await;
    let id = stage.asks("acme").await;
    let kept = puente_testkit::wait_for("the envelope", crate::support::PATIENCE, async || {
        Fake::of(&id).pop().ok_or("no envelope")
    })
    .await;
    stage.reports("acme", &report(&id, &kept.id, Sent, &[])).await;
    let seen = stage.becomes(&id, |seen| seen.step == "waiting").await;
    assert_eq!(seen.envelope_id.as_deref(), Some(kept.id.as_str()));
    assert_eq!(stage.count("SELECT count(*) FROM effects").await, 0);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM effects_history WHERE settled_by = 'receipt'")
            .await,
        1
    );
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_envelope_is_called_back_and_seen_until_it_is() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let second = Fake::made_twice(&kept);
    Fake::voiding_fails(1);
    stage.reports("acme", &report(&id, &second, Sent, &[])).await;
    puente_testkit::wait_for("the call back", crate::support::PATIENCE, async || {
        Fake::void_reason(&second).ok_or("it is still out")
    })
    .await;
    puente_testkit::wait_for("the end of the trouble", crate::support::PATIENCE, async || {
        stage.problems(&id).await == ["second_envelope", ""]
    })
    .await;
    let seen = stage.seen(&id).await.unwrap();
    assert_eq!((seen.step.as_str(), Fake::voids()), ("waiting", 2));
    assert_eq!(seen.envelope_id.as_deref(), Some(kept.id.as_str()));
    // The provider says so, and nothing more comes of it.
    let event = stage.reports("acme", &report(&id, &second, Voided, &[])).await;
    stage.handled(event).await;
    assert_eq!(stage.seen(&id).await.unwrap().state, "EnProceso");
    assert_eq!(stage.problems(&id).await.len(), 2);
    assert_eq!(Fake::void_reason(&kept.id), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_envelope_that_all_have_signed_waits_for_a_person() {
    let stage = Stage::set().await;
    let (id, kept) = stage.sends("acme").await;
    let second = Fake::made_twice(&kept);
    let signed = report(&id, &second, Completed, &[]);
    let event = stage.reports("acme", &signed).await;
    stage.handled(event).await;
    let seen = stage.seen(&id).await.unwrap();
    assert_eq!(seen.problem_tag.as_deref(), Some("permanent"));
    assert_eq!(seen.state, "EnProceso", "it is not what the request waits for");
    assert_eq!(Fake::voids(), 0);
}
