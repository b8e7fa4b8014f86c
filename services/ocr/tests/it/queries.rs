//! What callers are told.

use puente_proto::ocr::{
    CountCapturesRequest, GetAccuracyRequest, ListCapturesRequest, ListSamplesRequest, WriteSerialRequest,
};
use tonic::Code;

use crate::support::{Asking, Eyes, Reply, Stage, new_id};

async fn listed(ask: &Asking, question: ListCapturesRequest) -> (Vec<String>, String) {
    let answer = ask.queries.clone().list_captures(ask.signed(question)).await;
    let answer = answer.unwrap().into_inner();
    let ids = answer.captures.into_iter().map(|capture| capture.capture_id);
    (ids.collect(), answer.next_cursor)
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_are_listed_in_parts_both_ways_and_filtered() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    let mut ids = Vec::new();
    for serial in ["AAA111111", "BBB222222", "CCC333333"] {
        Eyes::will("eye_a", &[Reply::Serial(serial, 0.4)]);
        let id = new_id();
        stage.photo(&id, 1).await;
        stage.state(&id, "PorConfirmar").await;
        ids.push(id);
    }
    for oldest_first in [false, true] {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let question = ListCapturesRequest {
                page_size: 2,
                cursor,
                oldest_first,
                states: vec!["PorConfirmar".into(), "Ilegible".into()],
                ..ListCapturesRequest::default()
            };
            let (part, next) = listed(&ask, question).await;
            found.extend(part);
            if next.is_empty() {
                break;
            }
            cursor = next;
        }
        let mut expected = ids.clone();
        if !oldest_first {
            expected.reverse();
        }
        assert_eq!(found, expected);
    }
    let by_serial = ListCapturesRequest {
        serial: "bbb-222 222".to_owned(),
        ..ListCapturesRequest::default()
    };
    assert_eq!(listed(&ask, by_serial).await.0, [ids[1].clone()]);
    let none = ListCapturesRequest {
        serial: "---".to_owned(),
        ..ListCapturesRequest::default()
    };
    assert!(listed(&ask, none).await.0.is_empty());
    let counts = ask
        .queries
        .clone()
        .count_captures(ask.signed(CountCapturesRequest {}))
        .await;
    let counts = counts.unwrap().into_inner();
    assert_eq!((counts.waiting, counts.by_state["PorConfirmar"]), (3, 3));
    let wrong = ListCapturesRequest {
        states: vec!["Nope".into()],
        ..ListCapturesRequest::default()
    };
    let refused = ask
        .queries
        .clone()
        .list_captures(ask.signed(wrong))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn serials_that_are_nearly_the_same_are_shown_nearest_first() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    for serial in ["ABC123457", "ABC123499", "XYZ987654"] {
        stage.words(&new_id(), 1, serial).await;
    }
    puente_testkit::wait_for("the serials", crate::support::PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM plate_captures WHERE state = 'EscritoAMano'")
            .await
            == 3
    })
    .await;
    let id = new_id();
    stage.photo(&id, 1).await;
    stage.state(&id, "Leido").await;
    let similar = ask.get(&id).await.unwrap().similar;
    let shown: Vec<_> = similar
        .iter()
        .map(|similar| (similar.serial.as_str(), similar.distance))
        .collect();
    assert_eq!(shown, [("ABC123457", 1), ("ABC123499", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_and_the_report_tell_what_was_read_against_what_people_said() {
    let stage = Stage::set().await;
    let ask = Asking::of(&stage, "acme").await;
    // One that was right, one that was wrong, one that was sure, one that nobody can read.
    for (reply, answer) in [
        (Reply::Serial("AAA111111", 0.4), "sí"),
        (Reply::Serial("BBB222222", 0.4), "BBB222223"),
        (Reply::Serial("CCC333333", 0.999), ""),
        (Reply::Nothing, "ilegible"),
    ] {
        Eyes::will("eye_a", &[reply]);
        let id = new_id();
        stage.photo(&id, 1).await;
        stage.becomes(&id, |seen| seen.state != "Leyendo").await;
        if !answer.is_empty() {
            stage.words(&id, 2, answer).await;
            stage.worked(&id, 2).await;
        }
    }
    let mut serials = Vec::new();
    let mut cursor = String::new();
    loop {
        let question = ListSamplesRequest {
            page_size: 2,
            cursor,
            mistaken_only: false,
        };
        let part = ask.queries.clone().list_samples(ask.signed(question)).await;
        let part = part.unwrap().into_inner();
        serials.extend(
            part.samples
                .into_iter()
                .map(|sample| (sample.serial, sample.origin, sample.read)),
        );
        cursor = part.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    let of = |serial: &str, origin: &str, read: &str| (serial.to_owned(), origin.to_owned(), read.to_owned());
    assert_eq!(
        serials,
        [
            of("AAA111111", "confirmed", "AAA111111"),
            of("BBB222223", "corrected", "BBB222222"),
            of("CCC333333", "read", "CCC333333"),
        ]
    );
    let question = ListSamplesRequest {
        mistaken_only: true,
        ..ListSamplesRequest::default()
    };
    let mistaken = ask
        .queries
        .clone()
        .list_samples(ask.signed(question))
        .await
        .unwrap();
    let mistaken = mistaken.into_inner().samples;
    assert_eq!(mistaken.len(), 1);
    assert!(mistaken[0].label.starts_with("S/N"));
    assert_eq!(mistaken[0].photo.as_ref().unwrap().container, "assets");
    let report = ask
        .queries
        .clone()
        .get_accuracy(ask.signed(GetAccuracyRequest { days: 0 }))
        .await;
    let rows = report.unwrap().into_inner().rows;
    assert_eq!(
        (rows[0].group.as_str(), rows[0].judged, rows[0].exact),
        ("all", 2, 1)
    );
    assert_eq!(
        (rows[1].group.as_str(), rows[1].name.as_str()),
        ("engine", "eye_a")
    );
    assert_eq!(rows.last().unwrap().group, "day");
    let too_long = ask
        .queries
        .clone()
        .get_accuracy(ask.signed(GetAccuracyRequest { days: 367 }))
        .await;
    assert_eq!(too_long.unwrap_err().code(), Code::InvalidArgument);
    let refused = ask
        .commands
        .clone()
        .write_serial(ask.signed(WriteSerialRequest {
            capture_id: new_id(),
            version: 0,
            serial: "ABC123456".to_owned(),
            idempotency_key: new_id(),
        }))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
}
