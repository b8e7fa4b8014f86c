//! The service's own work, asked about over gRPC.

use puente_proto::operations::operations_client::OperationsClient;
use puente_proto::operations::{
    EventIds, ListConnectionHealthRequest, ListEventsRequest, ListEventsResponse, list_events_request::Key,
};
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use crate::asking::{Asking, asked};
use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, Running, message, start};

async fn events(ingress: &Running, asking: &Asking, key: Key) -> Result<ListEventsResponse, Status> {
    let question = asking.request(ListEventsRequest {
        key: Some(key),
        limit: 0,
        ..ListEventsRequest::default()
    });
    let answer = client(ingress).await.list_events(question).await?;
    Ok(answer.into_inner())
}

async fn client(ingress: &Running) -> OperationsClient<tonic::transport::Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", ingress.grpc.unwrap())).unwrap();
    OperationsClient::new(endpoint.connect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_delivery_are_found_by_their_ids_and_traces_are_left_to_other_services() {
    let ingress = start(asked).await;
    let body = message(ALGESTA_NUMBER, "wamid.1", "hola");
    let answer = ingress
        .cloud("/webhooks/whatsapp_cloud", CLOUD_SECRET, &body)
        .await;
    let delivery = answer
        .headers()
        .get("puente-delivery")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let (algesta, norte) = (
        Asking::tenant(&ingress, "algesta").await,
        Asking::tenant(&ingress, "norte").await,
    );
    let ids = algesta.get(&delivery).await.unwrap().event_ids;
    assert_eq!(ids.len(), 1);
    let by_ids = || Key::Ids(EventIds { ids: ids.clone() });
    let found = events(&ingress, &algesta, by_ids()).await.unwrap().events;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].cause.as_str(), found[0].source.as_str()),
        (delivery.as_str(), "ingress")
    );
    assert!(
        events(&ingress, &norte, by_ids())
            .await
            .unwrap()
            .events
            .is_empty()
    );
    let all = Asking::installation(&ingress).await;
    assert_eq!(events(&ingress, &all, by_ids()).await.unwrap().events.len(), 1);
    for key in [
        Key::TraceId("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        Key::Cause(delivery),
    ] {
        let refused = events(&ingress, &algesta, key).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    let question = algesta.request(ListConnectionHealthRequest::default());
    let health = client(&ingress)
        .await
        .list_connection_health(question)
        .await
        .unwrap();
    assert!(health.into_inner().connections.is_empty(), "ingress calls nobody");
}
