//! Lists that change while somebody reads them page by page.

use super::*;

const SERVICES: [&str; 2] = ["odd", "even"];
/// Things of an answer.
const LIMIT: usize = 4;
/// Things on a page of a service.
const PAGE: usize = 3;

/// The numbers of a service, largest first, in pages of three; the cursor is the number below which a page begins.
fn part(service: &str, cursor: &str, numbers: impl IntoIterator<Item = u32>) -> Part<u32> {
    let below = cursor.parse().unwrap_or(u32::MAX);
    let mut all: Vec<u32> = numbers
        .into_iter()
        .filter(|n| (n % 2 == 1) == (service == "odd") && *n < below)
        .collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    let more = all.len() > PAGE;
    all.truncate(PAGE);
    let last = all.last().filter(|_| more);
    Part {
        next: last.map(ToString::to_string).unwrap_or_default(),
        items: all,
        count: 1,
    }
}

/// Everything that somebody sees who reads to the end, when the list has these numbers in each round.
async fn walk(numbers: impl Fn(usize) -> Vec<u32>, away_at: Option<usize>) -> Vec<u32> {
    let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
    for round in 0..100 {
        let numbers = &numbers(round);
        let ask = |service: &'static str, cursor: String| async move {
            if Some(round) == away_at && service == "even" {
                return Err(Status::unavailable("away"));
            }
            Ok(part(service, &cursor, numbers.iter().copied()))
        };
        let page = page(&SERVICES, &cursor, LIMIT, ask, |n| *n).await.unwrap();
        assert_eq!(page.unavailable.is_empty(), Some(round) != away_at);
        assert!(page.items.len() <= LIMIT);
        seen.extend(page.items.into_iter().map(|(_, n)| n));
        if page.next.is_empty() {
            return seen;
        }
        cursor = Cursor::read(&page.next).unwrap();
    }
    unreachable!("it ends")
}

fn down(from: u32) -> Vec<u32> {
    (1..=from).rev().collect()
}

#[tokio::test]
async fn pages_of_two_lists_are_one_list_without_gaps_or_repeats() {
    assert_eq!(walk(|_| down(20), None).await, down(20));
}

#[tokio::test]
async fn a_list_that_has_much_more_than_the_other_is_told_in_order_as_well() {
    let mut uneven: Vec<u32> = (1..=40).filter(|n| n % 2 == 1 || n % 10 == 0).collect();
    let seen = walk(|_| uneven.clone(), None).await;
    uneven.reverse();
    assert_eq!(seen, uneven);
}

#[tokio::test]
async fn however_much_arrives_between_two_pages_what_was_there_is_told_once_and_in_order() {
    for arrivals in [1, 2, 7, 8, 60, 500] {
        let numbers = |round: usize| down(if round == 0 { 20 } else { 20 + arrivals });
        assert_eq!(walk(numbers, None).await, down(20), "{arrivals} arrived");
    }
}

#[tokio::test]
async fn the_last_one_that_was_told_may_leave_the_list() {
    // Numbers 20 to 17 are told first; 18 and 17 are the last ones of their lists.
    let numbers = |round: usize| {
        let gone = |n: &u32| round > 0 && (17..=18).contains(n);
        down(20).into_iter().filter(|n| !gone(n)).collect()
    };
    assert_eq!(walk(numbers, None).await, down(20));
}

#[tokio::test]
async fn everything_that_was_told_may_leave_the_list_while_others_arrive() {
    let numbers = |round: usize| {
        let arrivals = u32::try_from(round).unwrap() * 9;
        let told = u32::try_from(round * LIMIT).unwrap();
        let left = (1..=20_u32.saturating_sub(told)).rev();
        (21..21 + arrivals).rev().chain(left).collect()
    };
    let seen = walk(numbers, None).await;
    let mut once = seen.clone();
    once.dedup();
    assert_eq!(seen, once);
    let first: Vec<u32> = seen.iter().copied().filter(|n| *n <= 20).collect();
    assert_eq!(first, down(20), "{seen:?}");
}

#[tokio::test]
async fn what_was_made_first_and_committed_last_hides_nothing() {
    // Times run against the ids, as they do for transactions that overlap; services page by ids.
    #[derive(Debug, Clone, PartialEq)]
    struct Row {
        id: u32,
        time: u32,
    }
    let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
    loop {
        let ask = |service: &'static str, cursor: String| async move {
            let part = part(service, &cursor, 1..=20);
            let row = |id: u32| Row { id, time: id ^ 2 };
            Ok(Part {
                items: part.items.into_iter().map(row).collect(),
                next: part.next,
                count: 0,
            })
        };
        let page = page(&SERVICES, &cursor, 1, ask, |row: &Row| row.id)
            .await
            .unwrap();
        seen.extend(page.items.into_iter().map(|(_, row)| row));
        if page.next.is_empty() {
            break;
        }
        cursor = Cursor::read(&page.next).unwrap();
    }
    let ids: Vec<u32> = seen.iter().map(|row| row.id).collect();
    assert_eq!(ids, down(20));
    assert!(
        !seen.is_sorted_by_key(|row| std::cmp::Reverse(row.time)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_service_that_was_away_is_taken_up_where_it_was_left() {
    let mut seen = walk(|_| down(20), Some(1)).await;
    seen.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(seen, down(20));
}

#[tokio::test]
async fn what_services_count_is_counted_once_however_many_pages_are_read() {
    let mut cursor = Cursor::default();
    for _ in 0..3 {
        let ask = |service: &'static str, cursor: String| async move { Ok(part(service, &cursor, 1..=50)) };
        let page = page(&SERVICES, &cursor, 8, ask, |n| *n).await.unwrap();
        assert_eq!(page.count, 2);
        cursor = Cursor::read(&page.next).unwrap();
    }
}

#[test]
fn a_cursor_of_somebody_else_or_of_an_earlier_form_is_refused() {
    let earlier = URL_SAFE_NO_PAD.encode(r#"{"orders":{"c":"","a":"","e":false}}"#);
    for text in ["x", "eyJ4Ijox", &earlier, &"a".repeat(5000)] {
        assert!(
            matches!(Cursor::<String>::read(text), Err(Failure::Invalid(_))),
            "{text}"
        );
    }
}
