//! From the message to the signed contract: one order, one envelope, one trace, whatever goes wrong in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use puente_e2e::{DOCUSIGN, DOCUSIGN_ACCOUNT, InProcess, Office, PATIENCE, Person, Stage};
use puente_proto::documents::DocumentStored;
use puente_proto::notifications::MessageStateChanged;
use puente_proto::orders::{OrderOpened, OrderStateChanged, SignatureRequested};
use puente_proto::signature::{EnvelopeSent, SignatureStateChanged};
use puente_proto::signing::EnvelopeChanged;
use puente_providers::sim::{Account, FaultKind};
use puente_telemetry::trace_id;
use puente_testkit::wait_for;

/// Journeys of one run in CI; `PUENTE_JOURNEYS=1000` for the long one.
const JOURNEYS: usize = 100;
/// People who write at the same time.
const AT_ONCE: usize = 8;
/// Each signer opens or signs so long after the last act.
const SIGN_MS: &str = "20";

/// A fleet whose DocuSign account is authorised, and whose signers sign by themselves.
async fn set(stage: &Stage, fleet: &InProcess) -> Office {
    let office = Office::of("algesta", &fleet.grpc_url("orders"), &fleet.grpc_url("signature"));
    office.open().await;
    office.authorise(DOCUSIGN).await;
    steer(stage, |account| {
        account
            .settings
            .insert("auto_sign_ms".to_owned(), SIGN_MS.to_owned());
    });
    office
}

fn steer(stage: &Stage, change: impl FnOnce(&mut Account)) {
    let account = stage.hub.account("docusign", DOCUSIGN_ACCOUNT).unwrap();
    let mut account = Account::clone(&account);
    change(&mut account);
    stage.hub.put_account("docusign", account);
}

/// Orders, and has the contract sent. Returns the order's number.
async fn order_and_sign(stage: &Stage, ingress: &str, office: &Office, n: usize) -> String {
    let person = Person::on_cloud(n);
    person.order(stage, ingress, 0).await;
    let number = person.order_number(stage);
    office.send_to_signature(&number, "1").await;
    number
}

async fn until_signed(office: &Office, number: &str) {
    wait_for("the order to be signed", PATIENCE, || async {
        let order = office.order(number).await;
        if order.state == "PolizaAsignada" {
            return Ok(());
        }
        let signature = office.signature(&order.order_id).await;
        Err(format!(
            "{}: {}, {} {}",
            order.state, signature.step, signature.problem_code, signature.problem
        ))
    })
    .await;
}

