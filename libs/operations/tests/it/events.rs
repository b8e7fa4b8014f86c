//! Published events: found by their keys, shown to their tenant.

use puente_proto::operations::list_events_request::Key;
use puente_proto::operations::{EventIds, ListEventsRequest, ListEventsResponse, PublishedEvent};
use sqlx::types::Uuid;
use tonic::{Code, Status};

use crate::support::{Asking, SERVICE, Stage, ask, code, connect, readers, serve};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn publish(
    stage: &Stage,
    tenant: &str,
    aggregate: &str,
    trace: &str,
    cause: &str,
    bytes: usize,
) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO outbox (slot, id, tenant, type, aggregate_id, aggregate_version, cause, traceparent, payload, created_at)
         VALUES (1, $1, $2, 'puente.orders.v1.OrderOpened', $3, 1, $4, '00-' || $5 || '-00f067aa0ba902b7-01', $6, clock_timestamp())",
    )
    .bind(id)
    .bind(tenant)
    .bind(aggregate)
    .bind(cause)
    .bind(trace)
    .bind(vec![7_u8; bytes])
    .execute(&stage.pool)
    .await
    .unwrap();
    id
}

async fn list(asking: &Asking, key: Option<Key>, limit: u32) -> Result<Vec<PublishedEvent>, Status> {
    page(asking, key, limit, "").await.map(|answer| answer.events)
}

async fn page(
    asking: &Asking,
    key: Option<Key>,
    limit: u32,
    cursor: &str,
) -> Result<ListEventsResponse, Status> {
    let cursor = cursor.to_owned();
    ask!(asking, list_events, ListEventsRequest { key, limit, cursor })
}

