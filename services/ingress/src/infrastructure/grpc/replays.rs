//! `Replays`: doing deliveries again. A plan is looked at here; the work is done by the workers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration as Span;

use puente_proto::ingress::replays_server::Replays as Service;
use puente_proto::ingress::{
    CancelReplayRequest, CancelReplayResponse, DeliveryFilter, GetReplayRequest, GetReplayResponse,
    ListReplaysRequest, ListReplaysResponse, PlanReplayRequest, PlanReplayResponse, StartReplayRequest,
    StartReplayResponse,
};
use puente_rpc::{Caller, answer, cursor};
use puente_service::Readers;
use puente_types::Clock;
use time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{failed, tenant, wire};
use crate::domain::{Counts, MAX_DIFFERENCES};
use crate::infrastructure::directory::Directory;
use crate::infrastructure::replays::jobs::{self, New, StartError};
use crate::infrastructure::replays::look::look;
use crate::infrastructure::replays::part::{self, Wanted};

/// The kind of this list's cursors.
const CURSOR: u8 = 2;
/// Deliveries that a plan looks at.
const SAMPLE: u64 = 2_000;
/// How long a plan goes on looking; within the deadline of a call.
const ENOUGH: Span = Span::from_secs(3);
/// A statement of a plan that takes longer would not be answered in time.
const PLAN_TIMEOUT: &str = "SET LOCAL statement_timeout = '4s'";
/// The time that a plan looks at with one question.
const LENGTH: Duration = Duration::hours(6);
/// Characters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;
/// Bytes of an idempotency key.
const KEY: std::ops::RangeInclusive<usize> = 1..=200;
/// Roles that see replays at most, and never begin or stop one.
const ONLOOKERS: [&str; 4] = ["agent", "technician", "finance", "viewer"];

/// Answers from the tables.
#[derive(Clone)]
pub(crate) struct Replays {
    pub(crate) readers: Readers,
    pub(crate) directory: Arc<Directory>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Tells this replica's worker of a new replay.
    pub(crate) wake: Arc<Notify>,
    /// How far back deliveries may be done again: a little less than inboxes remember what they have handled.
    pub(crate) reach: Duration,
}

impl Replays {
    /// What a caller may have done again: its own tenant's deliveries, within a time that is known. What is older than
    /// the reach is left out.
    fn wanted(&self, caller: &Caller, filter: Option<DeliveryFilter>) -> Result<Wanted, Status> {
        let now = self.clock.now();
        let mut filter = wire::filter(filter, now)?;
        let asked = filter
            .since
            .ok_or_else(|| Status::invalid_argument("say since when"))?;
        let since = asked.max(now - self.reach);
        let until = filter.until.unwrap_or(now).max(since);
        (filter.since, filter.until) = (Some(since), Some(until));
        Ok(Wanted {
            tenant: tenant(caller).map(ToString::to_string),
            filter,
            since,
            until,
        })
    }

    async fn plan(&self, caller: Caller, question: PlanReplayRequest) -> Result<PlanReplayResponse, Status> {
        let wanted = self.wanted(&caller, question.filter)?;
        let begun = Instant::now();
        let mut tx = self.readers.begin(tenant(&caller)).await.map_err(failed)?;
        sqlx::query(PLAN_TIMEOUT)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let deliveries = part::count(&mut tx, &wanted).await.map_err(failed)?;
        let mut counts = Counts::default();
        let mut differences = Vec::new();
        let mut assumed = HashSet::new();
        let (mut after, end) = (wanted.start(), wanted.end());
        while after < end && counts.deliveries < SAMPLE && begun.elapsed() < ENOUGH {
            let most =
                usize::try_from(SAMPLE - counts.deliveries).map_or(part::MOST, |left| left.min(part::MOST));
            let looked = look(&self.directory, &mut tx, &wanted, after, LENGTH, most, &assumed)
                .await
                .map_err(failed)?;
            after = looked.cursor;
            counts.add(looked.counts);
            assumed.extend(looked.fresh.iter().map(|one| one.key));
            let room = MAX_DIFFERENCES.saturating_sub(differences.len());
            differences.extend(looked.differences.into_iter().take(room));
        }
        let sampled = counts.deliveries < deliveries;
        counts.deliveries = deliveries;
        Ok(PlanReplayResponse {
            counts: Some(wire::counts(counts)),
            differences: differences.into_iter().map(wire::difference).collect(),
            sampled,
        })
    }

