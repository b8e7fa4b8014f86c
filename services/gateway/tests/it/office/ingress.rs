//! What came in, and doing it again.

use puente_proto::ingress::deliveries_server::Deliveries;
use puente_proto::ingress::replays_server::Replays;
use puente_proto::ingress::*;
use puente_proto::{instant, timestamp};
use time::Duration;
use tonic::{Request, Response, Status, async_trait};

use super::{Desk, tenant};
use crate::support::NOW;

/// A delivery of `whatsapp_cloud` that was taken, so many minutes ago.
pub(crate) fn delivery(sequence: i64, minutes: i64) -> Delivery {
    Delivery {
        id: format!("019469d2-0000-7000-8000-{sequence:012}"),
        tenant: "algesta".to_owned(),
        provider: "whatsapp_cloud".to_owned(),
        connection: "whatsapp-algesta".to_owned(),
        received_at: Some(timestamp(NOW - Duration::minutes(minutes))),
        receipt_sequence: sequence,
        verification: "verified".to_owned(),
        outcome: "accepted".to_owned(),
        events: 1,
        body_bytes: 20,
        trace_id: format!("{sequence:032x}"),
        path: "/webhooks/whatsapp_cloud".to_owned(),
        ..Delivery::default()
    }
}

/// Whether the filter means it; its times hold as the contract says.
fn fits(filter: &DeliveryFilter, one: &Delivery) -> bool {
    let said = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    let at = one.received_at.as_ref().and_then(instant).unwrap();
    let since = filter.since.as_ref().and_then(instant);
    let until = filter.until.as_ref().and_then(instant);
    said(&filter.provider, &one.provider)
        && said(&filter.connection, &one.connection)
        && said(&filter.trace_id, &one.trace_id)
        && (filter.outcomes.is_empty() || filter.outcomes.contains(&one.outcome))
        && since.is_none_or(|since| at >= since)
        && until.is_none_or(|until| at < until)
}

impl Desk {
    fn meant(&self, filter: &DeliveryFilter) -> Vec<Delivery> {
        let tables = self.tables.lock().unwrap();
        let all = tables.deliveries.iter().filter(|one| fits(filter, one));
        all.cloned().collect()
    }
}

#[async_trait]
impl Deliveries for Desk {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        tenant(&request)?;
        let wanted = request.into_inner();
        let mut deliveries = self.meant(&wanted.filter.unwrap_or_default());
        deliveries.truncate(wanted.page_size as usize);
        Ok(Response::new(ListDeliveriesResponse {
            deliveries,
            next_cursor: String::new(),
        }))
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        tenant(&request)?;
        let id = request.into_inner().id;
        let all = self.meant(&DeliveryFilter::default());
        let found = all.into_iter().find(|one| one.id == id);
        Ok(Response::new(GetDeliveryResponse {
            delivery: Some(found.ok_or_else(|| Status::not_found("no such delivery"))?),
            body: b"{\"a\":1}".to_vec(),
            ..GetDeliveryResponse::default()
        }))
    }

    async fn get_traffic(
        &self,
        request: Request<GetTrafficRequest>,
    ) -> Result<Response<GetTrafficResponse>, Status> {
        tenant(&request)?;
        Ok(Response::new(GetTrafficResponse::default()))
    }
}

#[async_trait]
impl Replays for Desk {
    async fn plan_replay(
        &self,
        request: Request<PlanReplayRequest>,
    ) -> Result<Response<PlanReplayResponse>, Status> {
        tenant(&request)?;
        let filter = request.into_inner().filter.unwrap_or_default();
        let deliveries = self.meant(&filter).len() as u64;
        Ok(Response::new(PlanReplayResponse {
            counts: Some(ReplayCounts {
                deliveries,
                same: deliveries,
                ..ReplayCounts::default()
            }),
            ..PlanReplayResponse::default()
        }))
    }

    async fn start_replay(
        &self,
        request: Request<StartReplayRequest>,
    ) -> Result<Response<StartReplayResponse>, Status> {
        tenant(&request)?;
        if let Some(why) = &self.tables.lock().unwrap().no_replay {
            return Err(why.clone());
        }
        let wanted = request.into_inner();
        let filter = wanted.filter.unwrap_or_default();
        let replay = Replay {
            id: wanted.idempotency_key.rsplit('/').next().unwrap().to_owned(),
            state: "running".to_owned(),
            total: self.meant(&filter).len() as u64,
            filter: Some(filter),
            reason: wanted.reason,
            started_at: Some(timestamp(NOW)),
            ..Replay::default()
        };
        self.tables.lock().unwrap().replays.push(replay.clone());
        Ok(Response::new(StartReplayResponse { replay: Some(replay) }))
    }

    async fn get_replay(
        &self,
        request: Request<GetReplayRequest>,
    ) -> Result<Response<GetReplayResponse>, Status> {
        tenant(&request)?;
        let id = request.into_inner().id;
        let tables = self.tables.lock().unwrap();
        let found = tables.replays.iter().find(|one| one.id == id).cloned();
        Ok(Response::new(GetReplayResponse {
            replay: Some(found.ok_or_else(|| Status::not_found("no such replay"))?),
        }))
    }

    async fn list_replays(
        &self,
        request: Request<ListReplaysRequest>,
    ) -> Result<Response<ListReplaysResponse>, Status> {
        tenant(&request)?;
        Ok(Response::new(ListReplaysResponse {
            replays: self.tables.lock().unwrap().replays.clone(),
            next_cursor: String::new(),
        }))
    }

    async fn cancel_replay(
        &self,
        request: Request<CancelReplayRequest>,
    ) -> Result<Response<CancelReplayResponse>, Status> {
        tenant(&request)?;
        let id = request.into_inner().id;
        let mut tables = self.tables.lock().unwrap();
        let found = tables.replays.iter_mut().find(|one| one.id == id);
        let one = found.ok_or_else(|| Status::not_found("no such replay"))?;
        one.state = "cancelled".to_owned();
        let replay = Some(one.clone());
        Ok(Response::new(CancelReplayResponse { replay }))
    }
}
