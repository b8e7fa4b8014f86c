use bytes::Bytes;
use puente_proto::Event as _;
use puente_types::EventId;
use time::OffsetDateTime;

use super::*;
use crate::NewEvent;

fn row(seq: i64) -> Committed {
    let event = NewEvent {
        id: EventId::new(),
        tenant: "t".parse().unwrap(),
        event: &puente_proto::orders::OrderOpened::TYPE,
        aggregate_id: "a".into(),
        aggregate_version: None,
        cause: None,
        traceparent: None,
        payload: Bytes::new(),
    };
    Committed {
        seq,
        event,
        at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn publish_next(tracker: &Tracker) -> Vec<i64> {
    let (key, rows) = tracker.next_batch().unwrap();
    for _ in &rows {
        tracker.acknowledged(key);
    }
    rows.iter().map(|row| row.seq).collect()
}

#[test]
fn the_cursor_waits_for_open_tickets_and_unacknowledged_rows() {
    let tracker = Tracker::starting_at(10);
    let slow = tracker.open();
    let fast = tracker.open();
    fast.committed(vec![row(12), row(13)]);
    let (key, rows) = tracker.next_batch().unwrap();
    tracker.acknowledged(key);
    assert_eq!((rows.len(), tracker.cursor()), (2, 10));
    tracker.acknowledged(key);
    assert_eq!(
        tracker.cursor(),
        10,
        "the slow transaction may still commit number 11"
    );
    slow.committed(vec![row(11)]);
    assert_eq!(tracker.cursor(), 10);
    assert_eq!(publish_next(&tracker), [11]);
    assert_eq!(tracker.cursor(), 13);
    assert!(tracker.idle());
}

#[test]
fn a_ticket_dropped_without_a_word_holds_the_cursor_until_the_table_was_read() {
    let tracker = Tracker::starting_at(5);
    drop(tracker.open());
    let later = tracker.open();
    later.committed(vec![row(7)]);
    publish_next(&tracker);
    assert_eq!(tracker.cursor(), 5);
    let doubts = tracker.doubts();
    tracker.clear_doubts(&doubts);
    assert_eq!(tracker.begin_catch_up(), Some(5));
    let (key, rows) = tracker.caught(vec![row(6), row(7)], true).unwrap();
    for _ in &rows {
        tracker.acknowledged(key);
    }
    assert_eq!(tracker.cursor(), 7);
    assert!(tracker.idle());
}

#[test]
fn an_abandoned_ticket_holds_nothing() {
    let tracker = Tracker::starting_at(5);
    tracker.open().abandoned();
    assert!(tracker.idle());
}

#[test]
fn rows_beyond_the_capacity_are_left_to_the_table_and_read_back() {
    let tracker = Tracker::starting_at(0);
    let many = i64::try_from(CAPACITY).unwrap();
    tracker.open().committed((1..=many).map(row).collect());
    tracker.open().committed(vec![row(many + 1)]);
    tracker.open().committed(vec![row(many + 2)]);
    assert_eq!(tracker.begin_catch_up(), None, "the memory queue goes first");
    assert_eq!(publish_next(&tracker).len(), CAPACITY);
    assert_eq!(tracker.cursor(), many);
    assert_eq!(tracker.begin_catch_up(), Some(many));
    // Committed while the table is being read: the read may have missed it, so reading is not over.
    tracker.open().committed(vec![row(many + 3)]);
    let (key, _) = tracker.caught(vec![row(many + 1), row(many + 2)], true).unwrap();
    tracker.acknowledged(key);
    tracker.acknowledged(key);
    assert_eq!(tracker.cursor(), many + 2);
    assert_eq!(tracker.begin_catch_up(), Some(many + 2));
    let (key, _) = tracker.caught(vec![row(many + 3)], true).unwrap();
    tracker.acknowledged(key);
    assert_eq!(tracker.cursor(), many + 3);
    assert!(tracker.idle());
}
