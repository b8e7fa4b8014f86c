//! Agent and service provider are told of the order that is theirs, once, and of nothing that they need not know.

use std::time::Duration;

use puente_bus::Envelope;
use puente_ports::Content;
use puente_proto::Event as _;
use puente_proto::orders::{Contact, OrderAssigned, OrderStateChanged};
use puente_types::EventId;

use crate::support::{ANA, Fake, Seen, Stage, encoded, now, tenant};

const AGENT: &str = "573007654321";
const PROVIDER: &str = "573110001122";
const MINUTE: Duration = Duration::from_secs(60);

/// The first assignment of an order of Ana's: both places are taken.
fn assigned(order: &str) -> OrderAssigned {
    OrderAssigned {
        order_id: order.into(),
        number: "OT-000042".into(),
        contact: Some(Contact {
            name: "Ana Gómez".into(),
            phone: format!("+{ANA}"),
            provider: "fake".into(),
            connection: "acme-chat".into(),
            contact_id: ANA.into(),
            ..Contact::default()
        }),
        agent: "laura".into(),
        service_provider: "frio-sas".into(),
        agent_name: "Laura Mejía".into(),
        agent_phone: format!("+{AGENT}"),
        service_provider_name: "Frío SAS".into(),
        service_provider_phone: format!("+{PROVIDER}"),
        service: "reparación".into(),
        location: "Calle 10 # 5-20, Medellín".into(),
        ..OrderAssigned::default()
    }
}

/// A stage on which these have written to the tenant before.
async fn known(people: &[&str]) -> Stage {
    let stage = Stage::set().await;
    for person in people {
        let heard = stage.hears("acme", person, "hola", MINUTE).await;
        stage.handled(heard).await;
    }
    stage
}

