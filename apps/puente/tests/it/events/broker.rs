//! Brokers with events in them, published as the relay does it.

use async_nats::jetstream;
use bytes::Bytes;
use puente_bus::{Envelope, StreamSettings, declare};
use puente_proto::{Event, messaging, orders};
use puente_types::{Clock as _, EventId, SystemClock};

/// An event of this tenant, and the id it got.
pub(super) async fn publish<E: Event>(client: &async_nats::Client, tenant: &str, event: &E) -> EventId {
    let envelope = Envelope {
        id: EventId::new(),
        tenant: tenant.parse().unwrap(),
        event: puente_proto::find(E::TYPE.name).unwrap(),
        source: E::TYPE.owner.to_owned(),
        aggregate_id: "a-1".to_owned(),
        aggregate_version: Some(1),
        cause: Some("c-1".to_owned()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        occurred_at: SystemClock.now(),
        replay: false,
        payload: Bytes::from(event.encode_to_vec()),
    };
    send(client, &envelope).await;
    envelope.id
}

/// Publishes, and waits until it is stored.
pub(super) async fn send(client: &async_nats::Client, envelope: &Envelope) {
    let stored = jetstream::new(client.clone())
        .publish_with_headers(envelope.subject(), envelope.headers(), envelope.payload.clone())
        .await
        .unwrap();
    stored.await.unwrap();
}

/// The stream, as the services declare it.
pub(super) async fn stream(client: &async_nats::Client) {
    declare(client, StreamSettings::default()).await.unwrap();
}

/// An order with this number, of a person whose data must not be seen.
pub(super) fn opened(number: &str) -> orders::OrderOpened {
    orders::OrderOpened {
        order_id: format!("id-of-{number}"),
        number: number.to_owned(),
        contact: Some(orders::Contact {
            client_id: "client-1".to_owned(),
            name: "Ana Ruiz".to_owned(),
            phone: "+573001234567".to_owned(),
            contact_id: "573001234567".to_owned(),
            ..Default::default()
        }),
        service: "plomeria".to_owned(),
        description: "Se dañó la tubería".to_owned(),
        ..Default::default()
    }
}

/// A message of that person.
pub(super) fn received(text: &str) -> messaging::MessageReceived {
    messaging::MessageReceived {
        provider: "whatsapp_cloud".to_owned(),
        contact_phone: "+573001234567".to_owned(),
        text: text.to_owned(),
        receipt_sequence: 7,
        ..Default::default()
    }
}
