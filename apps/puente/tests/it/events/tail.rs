//! What is printed, from when, until when, and over an outage.

use std::time::Duration;

use async_nats::jetstream;
use puente_bus::{Envelope, header, topology};
use puente_testkit::{TestNats, wait_for};
use puente_types::{Clock as _, SystemClock};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use super::broker::{opened, publish, received, send, stream};
use super::reading::Reading;

const PATIENCE: Duration = Duration::from_secs(60);
/// What belongs to the person in the events of these tests.
const PERSONAL: [&str; 4] = ["573001234567", "Ana", "tubería", "Hola"];

fn numbers(lines: &[String]) -> Vec<String> {
    let number = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        let number = event.pointer("/data/number").and_then(Value::as_str);
        number.unwrap_or_default().to_owned()
    };
    lines.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_events_are_printed_as_json_with_their_envelope_and_without_personal_data() {
    let nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    publish(&client, "algesta", &opened("OT-1")).await;
    let reading = Reading::start(&nats.url(), &["orders", "--json"]);
    let id = publish(&client, "algesta", &opened("OT-2")).await;

    let event = reading.event();
    assert_eq!(event["id"], id.to_string(), "only what is new: {event}");
    for (name, expected) in [
        ("subject", "puente.v1.algesta.orders.order.opened"),
        ("tenant", "algesta"),
        ("type", "puente.orders.v1.OrderOpened"),
        ("source", "orders"),
        ("aggregate_id", "a-1"),
        ("cause", "c-1"),
    ] {
        assert_eq!(event[name], expected, "{name}");
    }
    assert_eq!(
        (&event["sequence"], &event["aggregate_version"]),
        (&2.into(), &1.into())
    );
    assert_eq!(
        (&event["replay"], &event["problem"]),
        (&Value::Bool(false), &Value::Null)
    );
    let data = &event["data"];
    assert_eq!(data["number"], "OT-2");
    assert_eq!(data["contact"]["name"], "***");
    assert_eq!(
        data["contact"]["provider"], "",
        "fields that are not set are there"
    );
    for personal in PERSONAL {
        assert!(!event.to_string().contains(personal), "{event}");
    }
    assert_eq!(reading.interrupt().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_lines_that_are_masked_unless_they_ask_to_see_and_controls_are_not_obeyed() {
    let nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    publish(&client, "algesta", &received("Hola \u{1b}[2J\nfalso")).await;
    let read = |more: &[&str]| {
        let arguments = [&["messaging", "--no-follow"], more].concat();
        let (out, _, status) = Reading::launch(&nats.url(), &arguments).all();
        assert_eq!(status.code(), Some(0));
        out
    };
    let masked = read(&[]);
    let text = masked.join("\n");
    for expected in [
        "messaging.message.received",
        "algesta",
        "#1",
        "contact_phone",
        "***",
        "whatsapp_cloud",
    ] {
        assert!(text.contains(expected), "{expected} is missing in:\n{text}");
    }
    for personal in PERSONAL {
        assert!(!text.contains(personal), "{text}");
    }
    let shown = read(&["--reveal"]);
    let text = shown.join("\n");
    assert!(text.contains("+573001234567") && text.contains("Hola"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(shown.len(), masked.len(), "no line was forged:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_begins_at_a_time_or_a_number_and_ends_after_a_count_or_with_what_is_there() {
    let nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    publish(&client, "algesta", &opened("OT-1")).await;
    publish(&client, "norte", &opened("OT-2")).await;
    let between = SystemClock.now().format(&Rfc3339).unwrap();
    publish(&client, "algesta", &opened("OT-3")).await;
    publish(&client, "algesta", &received("Hola")).await;
    let read = |more: &[&str]| {
        let arguments = [&["--json"], more].concat();
        let (out, err, status) = Reading::launch(&nats.url(), &arguments).all();
        assert_eq!((status.code(), err.is_empty()), (Some(0), true), "{err:?}");
        numbers(&out)
    };
    assert_eq!(read(&["--no-follow"]), ["OT-1", "OT-2", "OT-3", ""]);
    assert_eq!(read(&["--since", &between, "--no-follow"]), ["OT-3", ""]);
    assert_eq!(
        read(&["--since", "1h", "--no-follow", "--count", "2"]),
        ["OT-1", "OT-2"]
    );
    assert_eq!(
        read(&["--from-seq", "2", "--no-follow", "orders"]),
        ["OT-2", "OT-3"]
    );
    assert_eq!(read(&["--no-follow", "--tenant", "norte"]), ["OT-2"]);
    assert_eq!(
        read(&["--no-follow", "--type", "OrderOpened", "--count", "1"]),
        ["OT-1"]
    );
    assert!(read(&["--no-follow", "--tenant", "nobody"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_goes_on_over_a_crash_of_the_broker_without_gap_or_repetition() {
    let mut nats = TestNats::start().await;
    stream(&nats.client().await).await;
    let reading = Reading::start(&nats.url(), &["orders", "--json", "--since", "1h"]);
    let fresh = Reading::start(&nats.url(), &["orders", "--json"]);
    publish(&nats.client().await, "algesta", &opened("OT-1")).await;
    assert_eq!(reading.event()["data"]["number"], "OT-1");
    assert_eq!(fresh.event()["data"]["number"], "OT-1");
    for round in [2, 4] {
        nats.kill9().await;
        nats.start_again().await;
        let client = nats.client().await;
        let (one, other) = (format!("OT-{round}"), format!("OT-{}", round + 1));
        publish(&client, "algesta", &opened(&one)).await;
        publish(&client, "algesta", &opened(&other)).await;
        for reading in [&reading, &fresh] {
            assert_eq!(reading.event()["data"]["number"], one);
            assert_eq!(reading.event()["data"]["number"], other);
        }
    }
    assert_eq!(reading.interrupt().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_the_first_event_was_seen_is_not_missed_by_a_reading_that_was_interrupted() {
    let mut nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    publish(&client, "algesta", &opened("OT-0")).await;
    let reading = Reading::start(&nats.url(), &["orders", "--json"]);
    nats.kill9().await;
    nats.start_again().await;
    publish(&nats.client().await, "algesta", &opened("OT-1")).await;
    assert_eq!(reading.event()["data"]["number"], "OT-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lost_its_disk_is_told_and_read_from_its_new_beginning() {
    let mut nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    let reading = Reading::start(&nats.url(), &["orders", "--json"]);
    for number in ["OT-1", "OT-2", "OT-3"] {
        publish(&client, "algesta", &opened(number)).await;
        assert_eq!(reading.event()["data"]["number"], number);
    }
    nats.stop().await;
    nats.start_again_empty().await;
    let client = nats.client().await;
    stream(&client).await;
    publish(&client, "algesta", &opened("OT-3")).await;
    let event = reading.event();
    assert_eq!(
        (&event["data"]["number"], &event["sequence"]),
        (&"OT-3".into(), &1.into())
    );
    while !reading.said().contains("filled anew") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_in_the_broker_also_after_a_kill() {
    let nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    let reading = Reading::start(&nats.url(), &["orders"]);
    let consumers = async || {
        let mut stream = jetstream::new(client.clone())
            .get_stream(topology::EVENTS)
            .await
            .unwrap();
        stream.info().await.unwrap().state.consumer_count
    };
    assert_eq!(consumers().await, 1);
    drop(reading); // kills
    wait_for("the consumer to be forgotten", PATIENCE, async || {
        consumers().await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replays_are_told_and_what_is_no_event_is_told_without_its_payload() {
    let nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    publish(&client, "algesta", &opened("OT-1")).await;
    let mut replayed = Envelope {
        id: puente_types::EventId::new(),
        tenant: "algesta".parse().unwrap(),
        event: puente_proto::find("puente.orders.v1.OrderOpened").unwrap(),
        source: "orders".to_owned(),
        aggregate_id: "a-1".to_owned(),
        aggregate_version: None,
        cause: None,
        traceparent: None,
        occurred_at: SystemClock.now(),
        replay: true,
        payload: bytes::Bytes::new(),
    };
    send(&client, &replayed).await;
    replayed.id = puente_types::EventId::new();
    replayed.payload = bytes::Bytes::from_static(b"\xff\xffAna 573001234567");
    send(&client, &replayed).await;
    let mut headers = replayed.headers();
    headers.insert(header::TYPE, "puente.later.v1.NotKnownYet");
    headers.insert(async_nats::header::NATS_MESSAGE_ID, "other");
    let js = jetstream::new(client.clone());
    js.publish_with_headers("puente.v1.algesta.later.thing.happened", headers, "Ana".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let (out, _, _) = Reading::launch(&nats.url(), &["--json", "--no-follow", "--reveal"]).all();
    let events: Vec<Value> = out
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 4);
    assert_eq!(
        (&events[0]["replay"], &events[1]["replay"]),
        (&Value::Bool(false), &Value::Bool(true))
    );
    for (at, reason) in [
        (2, "no valid puente.orders.v1.OrderOpened"),
        (3, "unknown event type"),
    ] {
        assert_eq!(events[at]["data"], Value::Null);
        let problem = events[at]["problem"].as_str().unwrap();
        assert!(
            problem.contains(reason) && !out[at].contains("Ana"),
            "{}",
            out[at]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_it() {
    let nats = TestNats::start().await;
    let client = nats.client().await;
    stream(&client).await;
    for number in 0..2_000 {
        publish(&client, "algesta", &opened(&format!("OT-{number}"))).await;
    }
    let script = format!(
        "{} events tail --nats-url {} --json --since 1h | head -n 1 | wc -l",
        env!("CARGO_BIN_EXE_puente"),
        nats.url()
    );
    let ended = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .output()
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stdout).trim(), "1");
}