/// Events of one type in the outboxes: by the order that they name, the traces that they travel in.
async fn traces<E: puente_proto::Event>(
    stage: &Stage,
    schema: &str,
    order: impl Fn(E) -> Option<String>,
) -> Vec<(String, String)> {
    let sql = format!("SELECT traceparent, payload FROM {schema}.outbox WHERE type = $1");
    let rows: Vec<(Option<String>, Vec<u8>)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(E::TYPE.name)
        .fetch_all(&stage.db.admin())
        .await
        .unwrap();
    rows.into_iter()
        .filter_map(|(traceparent, payload)| {
            let order = order(E::decode(payload.as_slice()).unwrap())?;
            let traceparent = traceparent.unwrap_or_default();
            Some((order, trace_id(&traceparent).unwrap_or_default().to_owned()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_journey_from_the_message_to_the_signed_contract_is_one_trace_also_through_retries() {
    let stage = Arc::new(Stage::raise(false).await);
    let fleet = InProcess::start(&stage, 1).await;
    let office = set(&stage, &fleet).await;
    // What makes calls be repeated, looked up, and reported twice and in reverse.
    stage
        .hub
        .fault("docusign", FaultKind::CutAfter.with_probability(0.05));
    let busy = FaultKind::Status {
        status: 503,
        body: None,
    };
    stage.hub.fault("docusign", busy.with_probability(0.05));
    let journeys = journeys();
    steer(&stage, |account| {
        account.callbacks.duplicate = 1;
        account.callbacks.out_of_order = true;
        // The fleet waits for the next hour when its share is used up, which a thousand journeys do in minutes.
        let calls = 3_000.max(journeys * 10).to_string();
        account.settings.insert("hourly_limit".to_owned(), calls);
    });
    let numbers: Vec<String> = stream::iter(0..journeys)
        .map(|n| {
            let (stage, office, ingress) = (stage.clone(), office.clone(), fleet.url(0));
            async move { order_and_sign(&stage, &ingress, &office, n).await }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for number in &numbers {
        until_signed(&office, number).await;
    }
    let told = || async {
        let unread: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM notifications.messages WHERE state NOT IN ('read', 'failed')",
        )
        .fetch_one(&stage.db.admin())
        .await
        .map_err(|error| error.to_string())?;
        if unread == 0 {
            Ok(())
        } else {
            Err(unread.to_string())
        }
    };
    wait_for("everybody to have read", PATIENCE, told).await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(stage.count(deadlocks).await, 0, "rows are locked in one order");

    let opened: BTreeMap<String, String> =
        traces::<OrderOpened>(&stage, "orders", |event| Some(event.order_id))
            .await
            .into_iter()
            .collect();
    assert_eq!(opened.len(), journeys);
    let apart: BTreeSet<&String> = opened.values().filter(|trace| !trace.is_empty()).collect();
    assert_eq!(apart.len(), journeys, "every journey has a trace of its own");
    let signed = |event: OrderStateChanged| (event.after == "PolizaAsignada").then_some(event.order_id);
    let about_order = |event: DocumentStored| (event.about_kind == "order").then_some(event.about_id);
    let requests: BTreeMap<String, String> = traces::<SignatureRequested>(&stage, "orders", |event| {
        Some(format!("{}={}", event.request_id, event.order_id))
    })
    .await
    .into_iter()
    .filter_map(|(pair, _)| {
        let (request, order) = pair.split_once('=')?;
        Some((request.to_owned(), order.to_owned()))
    })
    .collect();
    let of_request = |event: EnvelopeChanged| requests.get(&event.reference).cloned();
    let notice = |event: MessageStateChanged| opened.contains_key(&event.about).then_some(event.about);
    let hops = [
        (
            "requested",
            traces::<SignatureRequested>(&stage, "orders", |event| Some(event.order_id)).await,
        ),
        (
            "sent",
            traces::<EnvelopeSent>(&stage, "signature", |event| Some(event.order_id)).await,
        ),
        (
            "reported",
            traces::<EnvelopeChanged>(&stage, "ingress", of_request).await,
        ),
        (
            "stored",
            traces::<DocumentStored>(&stage, "signature", about_order).await,
        ),
        (
            "ended",
            traces::<SignatureStateChanged>(&stage, "signature", |event| Some(event.order_id)).await,
        ),
        (
            "moved",
            traces::<OrderStateChanged>(&stage, "orders", signed).await,
        ),
        (
            "told",
            traces::<MessageStateChanged>(&stage, "notifications", notice).await,
        ),
    ];
    for (hop, found) in &hops {
        let mut orders = BTreeMap::<&str, usize>::new();
        for (order, trace) in found {
            assert_eq!(trace, &opened[order], "{hop} of {order} is in another trace");
            *orders.entry(order).or_default() += 1;
        }
        assert_eq!(orders.len(), journeys, "orders without `{hop}`");
    }
    let mut references = envelopes(&stage);
    let made = references.len();
    references.sort_unstable();
    references.dedup();
    assert_eq!(
        (made, references.len()),
        (journeys, journeys),
        "one envelope for each request"
    );
    fleet.stop().await;
}

/// References of the envelopes that were made.
fn envelopes(stage: &Stage) -> Vec<String> {
    let journal = stage.hub.journal("docusign").into_iter();
    journal
        .filter(|entry| entry.operation == "envelopes.create")
        .filter_map(|entry| entry.reference)
        .collect()
}

/// How many journeys are made.
#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
fn journeys() -> usize {
    std::env::var("PUENTE_JOURNEYS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(JOURNEYS)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_reaches_the_order_and_the_order_can_be_sent_again() {
    let stage = Stage::raise(false).await;
    let fleet = InProcess::start(&stage, 1).await;
    let office = set(&stage, &fleet).await;
    steer(&stage, |account| {
        account.settings.remove("auto_sign_ms");
    });
    let number = order_and_sign(&stage, &fleet.url(0), &office, 1).await;
    let order_id = office.order(&number).await.order_id;
    let envelope = wait_for("the envelope", PATIENCE, || async {
        let signature = office.signature(&order_id).await;
        if signature.envelope_id.is_empty() {
            Err(format!("{} {}", signature.step, signature.problem))
        } else {
            Ok(signature.envelope_id)
        }
    })
    .await;
    let act = |signer: &'static str, what: serde_json::Value| {
        let url = format!(
            "{}/sim/docusign/_control/envelopes/{envelope}/signers/{signer}",
            stage.sims
        );
        let request = stage.http.post(url).json(&what);
        async move { assert!(request.send().await.unwrap().status().is_success()) }
    };
    act("1", serde_json::json!({ "does": "sign" })).await;
    act(
        "2",
        serde_json::json!({ "does": "decline", "reason": "El valor no es el acordado" }),
    )
    .await;
    wait_for("the rejection", PATIENCE, || async {
        let order = office.order(&number).await;
        if order.state == "DocumentosRechazados" {
            Ok(())
        } else {
            Err(order.state)
        }
    })
    .await;
    let signature = office.signature(&order_id).await;
    assert_eq!(
        (signature.state.as_str(), signature.colour.as_str()),
        ("Rechazado", "red")
    );
    assert!(
        signature.reason.contains("El valor no es el acordado"),
        "{}",
        signature.reason
    );

    steer(&stage, |account| {
        account
            .settings
            .insert("auto_sign_ms".to_owned(), SIGN_MS.to_owned());
    });
    let again = office.send_to_signature(&number, "2").await;
    assert_ne!(again, signature.request_id);
    until_signed(&office, &number).await;
    assert_eq!(envelopes(&stage).len(), 2, "an envelope for each sending");
    fleet.stop().await;
}
