//! Dead letters: listed in pages that hold still, shown to their tenant, closed for good.

use puente_proto::operations::{
    CloseDeadLetterRequest, DeadLetter, GetDeadLetterRequest, ListDeadLettersRequest, ListDeadLettersResponse,
};
use sqlx::types::Uuid;
use tonic::{Code, Status};

use crate::support::{Asking, SERVICE, Stage, ask, code};

/// Letters of a tenant that were given up one second after the other, the first one `from` seconds ago.
async fn bury(stage: &Stage, tenant: &str, count: i32, from: i32) {
    sqlx::query(
        "INSERT INTO dead_letters (event_id, consumer, tenant, subject, type, aggregate_id, occurred_at, payload, reason,
                                   attempts, dead_at, traceparent)
         SELECT gen_random_uuid(), 'mechanism', $1, 'puente.v1.x', CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, n::text, now(),
                '\\x0102', 'why ' || n, 3, now() - ($3 - n) * interval '1 second',
                '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
         FROM generate_series(1, $2) AS n",
    )
    .bind(tenant)
    .bind(count)
    .bind(from)
    .execute(&stage.pool)
    .await
    .unwrap();
}

async fn list(asking: &Asking, page_size: u32, cursor: &str) -> Result<ListDeadLettersResponse, Status> {
    let question = ListDeadLettersRequest {
        page_size,
        cursor: cursor.to_owned(),
        ..ListDeadLettersRequest::default()
    };
    ask!(asking, list_dead_letters, question)
}

async fn get(asking: &Asking, letter: &DeadLetter) -> Result<DeadLetter, Status> {
    let question = GetDeadLetterRequest {
        event_id: letter.event_id.clone(),
        consumer: letter.consumer.clone(),
    };
    ask!(asking, get_dead_letter, question).map(|answer| answer.letter.unwrap())
}

async fn close(asking: &Asking, letter: &DeadLetter, reason: &str) -> Result<(), Status> {
    let command = CloseDeadLetterRequest {
        event_id: letter.event_id.clone(),
        consumer: letter.consumer.clone(),
        reason: reason.to_owned(),
    };
    ask!(asking, close_dead_letter, command).map(drop)
}

fn aggregates(page: &ListDeadLettersResponse) -> Vec<&str> {
    page.letters
        .iter()
        .map(|letter| letter.aggregate_id.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_newest_first_also_while_letters_come() {
    let stage = Stage::set().await;
    bury(&stage, "acme", 120, 500).await;
    // Given up at the same moment: the order among them is the same in every answer.
    stage
        .run("UPDATE dead_letters SET dead_at = date_trunc('minute', dead_at)")
        .await;
    let acme = stage.of("acme");
    let whole = list(&acme, 100, "").await.unwrap();
    let first = list(&acme, 50, "").await.unwrap();
    bury(&stage, "acme", 7, 10).await;
    let second = list(&acme, 50, &first.next_cursor).await.unwrap();
    let third = list(&acme, 50, &second.next_cursor).await.unwrap();
    assert_eq!(third.next_cursor, "", "nothing older is left");
    let seen: Vec<&str> = [&first, &second, &third]
        .into_iter()
        .flat_map(aggregates)
        .collect();
    assert_eq!(seen.get(..100), Some(aggregates(&whole).as_slice()));
    let mut numbers: Vec<u32> = seen.iter().map(|n| n.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=120).collect::<Vec<_>>(), "each once");
    assert_eq!((whole.waiting, second.waiting), (120, 127));
    assert_eq!(
        list(&acme, 0, "").await.unwrap().letters.len(),
        50,
        "the usual size"
    );
    assert_eq!(
        list(&acme, 9999, "").await.unwrap().letters.len(),
        100,
        "the largest"
    );
    let times: Vec<_> = whole
        .letters
        .iter()
        .map(|letter| letter.dead_at.unwrap().seconds)
        .collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_its_own_letters_and_the_installation_also_those_that_were_no_event() {
    let stage = Stage::set().await;
    bury(&stage, "acme", 3, 100).await;
    bury(&stage, "norte", 2, 100).await;
    bury(&stage, "unknown", 1, 100).await;
    let (acme, norte, all) = (stage.of("acme"), stage.of("norte"), stage.operator());
    let theirs = list(&acme, 0, "").await.unwrap();
    assert_eq!((theirs.letters.len(), theirs.waiting), (3, 3));
    for letter in &theirs.letters {
        assert!(letter.payload.is_empty(), "not in a list");
        assert_eq!(letter.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(get(&acme, letter).await.unwrap().payload, [1, 2]);
        assert_eq!(code(get(&norte, letter).await), Code::NotFound);
        assert_eq!(code(close(&norte, letter, "not ours").await), Code::NotFound);
    }
    let everything = list(&all, 0, "").await.unwrap();
    assert_eq!((everything.letters.len(), everything.waiting), (6, 6));
    let odd = ListDeadLettersRequest {
        r#type: "odd".into(),
        ..ListDeadLettersRequest::default()
    };
    let odd = ask!(acme, list_dead_letters, odd).unwrap();
    assert_eq!((aggregates(&odd), odd.waiting), (vec!["3", "1"], 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_letter_waits_for_nobody_and_its_event_is_never_worked() {
    let stage = Stage::set().await;
    bury(&stage, "acme", 2, 100).await;
    let acme = stage.of("acme");
    let letter = list(&acme, 0, "").await.unwrap().letters.remove(0);
    for reason in ["no", "  a  ", "", &"x".repeat(501), "a\0bc"] {
        assert_eq!(
            code(close(&acme, &letter, reason).await),
            Code::InvalidArgument,
            "{reason:?}"
        );
    }
    close(&acme, &letter, "  the client has gone ").await.unwrap();
    assert_eq!(
        code(close(&acme, &letter, "the client has gone").await),
        Code::FailedPrecondition
    );
    let left = list(&acme, 0, "").await.unwrap();
    assert_eq!((left.letters.len(), left.waiting), (1, 1));
    let closed = get(&acme, &letter).await.unwrap();
    assert_eq!(
        (
            closed.resolution.as_str(),
            closed.resolved_by.as_str(),
            closed.resolution_reason.as_str()
        ),
        ("closed", "user-7", "the client has gone")
    );
    assert!(closed.resolved_at.is_some());
    let marked: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE event_id = $1 AND consumer = $2")
        .bind(Uuid::try_parse(&letter.event_id).unwrap())
        .bind(SERVICE)
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(marked, 1, "a later delivery finds it handled");
    let also = ListDeadLettersRequest {
        resolved: true,
        ..ListDeadLettersRequest::default()
    };
    let also = ask!(acme, list_dead_letters, also).unwrap();
    assert_eq!((also.letters.len(), also.waiting), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_or_form_is_refused() {
    let stage = Stage::set().await;
    let acme = stage.of("acme");
    for cursor in ["x", "AQ", "AWwAAA", "AWUAAAAAAAAAAAAAAAAAAAAA", "AgAAAAAAAAAB"] {
        assert_eq!(
            code(list(&acme, 0, cursor).await),
            Code::InvalidArgument,
            "{cursor}"
        );
    }
}