/// All events of an aggregate, in pages of so many; and how many pages there were.
async fn all(asking: &Asking, aggregate: &str, limit: u32) -> (Vec<PublishedEvent>, usize) {
    let (mut events, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    while pages == 0 || !cursor.is_empty() {
        let key = Some(Key::AggregateId(aggregate.to_owned()));
        let found = page(asking, key, limit, &cursor).await.unwrap();
        events.extend(found.events);
        cursor = found.next_cursor;
        pages += 1;
    }
    (events, pages)
}

fn ids(events: &[PublishedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

fn by_ids(ids: &[Uuid]) -> Option<Key> {
    let ids = ids.iter().map(ToString::to_string).collect();
    Some(Key::Ids(EventIds { ids }))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_aggregate_trace_cause_and_ids_oldest_first_and_by_their_tenant_alone() {
    let stage = Stage::set().await;
    let other_trace = "0".repeat(31) + "1";
    let one = publish(&stage, "acme", "o1", TRACE, "c1", 3).await;
    let two = publish(&stage, "acme", "o1", &other_trace, "c2", 0).await;
    let three = publish(&stage, "acme", "o2", TRACE, "c2", 0).await;
    let theirs = publish(&stage, "norte", "o1", TRACE, "c2", 0).await;
    let (acme, norte, all) = (stage.of("acme"), stage.of("norte"), stage.operator());
    let text = |ids: &[Uuid]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let everything = by_ids(&[theirs, three, two, one]);
    for (key, of_acme, of_norte) in [
        (Some(Key::AggregateId("o1".into())), vec![one, two], vec![theirs]),
        (Some(Key::TraceId(TRACE.into())), vec![one, three], vec![theirs]),
        (Some(Key::Cause("c2".into())), vec![two, three], vec![theirs]),
        (everything, vec![one, two, three], vec![theirs]),
    ] {
        let found = list(&acme, key.clone(), 0).await.unwrap();
        assert_eq!(ids(&found), text(&of_acme), "{key:?}");
        let found = list(&norte, key.clone(), 0).await.unwrap();
        assert_eq!(ids(&found), text(&of_norte), "{key:?}");
        let found = list(&all, key.clone(), 0).await.unwrap();
        assert_eq!(found.len(), of_acme.len() + of_norte.len(), "{key:?}");
    }
    let first = list(&acme, by_ids(&[one]), 0).await.unwrap().remove(0);
    assert_eq!(
        (
            first.tenant.as_str(),
            first.source.as_str(),
            first.trace_id.as_str()
        ),
        ("acme", SERVICE, TRACE)
    );
    assert_eq!(
        (first.payload, first.cause.as_str(), first.aggregate_version),
        (vec![7, 7, 7], "c1", Some(1))
    );
    assert!(first.committed_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_bounds_in_events_and_in_bytes() {
    let stage = Stage::set().await;
    for _ in 0..5 {
        publish(&stage, "acme", "o1", TRACE, "c", 1024 * 1024).await;
    }
    let acme = stage.of("acme");
    let key = || Some(Key::AggregateId("o1".into()));
    assert_eq!(list(&acme, key(), 2).await.unwrap().len(), 2);
    assert_eq!(
        list(&acme, key(), 0).await.unwrap().len(),
        3,
        "three of a mebibyte are enough"
    );
    sqlx::query(
        "INSERT INTO outbox (slot, id, tenant, type, aggregate_id, payload)
         SELECT 1, gen_random_uuid(), 'acme', 'x', 'many', '' FROM generate_series(1, 510)",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    let many = || Some(Key::AggregateId("many".into()));
    assert_eq!(list(&acme, many(), 0).await.unwrap().len(), 100);
    assert_eq!(list(&acme, many(), u32::MAX).await.unwrap().len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_early_says_where_it_goes_on_and_nothing_is_left_out_or_told_twice() {
    let stage = Stage::set().await;
    for _ in 0..5 {
        publish(&stage, "acme", "o1", TRACE, "c", 1024 * 1024).await;
    }
    // Larger than an answer may be: it is told alone.
    publish(&stage, "acme", "o1", TRACE, "c", 7 * 512 * 1024).await;
    publish(&stage, "norte", "o1", TRACE, "c", 0).await;
    let acme = stage.of("acme");
    let (events, pages) = all(&acme, "o1", 0).await;
    assert_eq!((events.len(), pages), (6, 3), "three, two and one");
    // One transaction: all have the same moment.
    stage
        .run(
            "INSERT INTO outbox (slot, id, tenant, type, aggregate_id, payload)
             SELECT 1, gen_random_uuid(), 'acme', 'x', 'many', '' FROM generate_series(1, 7)",
        )
        .await;
    let (whole, _) = all(&acme, "many", 0).await;
    for (limit, expected) in [(1, 7), (3, 3), (7, 1)] {
        let (events, pages) = all(&acme, "many", limit).await;
        assert_eq!((&events, pages), (&whole, expected), "{limit}");
    }
    let places: Vec<i64> = whole.iter().map(|event| event.seq).collect();
    assert!(
        places.is_sorted()
            && whole
                .iter()
                .all(|event| event.committed_at == whole[0].committed_at)
    );
    let key = || Some(Key::AggregateId("many".into()));
    assert_eq!(code(page(&acme, key(), 1, "x").await), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_without_sense_are_refused() {
    let stage = Stage::set().await;
    let acme = stage.of("acme");
    for key in [
        None,
        Some(Key::AggregateId(String::new())),
        Some(Key::TraceId(TRACE.to_uppercase())),
        Some(Key::TraceId("4bf9".into())),
        Some(Key::Ids(EventIds {
            ids: vec!["1' OR '1'='1".into()],
        })),
        by_ids(&[Uuid::nil(); 101]),
    ] {
        assert_eq!(
            code(list(&acme, key.clone(), 0).await),
            Code::InvalidArgument,
            "{key:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_the_indexes_says_so() {
    let stage = Stage::set().await;
    let (url, _serving) = serve(puente_operations::Operations::new(SERVICE, readers(&stage.db))).await;
    let mut acme = stage.of("acme");
    acme.client = puente_proto::operations::operations_client::OperationsClient::new(connect(&url).await);
    for key in [Key::TraceId(TRACE.into()), Key::Cause("c1".into())] {
        assert_eq!(code(list(&acme, Some(key), 0).await), Code::FailedPrecondition);
    }
    list(&acme, Some(Key::AggregateId("o1".into())), 0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_found_by_its_index_also_behind_row_policies() {
    let stage = Stage::set().await;
    stage
        .run(
            "INSERT INTO outbox (slot, id, tenant, type, aggregate_id, traceparent, payload)
             SELECT 1, gen_random_uuid(), 'acme', 'x', 'o' || n, '00-' || lpad(to_hex(n), 32, '0') || '-00f067aa0ba902b7-01', ''
             FROM generate_series(1, 5000) AS n",
        )
        .await;
    sqlx::raw_sql("ANALYZE mechanism.outbox")
        .execute(&stage.db.admin())
        .await
        .unwrap();
    let mut tx = readers(&stage.db)
        .begin(Some(&"acme".parse().unwrap()))
        .await
        .unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        r#"EXPLAIN SELECT id FROM outbox
           WHERE traceparent COLLATE "C" >= '00-0000000000000000000000000000000b-'
             AND traceparent COLLATE "C" < '00-0000000000000000000000000000000b.' AND tenant = 'acme'"#,
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("_traceparent_idx"), "{plan}");
}
