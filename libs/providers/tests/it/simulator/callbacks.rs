//! What simulators send: people's messages and reports, signed so that the adapters accept them.

use std::sync::atomic::Ordering;

use http::Method;
use puente_ports::{CallCtx, Content, InboundEvent, InboundPayload, OutboundMessage, Provider};
use puente_proto::messaging::{MessageKind, ReceiptState};
use puente_providers::sim::{Account, Callbacks, Counts, Inbound};
use puente_providers::{find, with_capability};
use serde_json::json;

use super::stage::{Receiver, Stage, arrived, events, open_stage, wait_until};
use crate::support::DEADLINE;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn send(stage: &Stage, provider: &dyn Provider) -> String {
    let connection = stage.connection(&provider.manifest().slug);
    let message = OutboundMessage {
        to: "573001234567".to_owned(),
        content: Content::Text {
            body: "Hola".to_owned(),
        },
        reference: "order:42".to_owned(),
    };
    let ctx = CallCtx {
        connection: &connection,
        http: &stage.http,
        idempotency_key: "effect-1",
        deadline: DEADLINE,
        traceparent: Some(TRACE),
    };
    provider
        .message()
        .unwrap()
        .send(ctx, &message)
        .await
        .unwrap()
        .provider_message_id
}

/// An account that reports to a receiver.
async fn reporting(slug: &str, receiver: &Receiver, callbacks: Callbacks) -> Account {
    let mut account = Stage::account(slug);
    account.webhook_url = Some(receiver.serve().await);
    account.callbacks = callbacks;
    account
}

async fn settled(stage: &Stage, slug: &str) -> Counts {
    wait_until(|| stage.hub.callbacks(slug).pending == 0).await;
    stage.hub.callbacks(slug)
}

fn states(stage: &Stage, provider: &dyn Provider, receiver: &Receiver) -> Vec<(ReceiptState, InboundEvent)> {
    let connection = stage.connection(&provider.manifest().slug);
    let requests = receiver.got.lock().unwrap().clone();
    let all = requests
        .into_iter()
        .flat_map(|request| events(provider, &connection, &stage.hub, request));
    all.map(|event| match &event.payload {
        InboundPayload::Receipt(receipt) => (ReceiptState::try_from(receipt.state).unwrap(), event),
        other => panic!("no receipt: {other:?}"),
    })
    .collect()
}

#[tokio::test]
async fn a_built_webhook_is_authentic_and_tells_who_wrote_what() {
    let stage = open_stage!();
    for provider in with_capability("message") {
        let slug = provider.manifest().slug.as_str();
        let mut account = Stage::account(slug);
        account.webhook_url = Some("http://127.0.0.1:1/hook".to_owned());
        let id = account.account.clone();
        stage.hub.put_account(slug, account);
        let mut message = Inbound::text(&id, "573001234567", "¿Cuándo llegan? 🛠");
        message.id = Some("in-1".to_owned());
        let webhook = stage.hub.webhook(slug, &message).expect(slug);
        let found = events(provider, &stage.connection(slug), &stage.hub, arrived(&webhook));
        let [event] = found.as_slice() else {
            panic!("{slug}: {found:?}")
        };
        let InboundPayload::Message(received) = &event.payload else {
            panic!("{slug}: {event:?}")
        };
        assert_eq!(received.text, "¿Cuándo llegan? 🛠", "{slug}");
        assert_eq!(received.contact_phone, "+573001234567", "{slug}");
        assert_eq!(received.provider_message_id, "in-1", "{slug}");
        assert_eq!(
            (received.kind, received.own),
            (MessageKind::Text.into(), false),
            "{slug}"
        );
        assert_eq!(event.account.as_deref(), Some(id.as_str()), "{slug}");
    }
}

#[tokio::test]
async fn a_sent_message_is_reported_sent_delivered_and_read_in_this_order() {
    let stage = open_stage!();
    for provider in with_capability("message") {
        let slug = provider.manifest().slug.as_str();
        let receiver = Receiver::default();
        stage
            .hub
            .put_account(slug, reporting(slug, &receiver, Callbacks::default()).await);
        let id = send(&stage, provider).await;
        assert_eq!(settled(&stage, slug).await.delivered, 3, "{slug}");
        let found = states(&stage, provider, &receiver);
        let order: Vec<_> = found.iter().map(|(state, _)| *state).collect();
        assert_eq!(
            order,
            [ReceiptState::Sent, ReceiptState::Delivered, ReceiptState::Read],
            "{slug}"
        );
        for (_, event) in &found {
            let InboundPayload::Receipt(receipt) = &event.payload else {
                unreachable!()
            };
            assert_eq!(receipt.provider_message_id, id, "{slug}");
        }
    }
}

#[tokio::test]
async fn whatsapp_carries_our_reference_and_trace_back() {
    let (stage, receiver) = (open_stage!(), Receiver::default());
    let provider = find("whatsapp_cloud").unwrap();
    stage.hub.put_account(
        "whatsapp_cloud",
        reporting("whatsapp_cloud", &receiver, Callbacks::default()).await,
    );
    send(&stage, provider).await;
    receiver.wait_for(3).await;
    for (_, event) in states(&stage, provider, &receiver) {
        let InboundPayload::Receipt(receipt) = &event.payload else {
            unreachable!()
        };
        assert_eq!(
            (receipt.reference.as_str(), event.traceparent.as_deref()),
            ("order:42", Some(TRACE))
        );
    }
    assert_eq!(
        stage.hub.journal("whatsapp_cloud")[0].reference.as_deref(),
        Some("order:42")
    );
}

