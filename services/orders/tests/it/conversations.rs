//! From messages to clients and orders.

use puente_proto::Event as _;
use puente_proto::messaging::MessageReceived;
use puente_proto::orders::{ClientRegistered, OrderOpened};
use puente_testkit::wait_for;

use crate::support::{LAURA, PATIENCE, PEDRO, Stage, Told, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_registers_the_client_and_opens_one_order() {
    let stage = Stage::set().await;
    let number = stage.with_order("acme", LAURA).await;
    assert_eq!(number.to_string(), "OT-000001");

    let told = stage.told().await;
    let named = |name: &str| {
        told.iter()
            .filter(|event| event.name == name)
            .collect::<Vec<&Told>>()
    };
    let registered = named(ClientRegistered::TYPE.name);
    let opened = named(OrderOpened::TYPE.name);
    assert_eq!((registered.len(), opened.len()), (1, 1));
    let client: ClientRegistered = registered[0].read();
    let order: OrderOpened = opened[0].read();
    assert_eq!(
        (client.name.as_str(), client.email.as_str(), client.phone.as_str()),
        ("Laura Gómez", "laura@correo.co", LAURA)
    );
    let contact = order.contact.unwrap();
    assert_eq!(
        (
            contact.client_id,
            contact.provider.as_str(),
            contact.connection.as_str(),
            contact.contact_id.as_str()
        ),
        (client.client_id, "wuzapi", "acme-chat", "573001234567")
    );
    assert_eq!(
        (
            order.number.as_str(),
            order.service.as_str(),
            order.state.as_str(),
            order.channel.as_str()
        ),
        ("OT-000001", "Reparación", "Nueva", "whatsapp")
    );
    assert_eq!(
        (opened[0].version, order.location.as_str()),
        (Some(1), "Calle 10 # 5-20, Medellín")
    );
    assert!(opened[0].cause.is_some() && opened[0].tenant == "acme");
    assert_eq!(
        stage.replies().await,
        [
            "registration_name",
            "registration_email",
            "registration_location",
            "order_confirm"
        ],
        "the confirmation is made from the order's event"
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM conversation_messages WHERE payload IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_three_times_ends_in_exactly_one_order() {
    let stage = Stage::set().await;
    for (at, text) in Stage::first_order().into_iter().enumerate() {
        let message = message("acme", LAURA, i64::try_from(at).unwrap() + 1, text);
        // The same event again, and the provider's second copy as an event of its own: either may be the one that counts.
        let event = stage.publish("acme", &message).await;
        stage.publish_as(event, "acme", &message).await;
        stage
            .publish(
                "acme",
                &MessageReceived {
                    receipt_sequence: 100,
                    ..message
                },
            )
            .await;
        let wanted = i64::try_from(at).unwrap() + 1;
        wait_for("one of the three to be worked", PATIENCE, async || {
            let worked = "SELECT count(*) FROM conversation_messages WHERE worked_at IS NOT NULL";
            stage.count(worked).await == wanted
        })
        .await;
    }
    stage.say("acme", LAURA, 200, "menú").await;
    assert_eq!(stage.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(stage.count("SELECT count(*) FROM clients").await, 1);
    assert_eq!(stage.count("SELECT count(*) FROM dead_letters").await, 0);
    assert_eq!(
        stage.replies().await.len(),
        5,
        "one answer for each message, none for copies"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_orders_own_client_is_told_how_it_stands() {
    let stage = Stage::set().await;
    let number = stage.with_order("acme", LAURA).await;
    stage
        .say("acme", LAURA, 10, &format!("¿cómo va la {number}?"))
        .await;
    stage
        .say("acme", PEDRO, 11, &format!("¿cómo va la {number}?"))
        .await;
    // The same person over another of the tenant's connections is the same client.
    let mut elsewhere = message("acme", LAURA, 12, &number.to_string());
    elsewhere.connection = "acme-second".into();
    let event = stage.publish("acme", &elsewhere).await;
    stage.worked(event).await;

    let answers: Vec<_> = stage
        .requests()
        .await
        .into_iter()
        .filter(|r| r.template.starts_with("tracking"))
        .collect();
    let keys: Vec<_> = answers.iter().map(|answer| answer.template.as_str()).collect();
    assert_eq!(keys, ["tracking_found", "tracking_not_found", "tracking_found"]);
    assert_eq!(answers[0].variables["state"], "Nueva");
    assert_eq!(answers[1].recipient.as_ref().unwrap().phone, PEDRO);
    assert!(!answers[1].variables.contains_key("state"));
    assert_eq!(answers[2].recipient.as_ref().unwrap().connection, "acme-second");
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_another_persons_number_gives_no_right_to_their_orders() {
    let stage = Stage::set().await;
    let number = stage.with_order("acme", LAURA).await;
    let hidden = |sequence: i64, text: &str| MessageReceived {
        contact_phone: String::new(),
        contact_id: "hidden-1".into(),
        provider_message_id: format!("h-{sequence}"),
        ..message("acme", PEDRO, sequence, text)
    };
    let said = [
        "registrarme",
        "Otra Persona",
        "otra@correo.co",
        "300 123 4567",
        "Carrera 1 # 2-3",
    ];
    for (at, text) in (20..).zip(said.into_iter().chain([number.to_string().as_str()])) {
        let event = stage.publish("acme", &hidden(at, text)).await;
        stage.worked(event).await;
    }
    assert_eq!(
        stage
            .count("SELECT count(*) FROM clients WHERE phone = '+573001234567'")
            .await,
        2
    );
    assert_eq!(stage.replies().await.last().unwrap(), "tracking_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_the_tenants_own_messages_are_left_alone() {
    let stage = Stage::set().await;
    stage
        .publish(
            "acme",
            &MessageReceived {
                group_id: "g1".into(),
                ..message("acme", LAURA, 1, "hola")
            },
        )
        .await;
    stage
        .publish(
            "acme",
            &MessageReceived {
                own: true,
                ..message("acme", LAURA, 2, "hola")
            },
        )
        .await;
    stage.say("acme", PEDRO, 3, "hola").await;
    assert_eq!(stage.replies().await, ["bot_greeting_new"]);
    assert_eq!(stage.count("SELECT count(*) FROM conversations").await, 1);
}
