//! Connect's webhooks: signed, in order, and with every trouble that a network makes of them.

use std::sync::atomic::Ordering;

use puente_ports::InboundPayload;
use puente_proto::signing::{EnvelopeChanged, EnvelopeStatus};
use puente_providers::sim::Callbacks;
use puente_types::{Secret, Secrets};

use super::*;
use crate::simulator::stage::{Receiver, events, open_stage, wait_until};

const ALL: [&str; 11] = [
    "envelope-sent",
    "recipient-sent",
    "recipient-delivered",
    "envelope-delivered",
    "recipient-completed",
    "recipient-sent",
    "recipient-sent",
    "recipient-delivered",
    "recipient-completed",
    "recipient-delivered",
    "recipient-completed",
];

/// Everything that arrived, as events.
fn told(stage: &Stage, receiver: &Receiver) -> Vec<(String, EnvelopeChanged)> {
    let connection = stage.connection(SLUG);
    let requests = receiver.got.lock().unwrap().clone();
    let all = requests
        .into_iter()
        .flat_map(|request| events(find(SLUG).unwrap(), &connection, &stage.hub, request));
    all.map(|event| {
        assert_eq!(event.account, connection.account);
        assert_eq!(event.traceparent.as_deref(), Some(TRACE), "the trace comes back");
        match event.payload {
            InboundPayload::Envelope(envelope) => (event.dedupe_key, *envelope),
            other => panic!("{other:?}"),
        }
    })
    .collect()
}

fn kinds(told: &[(String, EnvelopeChanged)]) -> Vec<&str> {
    told.iter().map(|(_, event)| event.kind.as_str()).collect()
}

/// An envelope that all three have signed.
async fn signed(stage: &Stage, receiver: &Receiver) -> String {
    let url = receiver.serve().await;
    let id = created(stage, &reporting_to(&url)).await.envelope_id;
    for signer in ["1", "2", "3"] {
        sign(stage, &id, signer).await;
    }
    id
}

async fn settled(stage: &Stage) {
    wait_until(|| stage.hub.callbacks(SLUG).pending == 0).await;
}

#[tokio::test]
async fn connect_tells_every_step_of_an_envelope_with_our_reference_and_trace() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    put(&stage, |account| account);
    let id = signed(&stage, &receiver).await;
    receiver.wait_for(12).await;
    settled(&stage).await;
    let told = told(&stage, &receiver);
    let mut expected = ALL.to_vec();
    expected.push("envelope-completed");
    assert_eq!(kinds(&told), expected);
    for (_, event) in &told {
        assert_eq!(
            (event.envelope_id.as_str(), event.reference.as_str()),
            (id.as_str(), "req-1042")
        );
    }
    let (_, last) = told.last().unwrap();
    assert_eq!(
        (last.status, last.signers.len()),
        (i32::from(EnvelopeStatus::Completed), 3)
    );
    let keys: std::collections::BTreeSet<_> = told
        .iter()
        .map(|(key, event)| (key, &event.signers))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(keys.len(), told.len(), "each happening has a key of its own");
}

#[tokio::test]
async fn a_message_is_signed_with_every_key_and_any_of_ours_lets_it_in() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    put(&stage, |account| {
        account
            .with_secret("hmac_key_2", "rotation-key-2")
            .with_secret("hmac_key_3", "third")
    });
    created(&stage, &reporting_to(&receiver.serve().await)).await;
    let requests = receiver.wait_for(2).await;
    let webhook = find(SLUG).unwrap().webhook().unwrap();
    let connection = stage.connection(SLUG);
    let lets_in = |secrets: &[(&str, &str)]| {
        let secrets: Secrets = secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect();
        webhook
            .auth(&connection)
            .verify(requests[0].clone(), &secrets, stage.hub.now())
            .is_ok()
    };
    let own = connection.secrets.get("hmac_key").unwrap().expose();
    assert!(lets_in(&[("hmac_key", own)]));
    assert!(lets_in(&[("hmac_key", "third")]));
    assert!(lets_in(&[
        ("hmac_key", "unknown"),
        ("hmac_key_previous", "rotation-key-2")
    ]));
    assert!(!lets_in(&[("hmac_key", "unknown")]));
}

#[tokio::test]
async fn repeated_messages_have_the_same_key_and_dropped_ones_do_not_come() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    put(&stage, |mut account| {
        account.callbacks = Callbacks {
            duplicate: 1,
            drop: vec!["envelope-completed".to_owned()],
            ..account.callbacks
        };
        account
    });
    signed(&stage, &receiver).await;
    receiver.wait_for(22).await;
    settled(&stage).await;
    let told = told(&stage, &receiver);
    assert_eq!(told.len(), 22);
    for pair in told.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert!(!kinds(&told).contains(&"envelope-completed"));
}

#[tokio::test]
async fn out_of_order_means_that_the_end_is_told_first() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    put(&stage, |mut account| {
        account.callbacks.out_of_order = true;
        account
    });
    signed(&stage, &receiver).await;
    receiver.wait_for(12).await;
    let told = told(&stage, &receiver);
    assert_eq!(kinds(&told)[0], "envelope-completed");
    assert_eq!(kinds(&told)[11], "envelope-sent");
    let (_, late) = &told[11];
    assert_eq!(
        late.status,
        i32::from(EnvelopeStatus::Sent),
        "its snapshot is of then: who applies it must not go back"
    );
}

#[tokio::test]
async fn an_unanswered_message_is_repeated_with_its_count_and_others_overtake_it() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    put(&stage, |account| {
        account.with_setting("connect_first_wait_ms", "20")
    });
    receiver.refusals.store(1, Ordering::SeqCst);
    created(&stage, &reporting_to(&receiver.serve().await)).await;
    receiver.wait_for(3).await;
    settled(&stage).await;
    let told = told(&stage, &receiver);
    assert_eq!(kinds(&told), ["envelope-sent", "recipient-sent", "envelope-sent"]);
    assert_eq!(told[0], told[2], "the repeat is the same happening");
    let counts: Vec<i64> = receiver
        .got
        .lock()
        .unwrap()
        .iter()
        .map(|request| {
            serde_json::from_slice::<Value>(&request.body).unwrap()["retryCount"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(counts, [0, 0, 1]);
}

#[tokio::test]
async fn with_auto_sign_everybody_signs_by_themselves() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    put(&stage, |account| account.with_setting("auto_sign_ms", "5"));
    created(&stage, &reporting_to(&receiver.serve().await)).await;
    receiver.wait_for(12).await;
    assert_eq!(
        kinds(&told(&stage, &receiver)).last(),
        Some(&"envelope-completed")
    );
}
