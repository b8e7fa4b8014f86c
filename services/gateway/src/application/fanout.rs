//! One list made of the lists of several services, newest first, a page at a time.
//!
//! A cursor holds for every service where its own list goes on, and the last thing taken from that page: a page of a
//! service is mostly used up in parts. What arrives meanwhile disturbs nothing; a service that is away is named, and
//! taken up again where it was left.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tonic::Status;

use super::failure::Failure;

/// More than a cursor of ours has.
const LONGEST: usize = 4096;

/// Where the list of each service goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor(BTreeMap<String, Place>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The service's own cursor of the page.
    c: String,
    /// The last one taken from that page; empty for none.
    a: String,
    /// The list has come to its end.
    #[serde(default)]
    e: bool,
}

impl Cursor {
    /// Reads one; an empty text is the beginning.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let bytes = Some(text)
            .filter(|text| text.len() <= LONGEST)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        read.ok_or_else(|| Failure::Invalid("the cursor is none of ours".to_owned()))
    }

    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// A page of one service.
#[derive(Debug)]
pub(crate) struct Part<T> {
    /// Newest first.
    pub(crate) items: Vec<T>,
    /// Its own cursor; empty at the end.
    pub(crate) next: String,
}

/// A page of all.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// Newest first, with the service that has it.
    pub(crate) items: Vec<(&'static str, T)>,
    /// Empty at the end.
    pub(crate) next: String,
    /// Those that did not answer.
    pub(crate) unavailable: Vec<&'static str>,
}

/// Asks every service for the page that is next in its list, and takes the newest `limit` of all.
///
/// `order` is what the lists are sorted by, descending; `name` names a thing within its service.
pub(crate) async fn page<T, K, F>(
    services: &[&'static str],
    cursor: &Cursor,
    limit: usize,
    ask: impl Fn(&'static str, String) -> F,
    order: impl Fn(&T) -> K,
    name: impl Fn(&T) -> String,
) -> Result<Page<T>, Failure>
where
    K: Ord,
    F: Future<Output = Result<Part<T>, Status>>,
{
    let place = |service: &str| cursor.0.get(service).cloned().unwrap_or_default();
    let open = services.iter().filter(|service| !place(service).e);
    let asked = open.map(|service| {
        let answer = ask(service, place(service).c);
        async move { (*service, answer.await) }
    });
    let mut next = cursor.clone();
    let mut unavailable = Vec::new();
    let mut items = Vec::new();
    for (service, answer) in join_all(asked).await {
        let part = match answer.map_err(|status| Failure::of(service, &status)) {
            Ok(part) => part,
            Err(failure) if failure.is_away() => {
                unavailable.push(service);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let at = place(service);
        let taken = part
            .items
            .iter()
            .position(|item| name(item) == at.a && !at.a.is_empty());
        let rest = part.items.into_iter().skip(taken.map_or(0, |taken| taken + 1));
        // Until something is left over, the page is used up.
        let end = part.next.is_empty();
        let after = Place {
            c: part.next,
            a: String::new(),
            e: end,
        };
        next.0.insert(service.to_owned(), after);
        items.extend(rest.map(|item| (service, item)));
    }
    // Stable: things of one service keep their order.
    items.sort_by_key(|(_, item)| Reverse(order(item)));
    let left = items.split_off(limit.min(items.len()));
    for service in services {
        if left.iter().any(|(of, _)| of == service) {
            let at = place(service);
            let last = items.iter().rev().find(|(of, _)| of == service);
            let place = Place {
                c: at.c,
                a: last.map_or(at.a, |(_, item)| name(item)),
                e: false,
            };
            next.0.insert((*service).to_owned(), place);
        }
    }
    let ended = services
        .iter()
        .all(|service| next.0.get(*service).is_some_and(|place| place.e));
    Ok(Page {
        items,
        next: if ended { String::new() } else { next.write() },
        unavailable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICES: [&str; 2] = ["odd", "even"];

    /// Lists of numbers, newest first, in pages of three; the cursor is the number below which a page begins.
    async fn ask(service: &'static str, cursor: String, newest: u32) -> Result<Part<u32>, Status> {
        let below = cursor.parse().unwrap_or(u32::MAX);
        let all = (1..=newest)
            .rev()
            .filter(|n| (n % 2 == 1) == (service == "odd") && *n < below);
        let items: Vec<u32> = all.take(3).collect();
        let last = items.last().copied().unwrap_or(0);
        let next = if last > 2 { last.to_string() } else { String::new() };
        Ok(Part { items, next })
    }

    async fn walk(newest_of: impl Fn(usize) -> u32, away_at: Option<usize>) -> Vec<u32> {
        let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
        for round in 0.. {
            let newest = newest_of(round);
            let page = page(
                &SERVICES,
                &cursor,
                4,
                |service, cursor| async move {
                    if Some(round) == away_at && service == "even" {
                        return Err(Status::unavailable("away"));
                    }
                    ask(service, cursor, newest).await
                },
                |n| *n,
                |n| n.to_string(),
            )
            .await
            .unwrap();
            assert_eq!(page.unavailable.is_empty(), Some(round) != away_at);
            seen.extend(page.items.into_iter().map(|(_, n)| n));
            if page.next.is_empty() {
                return seen;
            }
            cursor = Cursor::read(&page.next).unwrap();
        }
        unreachable!("it ends")
    }

    #[tokio::test]
    async fn pages_of_two_lists_are_one_list_without_gaps_or_repeats() {
        assert_eq!(walk(|_| 20, None).await, (1..=20).rev().collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_arrives_between_two_pages_disturbs_nothing() {
        let newest = |round: usize| if round == 0 { 20 } else { 21 };
        let seen = walk(newest, None).await;
        assert_eq!(seen, (1..=20).rev().collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_service_that_was_away_is_taken_up_where_it_was_left() {
        let mut seen = walk(|_| 20, Some(1)).await;
        seen.sort_unstable();
        assert_eq!(seen, (1..=20).collect::<Vec<_>>());
    }

    #[test]
    fn a_cursor_of_somebody_else_is_refused() {
        for text in ["x", "eyJ4Ijox", &"a".repeat(5000)] {
            assert!(matches!(Cursor::read(text), Err(Failure::Invalid(_))));
        }
    }
}