    async fn start(
        &self,
        caller: Caller,
        question: StartReplayRequest,
    ) -> Result<StartReplayResponse, Status> {
        may_act(&caller)?;
        let wanted = self.wanted(&caller, question.filter)?;
        let reason = question.reason.trim();
        if !REASON.contains(&reason.chars().count()) {
            return Err(Status::invalid_argument("give a reason of 3 to 500 characters"));
        }
        let key = question.idempotency_key.as_str();
        if !KEY.contains(&key.len()) || key.contains('\0') || reason.contains('\0') {
            return Err(Status::invalid_argument(
                "give an idempotency key of 1 to 200 characters",
            ));
        }
        let mut tx = self.readers.begin_write(tenant(&caller)).await.map_err(failed)?;
        let new = New {
            wanted: &wanted,
            requested_by: &caller.subject,
            reason,
            key,
        };
        let replay = jobs::start(&mut tx, new).await.map_err(|error| match error {
            // Not RESOURCE_EXHAUSTED: ingress is well, and asking again helps only when a replay has ended.
            StartError::TooMany => Status::failed_precondition(
                "too many replays run already; wait for one to end, or cancel one",
            ),
            StartError::Database(error) => failed(error),
        })?;
        tx.commit().await.map_err(failed)?;
        self.wake.notify_one();
        Ok(StartReplayResponse {
            replay: Some(wire::replay(replay)),
        })
    }

    async fn get(&self, caller: Caller, question: GetReplayRequest) -> Result<GetReplayResponse, Status> {
        let id = wire::id(&question.id)?;
        let mut tx = self.readers.begin(tenant(&caller)).await.map_err(failed)?;
        let found = jobs::find(&mut tx, id).await.map_err(failed)?;
        let replay = found.ok_or_else(unknown)?;
        Ok(GetReplayResponse {
            replay: Some(wire::replay(replay)),
        })
    }

    async fn list(
        &self,
        caller: Caller,
        question: ListReplaysRequest,
    ) -> Result<ListReplaysResponse, Status> {
        let below = cursor::key::<16>(CURSOR, &question.cursor)?.map(Uuid::from_bytes);
        let size = wire::page_size(question.page_size);
        let mut tx = self.readers.begin(tenant(&caller)).await.map_err(failed)?;
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut found = jobs::list(&mut tx, below, limit).await.map_err(failed)?;
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more).map(|last| last.id);
        Ok(ListReplaysResponse {
            replays: found.into_iter().map(wire::replay).collect(),
            next_cursor: last
                .map(|id| cursor::of_key(CURSOR, id.as_bytes()))
                .unwrap_or_default(),
        })
    }

    async fn cancel(
        &self,
        caller: Caller,
        question: CancelReplayRequest,
    ) -> Result<CancelReplayResponse, Status> {
        may_act(&caller)?;
        let id = wire::id(&question.id)?;
        let mut tx = self.readers.begin_write(tenant(&caller)).await.map_err(failed)?;
        let found = jobs::cancel(&mut tx, id).await.map_err(failed)?;
        let replay = found.ok_or_else(unknown)?;
        tx.commit().await.map_err(failed)?;
        Ok(CancelReplayResponse {
            replay: Some(wire::replay(replay)),
        })
    }
}

fn unknown() -> Status {
    Status::not_found("there is no such replay")
}

fn may_act(caller: &Caller) -> Result<(), Status> {
    if ONLOOKERS.contains(&caller.role.as_str()) {
        return Err(Status::permission_denied("this role may not replay deliveries"));
    }
    Ok(())
}

#[tonic::async_trait]
impl Service for Replays {
    async fn plan_replay(
        &self,
        request: Request<PlanReplayRequest>,
    ) -> Result<Response<PlanReplayResponse>, Status> {
        answer("Replays/PlanReplay", request, |caller, question| {
            self.plan(caller, question)
        })
        .await
    }

    async fn start_replay(
        &self,
        request: Request<StartReplayRequest>,
    ) -> Result<Response<StartReplayResponse>, Status> {
        answer("Replays/StartReplay", request, |caller, question| {
            self.start(caller, question)
        })
        .await
    }

    async fn get_replay(
        &self,
        request: Request<GetReplayRequest>,
    ) -> Result<Response<GetReplayResponse>, Status> {
        answer("Replays/GetReplay", request, |caller, question| {
            self.get(caller, question)
        })
        .await
    }

    async fn list_replays(
        &self,
        request: Request<ListReplaysRequest>,
    ) -> Result<Response<ListReplaysResponse>, Status> {
        answer("Replays/ListReplays", request, |caller, question| {
            self.list(caller, question)
        })
        .await
    }

    async fn cancel_replay(
        &self,
        request: Request<CancelReplayRequest>,
    ) -> Result<Response<CancelReplayResponse>, Status> {
        answer("Replays/CancelReplay", request, |caller, question| {
            self.cancel(caller, question)
        })
        .await
    }
}
