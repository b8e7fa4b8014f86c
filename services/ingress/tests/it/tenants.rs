//! One tenant against another, over everything that can be asked.

use puente_proto::ingress::{CancelReplayRequest, DeliveryFilter, ListReplaysRequest};
use tonic::Code;

use crate::asking::{Asking, asked, lately};
use crate::support::{ALGESTA_NUMBER, CLOUD_SECRET, NORTE_NUMBER, message, start};

const PATH: &str = "/webhooks/whatsapp_cloud";

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_and_moves_its_own_only_and_what_is_nobodys_belongs_to_the_installation() {
    let ingress = start(asked).await;
    for (number, id) in [
        (ALGESTA_NUMBER, "a"),
        (ALGESTA_NUMBER, "b"),
        (NORTE_NUMBER, "c"),
        ("999", "d"),
    ] {
        ingress
            .cloud(PATH, CLOUD_SECRET, &message(number, id, "hola"))
            .await;
    }
    let algesta = Asking::tenant(&ingress, "algesta").await;
    let norte = Asking::tenant(&ingress, "norte").await;
    let all = Asking::installation(&ingress).await;

    let (of_algesta, of_norte, of_all) = (
        algesta.all(&DeliveryFilter::default()).await,
        norte.all(&DeliveryFilter::default()).await,
        all.all(&DeliveryFilter::default()).await,
    );
    assert_eq!((of_algesta.len(), of_norte.len(), of_all.len()), (2, 1, 4));
    assert!(of_algesta.iter().all(|one| one.tenant == "algesta"));
    let unroutable = of_all.iter().find(|one| one.outcome == "unroutable").unwrap();
    for (asking, id) in [(&norte, &of_algesta[0].id), (&algesta, &unroutable.id)] {
        assert_eq!(asking.get(id).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(&all.get(id).await.unwrap().delivery.unwrap().id, id);
    }

    let sum = async |asking: &Asking| {
        let buckets = asking.traffic(3_600, 60).await.unwrap().buckets;
        buckets
            .iter()
            .map(|one| (one.accepted, one.troubled))
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    };
    assert_eq!(
        (sum(&algesta).await, sum(&norte).await, sum(&all).await),
        ((2, 0), (1, 0), (3, 1))
    );

    assert_eq!(norte.plan(lately()).await.unwrap().counts.unwrap().deliveries, 1);
    let replay = norte.replayed(lately(), "same key").await;
    assert_eq!((replay.total, replay.done.unwrap().same), (1, 1));
    let other = algesta.replayed(lately(), "same key").await;
    assert_ne!(other.id, replay.id, "keys of two tenants are two keys");
    assert_eq!(
        algesta.replay(&replay.id).await.unwrap_err().code(),
        Code::NotFound
    );
    let cancel = algesta.request(CancelReplayRequest {
        id: replay.id.clone(),
    });
    let refused = algesta.replays.clone().cancel_replay(cancel).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let listed = async |asking: &Asking| {
        let question = asking.request(ListReplaysRequest::default());
        let answer = asking
            .replays
            .clone()
            .list_replays(question)
            .await
            .unwrap()
            .into_inner();
        answer.replays.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&norte).await, std::slice::from_ref(&replay.id));
    assert_eq!(listed(&all).await, [other.id, replay.id]);
    ingress.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_on_starts_no_replay() {
    let ingress = start(asked).await;
    let scope = puente_rpc::Scope::Tenant("algesta".parse().unwrap());
    let viewer = Asking::of(&ingress, scope, "viewer").await;
    let refused = viewer.start(lately(), "k").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(viewer.plan(lately()).await.unwrap().counts.unwrap().deliveries, 0);
    ingress.stop().await;
}
