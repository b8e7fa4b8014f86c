//! `Deliveries`: what came in.

use std::collections::BTreeMap;
use std::sync::Arc;

use puente_outbox::stored;
use puente_proto::ingress::deliveries_server::Deliveries as Service;
use puente_proto::ingress::{
    GetDeliveryRequest, GetDeliveryResponse, GetTrafficRequest, GetTrafficResponse, Header,
    ListDeliveriesRequest, ListDeliveriesResponse, TrafficBucket,
};
use puente_proto::timestamp;
use puente_rpc::{Caller, answer, cursor};
use puente_service::Readers;
use puente_types::Clock;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{failed, tenant, wire};
use crate::application::Proofs;
use crate::domain::moment::{SKEW, floor, moment};
use crate::infrastructure::deliveries;
use crate::infrastructure::directory::Directory;
use crate::infrastructure::latency::Latency;
use crate::infrastructure::traffic::{Outcomes, Traffic, TrafficError};

/// The kind of this list's cursors.
const CURSOR: u8 = 1;
/// Events of a delivery have ids of the same breath; this is more than enough.
const EVENTS_WITHIN: Duration = Duration::minutes(2);
/// Seconds that traffic is told about: an hour when nothing is said, a day at most.
const WINDOW: (u32, u32) = (3_600, 86_400);
/// Lengths of a bucket, in seconds; the first when nothing is said.
const BUCKETS: [u32; 3] = [60, 600, 3_600];

/// Answers from the tables, and from the counters of this replica.
#[derive(Clone)]
pub(crate) struct Deliveries {
    pub(crate) readers: Readers,
    pub(crate) directory: Arc<Directory>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) latency: Arc<Latency>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long deliveries are kept.
    pub(crate) keep: Duration,
}

impl Deliveries {
    async fn list(
        &self,
        caller: Caller,
        question: ListDeliveriesRequest,
    ) -> Result<ListDeliveriesResponse, Status> {
        let now = self.clock.now();
        let filter = wire::filter(question.filter, now)?;
        let below = cursor::key::<16>(CURSOR, &question.cursor)?.map(Uuid::from_bytes);
        let most = wire::page_size(question.page_size);
        let mut tx = self.readers.begin(tenant(&caller)).await.map_err(failed)?;
        let page = deliveries::list(&mut tx, &filter, below, most, now, self.keep)
            .await
            .map_err(failed)?;
        Ok(ListDeliveriesResponse {
            deliveries: page.deliveries.into_iter().map(wire::delivery).collect(),
            next_cursor: page
                .next
                .map(|id| cursor::of_key(CURSOR, id.as_bytes()))
                .unwrap_or_default(),
        })
    }

    async fn get(&self, caller: Caller, question: GetDeliveryRequest) -> Result<GetDeliveryResponse, Status> {
        let id = wire::id(&question.id)?;
        let mut tx = self.readers.begin(tenant(&caller)).await.map_err(failed)?;
        let found = deliveries::find(&mut tx, id).await.map_err(failed)?;
        let (listed, content) = found.ok_or_else(|| Status::not_found("there is no such delivery"))?;
        let within = [id..floor(moment(id) + EVENTS_WITHIN)];
        let between = moment(id) - SKEW..moment(id) + SKEW;
        let events = stored::caused_by(&mut tx, &[id.to_string()], &within, between)
            .await
            .map_err(failed)?;
        let proofs = self
            .directory
            .candidates_of_path(&listed.provider, &listed.path)
            .map(|candidates| Proofs::of(&candidates))
            .unwrap_or_default();
        Ok(GetDeliveryResponse {
            query: proofs.query(&content.query),
            headers: headers(&content.headers, &proofs),
            body_sha256: hex(&Sha256::digest(&content.body)),
            body: content.body,
            event_ids: events.iter().map(|row| row.event.id.to_string()).collect(),
            delivery: Some(wire::delivery(listed)),
        })
    }

    async fn traffic(
        &self,
        caller: Caller,
        question: GetTrafficRequest,
    ) -> Result<GetTrafficResponse, Status> {
        let window = match question.window_seconds {
            0 => WINDOW.0,
            asked => asked.min(WINDOW.1),
        };
        let bucket = match question.bucket_seconds {
            0 => BUCKETS[0],
            asked if BUCKETS.contains(&asked) => asked,
            _ => return Err(Status::invalid_argument("a bucket has 60, 600 or 3600 seconds")),
        };
        let now = self.clock.now();
        let (window, bucket) = (i64::from(window), i64::from(bucket));
        // Whole buckets: the first is the one that the window begins in.
        let first = (now.unix_timestamp() - window).div_euclid(bucket) * bucket;
        let scope = tenant(&caller).map(puente_types::TenantId::as_str);
        let minutes = self
            .traffic
            .since(scope, at(first), now)
            .await
            .map_err(|error| match error {
                TrafficError::StillCounting => Status::unavailable("still counting; ask again"),
                TrafficError::Database(error) => failed(error),
            })?;
        let [p50, p99] = match self.latency.percentiles(now, [0.5, 0.99]) {
            Some(found) => found.map(Some),
            None => [None, None],
        };
        Ok(GetTrafficResponse {
            buckets: buckets(&minutes, first, now.unix_timestamp(), bucket),
            p50_ms: p50,
            p99_ms: p99,
        })
    }
}

/// Minutes put together to buckets; those without traffic are there with zeros.
fn buckets(minutes: &BTreeMap<i64, Outcomes>, first: i64, now: i64, length: i64) -> Vec<TrafficBucket> {
    let mut buckets = Vec::new();
    let mut start = first;
    while start <= now {
        let mut sum = Outcomes::default();
        for (_, outcomes) in minutes.range(start / 60..(start + length) / 60) {
            sum.merge(*outcomes);
        }
        buckets.push(TrafficBucket {
            start: Some(timestamp(at(start))),
            accepted: sum.accepted,
            duplicate: sum.duplicate,
            ignored: sum.ignored,
            troubled: sum.troubled,
            refused: sum.refused,
        });
        start += length;
    }
    buckets
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// By name: the table does not keep their order.
fn headers(kept: &str, proofs: &Proofs) -> Vec<Header> {
    let kept: BTreeMap<String, String> = serde_json::from_str(kept).unwrap_or_default();
    kept.into_iter()
        .map(|(name, value)| Header {
            value: proofs.header(&name, &value),
            name,
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tonic::async_trait]
impl Service for Deliveries {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        answer("Deliveries/ListDeliveries", request, |caller, question| {
            self.list(caller, question)
        })
        .await
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        answer("Deliveries/GetDelivery", request, |caller, question| {
            self.get(caller, question)
        })
        .await
    }

    async fn get_traffic(
        &self,
        request: Request<GetTrafficRequest>,
    ) -> Result<Response<GetTrafficResponse>, Status> {
        answer("Deliveries/GetTraffic", request, |caller, question| {
            self.traffic(caller, question)
        })
        .await
    }
}