#[tokio::test]
async fn reports_are_repeated_reversed_and_dropped_on_request() {
    let stage = open_stage!();
    for provider in with_capability("message") {
        let slug = provider.manifest().slug.as_str();
        let receiver = Receiver::default();
        let odd = Callbacks {
            duplicate: 1,
            out_of_order: true,
            drop: vec!["delivered".to_owned()],
            ..Callbacks::default()
        };
        stage.hub.put_account(slug, reporting(slug, &receiver, odd).await);
        send(&stage, provider).await;
        settled(&stage, slug).await;
        let found = states(&stage, provider, &receiver);
        let order: Vec<_> = found.iter().map(|(state, _)| *state).collect();
        assert_eq!(
            order,
            [
                ReceiptState::Read,
                ReceiptState::Read,
                ReceiptState::Sent,
                ReceiptState::Sent
            ],
            "{slug}"
        );
        assert_eq!(
            found[0].1.dedupe_key, found[1].1.dedupe_key,
            "{slug}: a repeated report has the same key"
        );
        assert_ne!(found[1].1.dedupe_key, found[2].1.dedupe_key, "{slug}");
    }
}

#[tokio::test]
async fn a_message_to_a_failing_person_is_taken_and_then_fails_with_the_code() {
    let stage = open_stage!();
    for provider in with_capability("message") {
        let slug = provider.manifest().slug.as_str();
        let receiver = Receiver::default();
        let mut account = reporting(slug, &receiver, Callbacks::default()).await;
        account
            .failing
            .insert("573001234567".to_owned(), "131026".to_owned());
        stage.hub.put_account(slug, account);
        send(&stage, provider).await;
        settled(&stage, slug).await;
        let found = states(&stage, provider, &receiver);
        let [(ReceiptState::Failed, event)] = found.as_slice() else {
            panic!("{slug}: {found:?}")
        };
        let InboundPayload::Receipt(receipt) = &event.payload else {
            unreachable!()
        };
        assert_eq!(receipt.error_code, "131026", "{slug}");
    }
}

#[tokio::test]
async fn whatsapp_tries_again_what_was_not_taken_and_jelou_does_not() {
    let stage = open_stage!();
    for (slug, delivered, given_up, requests) in [("whatsapp_cloud", 1, 0, 3), ("jelou", 0, 1, 1)] {
        let receiver = Receiver::default();
        receiver.refusals.store(2, Ordering::SeqCst);
        let only_sent = Callbacks {
            states: vec!["sent".to_owned()],
            ..Callbacks::default()
        };
        stage
            .hub
            .put_account(slug, reporting(slug, &receiver, only_sent).await);
        send(&stage, find(slug).unwrap()).await;
        let counts = settled(&stage, slug).await;
        assert_eq!(
            (counts.delivered, counts.given_up),
            (delivered, given_up),
            "{slug}"
        );
        assert_eq!(receiver.got.lock().unwrap().len(), requests, "{slug}");
    }
}

#[tokio::test]
async fn jelou_sends_each_of_its_families_as_the_account_says() {
    let (stage, provider) = (open_stage!(), find("jelou").unwrap());
    for (family, own) in [("support", false), ("channel", true), ("legacy", false)] {
        let mut account = Stage::account("jelou").with_setting("inbound_family", family);
        account.webhook_url = Some("http://127.0.0.1:1/hook".to_owned());
        let id = account.account.clone();
        stage.hub.put_account("jelou", account);
        let webhook = stage
            .hub
            .webhook("jelou", &Inbound::text(&id, "573001234567", "hola"))
            .unwrap();
        let found = events(
            provider,
            &stage.connection("jelou"),
            &stage.hub,
            arrived(&webhook),
        );
        let InboundPayload::Message(message) = &found[0].payload else {
            panic!("{found:?}")
        };
        assert_eq!((message.text.as_str(), message.own), ("hola", own), "{family}");
    }
}

#[tokio::test]
async fn a_person_who_writes_over_the_control_path_reaches_the_webhook_once() {
    let stage = open_stage!();
    for provider in with_capability("message") {
        let slug = provider.manifest().slug.as_str();
        let receiver = Receiver::default();
        let account = reporting(slug, &receiver, Callbacks::default()).await;
        let body = json!({"account": account.account, "from": "573001234567", "name": "Ana", "text": "hola"});
        stage.hub.put_account(slug, account);
        let (status, answer) = stage.control(Method::POST, slug, "inbound", body.clone()).await;
        assert_eq!((status, &answer["status"]), (200, &json!(200)), "{slug}");
        receiver.refusals.store(1, Ordering::SeqCst);
        let (_, answer) = stage.control(Method::POST, slug, "inbound", body).await;
        assert_eq!(answer["status"], 503, "{slug}");
        assert_eq!(receiver.got.lock().unwrap().len(), 2, "{slug}");
    }
}
