//! Deliveries replayed per second, asked for and watched as an operator does: over gRPC.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use puente_proto::ingress::replays_client::ReplaysClient;
use puente_proto::ingress::{
    DeliveryFilter, GetReplayRequest, PlanReplayRequest, Replay, StartReplayRequest,
};
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Clock as _, SystemClock};
use tonic::transport::{Channel, Endpoint};

use crate::measure::accept::knows_connection;
use crate::measure::{Counter, Target, load};
use crate::plan::Plan;
use crate::report::{Section, Verdict};
use crate::stage::Stage;

/// Deliveries that must be replayed within [`TARGET_SECONDS`].
const TARGET_DELIVERIES: f64 = 100_000.0;
const TARGET_SECONDS: f64 = 60.0;
/// How often is asked how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// A replay that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(150);
/// The deadline of one question.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) async fn run(stage: &Stage, plan: &Plan) -> Result<Section> {
    let room = stage.room("replay").await?;
    stage.connect(&room, "http://127.0.0.1:9").await?;
    let (fleet, running) = stage.fleet(&stage.order(&room, &["ingress"])).await?;
    let address = running.ingress.context("ingress has no address")?;
    knows_connection(address).await?;
    let since = SystemClock.now() - Duration::from_secs(1);
    let mut generator = stage.child("load")?;
    let mut counter = Counter::new();
    // The numbers run out before the time does.
    let duration = Duration::from_secs(60);
    let target = Target {
        address,
        connections: 64,
        duration,
        at_most: (plan.replayed as f64 / (plan.warm_up + duration).as_secs_f64()) as u64,
        again: false,
    };
    let filled = load(&mut generator, &mut counter, plan, target).await?;
    generator.stop().await?;

    let door = Door::open(stage, running.ingress_grpc.context("ingress has no door")?).await?;
    let filter = DeliveryFilter {
        provider: "whatsapp_cloud".to_owned(),
        since: Some(puente_proto::timestamp(since)),
        ..DeliveryFilter::default()
    };
    let begin = Instant::now();
    let planned = door.plan(filter.clone()).await?;
    let planning = begin.elapsed();
    let begin = Instant::now();
    let replay = door.replay(filter).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let done = replay.done.unwrap_or_default();
    ensure!(
        done.deliveries == replay.total && done.same == filled.accepted && done.fresh == 0,
        "the replay is not what was sent: {done:?} of {}",
        filled.accepted
    );
    fleet.stop().await?;
    room.leave(stage).await?;

    let mut section = Section::new(
        "Replay",
        "Deliveries that were received as webhooks are replayed: each is translated anew, its events of then are found and \
         compared, and published again with the ids they had. From the order to the end as the service tells it.",
        &["deliveries", "seconds", "per second", "plan (dry run), ms"],
    );
    let rate = replay.total as f64 / seconds;
    section.row([
        replay.total.to_string(),
        format!("{seconds:.1}"),
        format!("{rate:.0}"),
        planning.as_millis().to_string(),
    ]);
    let sampled = planned.unwrap_or_default();
    section.note(format!(
        "The plan before it looked at {} deliveries; the replay found {} events the same, {} different, {} new.",
        sampled.deliveries, done.same, done.different, done.fresh
    ));
    section.verdict(Verdict::at_most(
        "replay of 100,000 deliveries",
        TARGET_DELIVERIES / rate,
        TARGET_SECONDS,
        "s",
        true,
    ));
    Ok(section)
}

/// Where ingress is asked.
struct Door {
    replays: ReplaysClient<Channel>,
    calls: Calls,
    caller: Caller,
}

impl Door {
    async fn open(stage: &Stage, address: std::net::SocketAddr) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?
            .connect()
            .await?;
        let keys = RpcKeys::parse(&stage.rpc_key)?;
        Ok(Self {
            replays: ReplaysClient::new(channel),
            calls: Calls::new(keys, "ingress", Arc::new(SystemClock), DEADLINE),
            caller: Caller {
                scope: Scope::Installation,
                subject: "bench".to_owned(),
                role: "operator".to_owned(),
            },
        })
    }

    async fn plan(&self, filter: DeliveryFilter) -> Result<Option<puente_proto::ingress::ReplayCounts>> {
        let question = PlanReplayRequest { filter: Some(filter) };
        let request = self.calls.request(&self.caller, question)?;
        Ok(self
            .replays
            .clone()
            .plan_replay(request)
            .await?
            .into_inner()
            .counts)
    }

    /// Starts a replay and waits for its end.
    async fn replay(&self, filter: DeliveryFilter) -> Result<Replay> {
        let order = StartReplayRequest {
            filter: Some(filter),
            reason: "a bench".to_owned(),
            idempotency_key: "bench".to_owned(),
        };
        let request = self.calls.request(&self.caller, order)?;
        let started = self
            .replays
            .clone()
            .start_replay(request)
            .await?
            .into_inner()
            .replay;
        let id = started.context("no replay")?.id;
        let begin = Instant::now();
        loop {
            let question = GetReplayRequest { id: id.clone() };
            let request = self.calls.request(&self.caller, question)?;
            let replay = self
                .replays
                .clone()
                .get_replay(request)
                .await?
                .into_inner()
                .replay;
            let replay = replay.context("the replay is gone")?;
            match replay.state.as_str() {
                "done" => return Ok(replay),
                "running" if begin.elapsed() < PATIENCE => tokio::time::sleep(LOOK).await,
                state => bail!("the replay is {state}: {}", replay.error),
            }
        }
    }
}
