//! `puente deliveries replay`: first the difference, then a yes, then the way to the end.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use puente_proto::ingress::{PlanReplayResponse, Replay, ReplayCounts, ReplayDifference};
use puente_testkit::wait_for;
use serde_json::Value;

use super::fake::{Fake, Has, KEY, ingress};

const PATIENCE: Duration = Duration::from_secs(60);

fn counts(deliveries: u64) -> Option<ReplayCounts> {
    Some(ReplayCounts {
        deliveries,
        same: 40,
        different: 3,
        fresh: 2,
        skipped: 1,
    })
}

fn has() -> Has {
    Has {
        plan: PlanReplayResponse {
            counts: counts(46),
            differences: vec![ReplayDifference {
                delivery_id: "d-1".to_owned(),
                event_id: "e-1".to_owned(),
                r#type: "puente.messaging.v1.MessageReceived".to_owned(),
                fields: vec!["text".to_owned(), "kind".to_owned()],
            }],
            sampled: false,
        },
        replay: Replay {
            id: "r-1".to_owned(),
            state: "running".to_owned(),
            total: 46,
            done: counts(46),
            ..Replay::default()
        },
        looks_left: 2,
        ..Has::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_counts_and_differences_and_starts_nothing() {
    let fake = Fake::start("ingress", has()).await;
    let ran = ingress(&fake)
        .run(&["deliveries", "replay", "--since", "1h", "--dry-run"])
        .await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for expected in [
        "46",
        "deliveries",
        "40",
        "exactly as then",
        "d-1",
        "e-1",
        "text, kind",
    ] {
        assert!(
            ran.out.contains(expected),
            "{expected} is missing in:\n{}",
            ran.out
        );
    }
    let asked = fake.asked();
    assert!(
        asked.len() == 1 && asked[0].starts_with("PlanReplayRequest"),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_reason_and_a_yes_exactly_what_was_planned_is_done_to_the_end() {
    let fake = Fake::start("ingress", has()).await;
    let arguments = [
        "deliveries",
        "replay",
        "--since",
        "1h",
        "--provider",
        "jelou",
        "--reason",
        "adapter mended",
        "--yes",
        "--json",
    ];
    let ran = ingress(&fake).run(&arguments).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["plan"]["counts"]["different"], "3");
    assert_eq!(
        (&lines[1]["replay"]["state"], &lines[1]["replay"]["reason"]),
        (&"done".into(), &"adapter mended".into())
    );
    let asked = fake.asked();
    let filter = |text: &str| {
        let (_, filter) = text.split_once("filter: ").unwrap();
        filter
            .split(" }),")
            .next()
            .unwrap()
            .trim_end_matches(" })")
            .to_owned()
    };
    assert!(
        asked[0].contains("until: Some"),
        "the end is fixed before the plan: {}",
        asked[0]
    );
    assert!(filter(&asked[0]).starts_with(&filter(&asked[1])), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_since_reason_or_somebody_to_ask_nothing_is_started() {
    let fake = Fake::start("ingress", has()).await;
    for (arguments, told) in [
        (&["--reason", "adapter mended"][..], "--since"),
        (&["--since", "1h"], "--reason"),
        (&["--since", "1h", "--reason", "adapter mended"], "--yes"),
        (&["--since", "1h", "--follow", "r-1"], "cannot be used with"),
    ] {
        let ran = ingress(&fake)
            .run(&[&["deliveries", "replay"], arguments].concat())
            .await;
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
    }
    assert!(
        fake.asked()
            .iter()
            .all(|asked| asked.starts_with("PlanReplayRequest")),
        "{:?}",
        fake.asked()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_followed_cancelled_and_its_failure_is_the_commands() {
    let fake = Fake::start("ingress", has()).await;
    let fleet = ingress(&fake);
    let ran = fleet.run(&["deliveries", "replay", "--follow", "r-1"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("replay r-1 done") && ran.out.contains("46"),
        "{}",
        ran.out
    );
    let ran = fleet.run(&["deliveries", "replay", "--follow", "r-2"]).await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: ingress: there is no such replay\n")
    );
    let ran = fleet.run(&["deliveries", "replay", "--cancel", "r-1"]).await;
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("cancelled") && fake.asked().last().unwrap().starts_with("CancelReplayRequest"),
        "{}",
        ran.err
    );

    let mut broken = has();
    broken.replay.state = "failed".to_owned();
    broken.replay.error = "the disk is full".to_owned();
    let fake = Fake::start("ingress", broken).await;
    let ran = ingress(&fake)
        .run(&["deliveries", "replay", "--follow", "r-1"])
        .await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: the replay failed: the disk is full\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_leaves_the_replay_running_and_says_how_to_follow_or_stop_it() {
    let fake = Fake::start(
        "ingress",
        Has {
            looks_left: u32::MAX,
            ..has()
        },
    )
    .await;
    let child = Command::new(env!("CARGO_BIN_EXE_puente"))
        .args([
            "deliveries",
            "replay",
            "--since",
            "1h",
            "--reason",
            "adapter mended",
            "--yes",
        ])
        .env_clear()
        .env("PUENTE_INGRESS_GRPC", fake.url())
        .env("PUENTE_RPC_KEY", KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let looks = async || {
        fake.asked()
            .iter()
            .any(|asked| asked.starts_with("GetReplayRequest"))
    };
    wait_for("the replay to be looked at", PATIENCE, looks).await;
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("--follow r-1") && said.contains("--cancel r-1"),
        "{said}"
    );
    assert!(!fake.asked().iter().any(|asked| asked.starts_with("Cancel")));
}
