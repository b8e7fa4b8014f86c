//! Doing deliveries again: a plan first, then a job.

use axum::Json;
use puente_proto::ingress::{
    CancelReplayRequest, DeliveryFilter, GetReplayRequest, ListReplaysRequest, PlanReplayRequest,
    StartReplayRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tonic::Status;
use utoipa::ToSchema;

use super::Answer;
use super::changes::reason;
use super::describe::{Api, doc};
use super::input::{Asking, Body, Id, Query};
use super::lists::Page;
use super::orders::bounded;
use crate::application::failure::Failure;
use crate::application::reflect::{Show, json as seen};
use crate::domain::Right;
use crate::web::{Access, Problem};

const REPLAY: &str = "puente.ingress.v1.Replay";
/// Words of one list in a filter.
const MOST_OUTCOMES: usize = 10;

pub(super) fn routes(api: Api) -> Api {
    let replay = Access::Needs(Right::Replay);
    let read = Access::Needs(Right::ReadTraffic);
    api.ask(
        "/api/replays/plan",
        replay,
        plan,
        doc("planReplay", "Counts what a replay would do, without doing it")
            .body::<Filter>()
            .message("puente.ingress.v1.PlanReplayResponse"),
    )
    .post(
        "/api/replays",
        replay,
        start,
        doc(
            "startReplay",
            "Starts a replay; it goes on in the background. Refused with 409 while ten of the same scope run",
        )
        .body::<Start>()
        .message(REPLAY),
    )
    .get(
        "/api/replays",
        read,
        list,
        doc("listReplays", "Replays of the last 30 days, newest first")
            .query::<Page>()
            .message("puente.ingress.v1.ListReplaysResponse"),
    )
    .get(
        "/api/replays/{id}",
        read,
        get,
        doc("getReplay", "How far a replay is").message(REPLAY),
    )
    .post(
        "/api/replays/{id}/cancel",
        replay,
        cancel,
        doc(
            "cancelReplay",
            "Stops a replay; what was published stays published",
        )
        .message(REPLAY),
    )
}

/// Which deliveries are meant; what is absent does not restrict.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// The provider's slug.
    #[serde(default)]
    #[schema(max_length = 100)]
    provider: String,
    /// The connection.
    #[serde(default)]
    #[schema(max_length = 100)]
    connection: String,
    /// `accepted`, `duplicate`, `ignored`, `unroutable`, `malformed` or `refused`.
    #[serde(default)]
    #[schema(max_items = 10)]
    outcomes: Vec<String>,
    /// Received at or after.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    since: OffsetDateTime,
    /// Received before; now when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<OffsetDateTime>,
}

impl Filter {
    fn checked(self) -> Result<DeliveryFilter, Problem> {
        bounded("provider", &self.provider, 0, 100)?;
        bounded("connection", &self.connection, 0, 100)?;
        if self.outcomes.len() > MOST_OUTCOMES {
            return Err(super::input::invalid("outcomes", "at most 10"));
        }
        Ok(DeliveryFilter {
            provider: self.provider,
            connection: self.connection,
            outcomes: self.outcomes,
            since: Some(puente_proto::timestamp(self.since)),
            until: self.until.map(puente_proto::timestamp),
            trace_id: String::new(),
        })
    }
}

/// A replay that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    /// Which deliveries.
    filter: Filter,
    /// Why.
    #[serde(deserialize_with = "reason")]
    #[schema(min_length = 3, max_length = 500)]
    reason: String,
}

fn away(status: Status) -> Problem {
    Failure::of("ingress", &status).into()
}

fn shown(replay: Option<puente_proto::ingress::Replay>) -> Answer {
    let replay = replay.ok_or_else(Problem::not_found)?;
    Ok(Json(seen(REPLAY, &replay, Show::Names)))
}

async fn plan(asking: Asking, Body(filter): Body<Filter>) -> Answer {
    let question = PlanReplayRequest {
        filter: Some(filter.checked()?),
    };
    let plan = asking.ask().plan_replay(question).await.map_err(away)?;
    Ok(Json(seen(
        "puente.ingress.v1.PlanReplayResponse",
        &plan,
        Show::Masked,
    )))
}

async fn start(asking: Asking, Body(wanted): Body<Start>) -> Answer {
    let filter = wanted.filter.checked()?;
    let after: Value = seen("puente.ingress.v1.DeliveryFilter", &filter, Show::Masked);
    let question = StartReplayRequest {
        filter: Some(filter),
        reason: wanted.reason.clone(),
        idempotency_key: short(&asking.key),
    };
    let started = async { asking.ask().start_replay(question).await.map_err(away) };
    let started = asking
        .recorded(
            "replay.started",
            "replay",
            (None, Some(after)),
            Some(&wanted.reason),
            started,
        )
        .await?;
    shown(started.replay)
}

/// A key of at most 200 characters, the same for the same.
fn short(key: &str) -> String {
    if key.len() <= 200 {
        key.to_owned()
    } else {
        hex::encode(crate::auth::random::hash(key))
    }
}

async fn list(asking: Asking, Query(page): Query<Page>) -> Answer {
    let question = ListReplaysRequest {
        page_size: page.limit.0,
        cursor: page.cursor,
    };
    let found = asking.ask().list_replays(question).await.map_err(away)?;
    Ok(Json(seen(
        "puente.ingress.v1.ListReplaysResponse",
        &found,
        Show::Names,
    )))
}

async fn get(asking: Asking, Id(id): Id) -> Answer {
    let found = asking
        .ask()
        .get_replay(GetReplayRequest { id: id.to_string() })
        .await;
    shown(found.map_err(away)?.replay)
}

async fn cancel(asking: Asking, Id(id): Id) -> Answer {
    let id = id.to_string();
    let question = CancelReplayRequest { id: id.clone() };
    let cancelled = async { asking.ask().cancel_replay(question).await.map_err(away) };
    let after = json!({ "state": "cancelled" });
    let cancelled = asking
        .recorded("replay.cancelled", &id, (None, Some(after)), None, cancelled)
        .await?;
    shown(cancelled.replay)
}