fn texts(seen: &[Seen]) -> Vec<&str> {
    let mut texts: Vec<&str> = seen.iter().map(|message| message.template.as_str()).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_told_to_agent_and_service_provider_with_number_service_and_place_and_no_client() {
    let stage = known(&[ANA, AGENT, PROVIDER]).await;
    let order = EventId::new().to_string();
    stage.publish("acme", &order, Some(1), &assigned(&order)).await;
    let seen = stage.settled("acme", 2, |message| message.state == "sent").await;
    assert_eq!(texts(&seen), ["order_assigned_agent", "order_assigned_provider"]);
    let took = Fake::took();
    for (person, name) in [(AGENT, "Laura Mejía"), (PROVIDER, "Frío SAS")] {
        let message = took.iter().find(|message| message.to == person).unwrap();
        let Content::Text { body } = &message.content else {
            panic!("no text")
        };
        for said in [name, "OT-000042", "reparación", "Calle 10 # 5-20, Medellín"] {
            assert!(body.contains(said), "{said} is not in: {body}");
        }
        assert!(!body.contains("Gómez") && !body.contains(ANA), "{body}");
    }
    let about: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE about = $1")
        .bind(&order)
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(about, 2, "they stand with the order");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_assignment_and_who_was_assigned_already_are_not_told_again() {
    let stage = known(&[AGENT, PROVIDER, ANA]).await;
    let order = EventId::new().to_string();
    let (first, id) = (assigned(&order), EventId::new());
    for _ in 0..2 {
        stage.publish_as(id, "acme", &order, Some(1), &first).await;
    }
    // The same news under another id: its place in the order's count is taken.
    stage.publish("acme", &order, Some(1), &first).await;
    // Another service provider; the agent stays, and the event holds their name by mistake.
    let second = OrderAssigned {
        previous_agent: "laura".into(),
        previous_service_provider: "frio-sas".into(),
        service_provider: "polo-sas".into(),
        service_provider_name: "Polo SAS".into(),
        service_provider_phone: format!("+{ANA}"),
        ..first
    };
    stage.publish("acme", &order, Some(2), &second).await;
    let seen = stage.settled("acme", 3, |message| message.state == "sent").await;
    assert_eq!(
        texts(&seen),
        [
            "order_assigned_agent",
            "order_assigned_provider",
            "order_assigned_provider"
        ]
    );
    let mut to: Vec<String> = Fake::took().into_iter().map(|message| message.to).collect();
    to.sort_unstable();
    assert_eq!(to, [ANA, AGENT, PROVIDER]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_wrote_or_has_no_number_is_not_told_of_an_assignment_and_the_reason_is_kept() {
    let stage = known(&[]).await;
    let order = EventId::new().to_string();
    let nowhere = OrderAssigned {
        service_provider_phone: String::new(),
        ..assigned(&order)
    };
    stage.publish("acme", &order, Some(1), &nowhere).await;
    let seen = stage
        .settled("acme", 2, |message| message.state == "failed")
        .await;
    let mut codes: Vec<_> = seen
        .iter()
        .map(|message| (message.template.as_str(), message.code.as_deref().unwrap()))
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("order_assigned_agent", "no_opt_in"),
            ("order_assigned_provider", "no_recipient")
        ]
    );
    assert_eq!(Fake::calls(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_who_asked_for_no_more_messages_does_not_keep_the_other_from_being_told() {
    let stage = known(&[AGENT, PROVIDER]).await;
    let stop = stage.hears("acme", AGENT, "baja", Duration::ZERO).await;
    stage.handled(stop).await;
    let order = EventId::new().to_string();
    stage.publish("acme", &order, Some(1), &assigned(&order)).await;
    let settled = |message: &Seen| message.state != "queued";
    let seen = stage.settled("acme", 3, settled).await;
    let of = |key: &str| seen.iter().find(|message| message.template == key).unwrap();
    assert_eq!(of("order_assigned_agent").code.as_deref(), Some("opted_out"));
    assert_eq!(of("order_assigned_provider").state, "sent");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_whom_the_directory_does_not_know_are_not_written_to_and_the_order_goes_on() {
    let stage = known(&[AGENT]).await;
    let order = EventId::new().to_string();
    let unknown = OrderAssigned {
        agent_name: String::new(),
        agent_phone: String::new(),
        service_provider_name: String::new(),
        service_provider_phone: String::new(),
        ..assigned(&order)
    };
    stage.publish("acme", &order, Some(1), &unknown).await;
    let next = OrderAssigned {
        previous_service_provider: "frio-sas".into(),
        ..assigned(&order)
    };
    stage.publish("acme", &order, Some(2), &next).await;
    let seen = stage.settled("acme", 1, |message| message.state == "sent").await;
    assert_eq!(texts(&seen), ["order_assigned_agent"]);
    stage.stop().await;
}

/// The key of the command that assigned the order looks like an event that nobody has handled. Were the agent's answer
/// waited for because of it, the client would wait with them, far longer than this test.
#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_that_cannot_be_told_does_not_hold_back_what_the_client_is_told() {
    let stage = known(&[ANA]).await;
    let order = EventId::new().to_string();
    let first = assigned(&order);
    stage
        .send(&Envelope {
            id: EventId::new(),
            tenant: tenant("acme"),
            event: &OrderAssigned::TYPE,
            source: "test".to_owned(),
            aggregate_id: order.clone(),
            aggregate_version: Some(1),
            cause: Some(EventId::new().to_string()),
            traceparent: None,
            occurred_at: now(),
            replay: false,
            payload: encoded(&first).into(),
        })
        .await;
    let moved = OrderStateChanged {
        order_id: order.clone(),
        number: first.number.clone(),
        contact: first.contact,
        after: "Asignada".into(),
        visible: true,
        ..OrderStateChanged::default()
    };
    stage.publish("acme", &order, Some(2), &moved).await;
    let settled = |message: &Seen| message.state != "queued";
    let seen = stage.settled("acme", 3, settled).await;
    let told = seen.iter().find(|message| message.template == "order_assigned");
    assert_eq!(told.unwrap().state, "sent");
    stage.stop().await;
}
