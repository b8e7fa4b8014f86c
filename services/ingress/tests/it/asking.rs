//! Another service, asking ingress as a caller of some scope.

use std::sync::Arc;

use puente_proto::ingress::deliveries_client::DeliveriesClient;
use puente_proto::ingress::replays_client::ReplaysClient;
use puente_proto::ingress::{
    Delivery, DeliveryFilter, GetDeliveryRequest, GetDeliveryResponse, GetReplayRequest, GetTrafficRequest,
    GetTrafficResponse, ListDeliveriesRequest, ListDeliveriesResponse, PlanReplayRequest, PlanReplayResponse,
    Replay, StartReplayRequest,
};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_service::Overrides;
use puente_testkit::wait_for;
use puente_types::{Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::support::{PATIENCE, Running};

/// 32 bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Opens the door, and finds dead replicas soon.
pub(crate) fn asked(overrides: Overrides) -> Overrides {
    overrides.set("rpc_key", KEY).set("relay_lease_ms", 500_u32)
}

pub(crate) struct Asking {
    pub(crate) deliveries: DeliveriesClient<Channel>,
    pub(crate) replays: ReplaysClient<Channel>,
    calls: Calls,
    caller: Caller,
}

impl Asking {
    pub(crate) async fn tenant(ingress: &Running, tenant: &str) -> Self {
        Self::of(ingress, Scope::Tenant(tenant.parse().unwrap()), "operator").await
    }

    pub(crate) async fn installation(ingress: &Running) -> Self {
        Self::of(ingress, Scope::Installation, "operator").await
    }

    pub(crate) async fn of(ingress: &Running, scope: Scope, role: &str) -> Self {
        let address = ingress.grpc.expect("there is a key");
        let channel = Endpoint::from_shared(format!("http://{address}"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
        Self {
            deliveries: DeliveriesClient::new(channel.clone()),
            replays: ReplaysClient::new(channel),
            calls: Calls::new(keys, "ingress", Arc::new(SystemClock), PATIENCE),
            caller: Caller {
                scope,
                subject: "user-7".into(),
                role: role.into(),
            },
        }
    }

    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        self.calls.request(&self.caller, message).unwrap()
    }

    pub(crate) async fn page(
        &self,
        filter: DeliveryFilter,
        page_size: u32,
        cursor: &str,
    ) -> Result<ListDeliveriesResponse, Status> {
        let question = ListDeliveriesRequest {
            filter: Some(filter),
            page_size,
            cursor: cursor.into(),
        };
        let answer = self
            .deliveries
            .clone()
            .list_deliveries(self.request(question))
            .await?;
        Ok(answer.into_inner())
    }

    /// Every delivery of the filter, over as many pages as it takes.
    pub(crate) async fn all(&self, filter: &DeliveryFilter) -> Vec<Delivery> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for _ in 0..1_000 {
            let mut page = self.page(filter.clone(), 0, &cursor).await.unwrap();
            all.append(&mut page.deliveries);
            if page.next_cursor.is_empty() {
                return all;
            }
            cursor = page.next_cursor;
        }
        panic!("the list does not end");
    }

    pub(crate) async fn get(&self, id: &str) -> Result<GetDeliveryResponse, Status> {
        let question = self.request(GetDeliveryRequest { id: id.into() });
        Ok(self.deliveries.clone().get_delivery(question).await?.into_inner())
    }

    pub(crate) async fn traffic(
        &self,
        window_seconds: u32,
        bucket_seconds: u32,
    ) -> Result<GetTrafficResponse, Status> {
        let question = self.request(GetTrafficRequest {
            window_seconds,
            bucket_seconds,
        });
        Ok(self.deliveries.clone().get_traffic(question).await?.into_inner())
    }

    pub(crate) async fn plan(&self, filter: DeliveryFilter) -> Result<PlanReplayResponse, Status> {
        let question = self.request(PlanReplayRequest { filter: Some(filter) });
        Ok(self.replays.clone().plan_replay(question).await?.into_inner())
    }

    pub(crate) async fn start(&self, filter: DeliveryFilter, key: &str) -> Result<Replay, Status> {
        let question = self.request(StartReplayRequest {
            filter: Some(filter),
            reason: "por la prueba".into(),
            idempotency_key: key.into(),
        });
        let answer = self.replays.clone().start_replay(question).await?;
        Ok(answer.into_inner().replay.unwrap())
    }

    pub(crate) async fn replay(&self, id: &str) -> Result<Replay, Status> {
        let question = self.request(GetReplayRequest { id: id.into() });
        let answer = self.replays.clone().get_replay(question).await?;
        Ok(answer.into_inner().replay.unwrap())
    }

    pub(crate) async fn ended(&self, id: &str) -> Replay {
        wait_for("the replay to end", PATIENCE * 4, || async {
            let replay = self.replay(id).await.map_err(|error| error.to_string())?;
            if replay.state == "running" {
                Err(format!("{:?} of {}", replay.done, replay.total))
            } else {
                Ok(replay)
            }
        })
        .await
    }

    /// Starts a replay and waits for its end.
    pub(crate) async fn replayed(&self, filter: DeliveryFilter, key: &str) -> Replay {
        let started = self.start(filter, key).await.unwrap();
        self.ended(&started.id).await
    }
}

/// Everything that can have come in during a test.
pub(crate) fn lately() -> DeliveryFilter {
    DeliveryFilter {
        since: Some(prost_types::Timestamp {
            seconds: time::OffsetDateTime::now_utc().unix_timestamp() - 600,
            nanos: 0,
        }),
        ..DeliveryFilter::default()
    }
}
