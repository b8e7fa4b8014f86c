//! `puente deliveries list|show`.

use puente_proto::ingress::Delivery;
use serde_json::Value;

use super::fake::{Fake, Has, at, ingress};

fn delivery(number: i64) -> Delivery {
    Delivery {
        id: format!("d-{number}"),
        tenant: "algesta".to_owned(),
        provider: "jelou".to_owned(),
        connection: "algesta-whatsapp".to_owned(),
        received_at: at(1_700_000_000 + number),
        receipt_sequence: number,
        verification: "verified".to_owned(),
        outcome: "accepted".to_owned(),
        events: 2,
        body_bytes: 31,
        ..Delivery::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_over_pages_up_to_the_limit_and_the_filter_reaches_ingress() {
    let fake = Fake::start(
        "ingress",
        Has {
            deliveries: (0..250).map(delivery).collect(),
            ..Has::default()
        },
    )
    .await;
    let fleet = ingress(&fake);
    let ran = fleet
        .run(&["deliveries", "list", "--limit", "220", "--json"])
        .await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 220);
    assert_eq!(
        (&lines[219]["id"], &lines[219]["events"]),
        (&"d-219".into(), &2.into())
    );
    assert_eq!(lines[0]["received_at"], "2023-11-14T22:13:20Z");
    assert_eq!(fake.asked().len(), 3);

    let filter = [
        "--provider",
        "jelou",
        "--connection",
        "c",
        "--outcome",
        "refused",
        "--outcome",
        "malformed",
        "--since",
        "2026-01-31T08:00:00Z",
        "--until",
        "1h",
        "--trace",
        "0af7651916cd43dd8448eb211c80319c",
    ];
    let ran = fleet
        .run(&[&["deliveries", "list", "--limit", "1"], &filter[..]].concat())
        .await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("2023-11-14T22:13:20Z") && ran.out.contains("d-0"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("older"), "{}", ran.err);
    let asked = fake.asked().pop().unwrap();
    for expected in [
        r#"provider: "jelou""#,
        r#"connection: "c""#,
        r#"["refused", "malformed"]"#,
        "1769846400",
        "page_size: 1,",
        "0af7",
    ] {
        assert!(asked.contains(expected), "{expected} is missing in {asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_shown_without_its_body_unless_that_is_asked_for_and_controls_are_not_obeyed() {
    let fake = Fake::start(
        "ingress",
        Has {
            deliveries: vec![delivery(7)],
            ..Has::default()
        },
    )
    .await;
    let fleet = ingress(&fake);
    let ran = fleet.run(&["deliveries", "show", "d-7"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    for expected in [
        "algesta-whatsapp",
        "content-type",
        "e-1, e-2",
        "SHA-256 ab12",
        "--body",
    ] {
        assert!(
            ran.out.contains(expected),
            "{expected} is missing in:\n{}",
            ran.out
        );
    }
    assert!(!ran.out.contains("Hola"), "{}", ran.out);
    let ran = fleet.run(&["deliveries", "show", "d-7", "--body"]).await;
    assert!(
        ran.out.contains("Hola") && !ran.out.contains('\u{1b}'),
        "{}",
        ran.out
    );
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let ran = fleet.run(&["deliveries", "show", "d-7", "--json"]).await;
    assert_eq!(
        (&json(&ran.out)["body"], &json(&ran.out)["delivery"]["id"]),
        (&Value::Null, &"d-7".into())
    );
    let ran = fleet
        .run(&["deliveries", "show", "d-7", "--json", "--body"])
        .await;
    assert!(json(&ran.out)["body"].is_string(), "base64");

    let ran = fleet.run(&["deliveries", "show", "d-8"]).await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: ingress: there is no such delivery\n")
    );
}
