//! `puente effects`: what is in doubt, and a person's decision.

use puente_proto::operations::Effect;
use serde_json::Value;

use super::fake::{Fake, Fleet, Has, at};

fn effect(id: &str, state: &str, created_at: i64) -> Effect {
    Effect {
        id: id.to_owned(),
        tenant: "algesta".to_owned(),
        provider: "whatsapp_cloud".to_owned(),
        operation: "send_message".to_owned(),
        state: state.to_owned(),
        attempts: 1,
        created_at: at(created_at),
        payload_redacted: r#"{"to":"***"}"#.to_owned(),
        ..Effect::default()
    }
}

async fn fleet() -> (Fake, Fleet) {
    let effects = vec![effect("f-2", "unknown", 20), effect("f-1", "done", 10)];
    let notifications = Fake::start(
        "notifications",
        Has {
            effects,
            ..Has::default()
        },
    )
    .await;
    let orders = Fake::start("orders", Has::default()).await;
    let fleet = Fleet::default()
        .with("PUENTE_NOTIFICATIONS_GRPC", notifications.url())
        .with("PUENTE_ORDERS_GRPC", orders.url());
    (notifications, fleet)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_and_shown_with_the_service_that_makes_them() {
    let (notifications, fleet) = fleet().await;
    let ran = fleet.run(&["effects", "list"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.contains("1 in doubt") && ran.out.contains("f-2"),
        "{}",
        ran.out
    );
    let ran = fleet
        .run(&[
            "effects",
            "list",
            "--json",
            "--state",
            "unknown",
            "--state",
            "failed",
            "--provider",
            "p",
            "--subject",
            "s",
        ])
        .await;
    let first: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["id"], &first["service"]),
        (&"f-2".into(), &"notifications".into())
    );
    let asked = notifications.asked().pop().unwrap();
    for expected in [
        r#"["unknown", "failed"]"#,
        r#"provider: "p""#,
        r#"subject_id: "s""#,
    ] {
        assert!(asked.contains(expected), "{asked}");
    }
    let ran = fleet.run(&["effects", "show", "f-1"]).await;
    assert!(
        ran.code == 0 && ran.out.contains(r#"{"to":"***"}"#),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_reaches_the_service_that_has_the_call_with_its_reason() {
    let (notifications, fleet) = fleet().await;
    for (decision, expected) in [("--repeat", 1), ("--confirm", 2), ("--close", 3)] {
        let ran = fleet
            .run(&[
                "effects",
                "resolve",
                "f-2",
                decision,
                "--reason",
                "looked at their log",
            ])
            .await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{decision}");
        let asked = notifications.asked().pop().unwrap();
        assert!(asked.contains("looked at their log"), "{asked}");
        let names = ["", "Repeat", "Confirm", "Close"];
        assert!(asked.contains(names[expected]), "{decision}: {asked}");
    }
    let ran = fleet
        .run(&["effects", "resolve", "f-1", "--close", "--reason", "not wanted"])
        .await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: notifications: the call is not in doubt\n")
    );
    let ran = fleet
        .run(&["effects", "resolve", "f-9", "--close", "--reason", "not wanted"])
        .await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: there is no effect f-9\n")
    );
    for arguments in [
        &["--reason", "not wanted"][..],
        &["--repeat", "--close", "--reason", "not wanted"],
        &["--repeat"],
    ] {
        let ran = fleet
            .run(&[&["effects", "resolve", "f-2"], arguments].concat())
            .await;
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
    }
}
