//! One list made of the lists of several services, in the order that each of them pages by, a page at a time.
//!
//! A cursor holds for every service where its own list goes on, and the key of the last thing that was taken from it: a
//! page of a service is mostly used up in parts, and is asked for again. What was taken is known by comparing keys, not by
//! finding the last one again: more than a page may have arrived meanwhile, and the last one may have left the list. So
//! what arrives disturbs nothing, and what was there is told once. This needs that callers give the very key that the
//! services page by. A service that is away is named, and taken up again where it was left: alone what it has then comes
//! after older things of others.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tonic::Status;

use super::failure::Failure;

/// More than a cursor of ours has.
const LONGEST: usize = 4096;
/// Pages of one service that are read for one answer: those that are used up already are many only after many arrivals.
/// The answer is shorter when they were not enough, and the next one goes on.
const MOST_PAGES: usize = 4;

/// Where the list of each service goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor<K>(BTreeMap<String, Place<K>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place<K> {
    /// The service's own cursor of the page.
    c: String,
    /// The key of the last one that was taken, from whatever page; everything of this key and before it is told.
    k: Option<K>,
    /// The list has come to its end.
    #[serde(default)]
    e: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K> Default for Place<K> {
    fn default() -> Self {
        Self {
            c: String::new(),
            k: None,
            e: false,
        }
    }
}

impl<K: Serialize + DeserializeOwned> Cursor<K> {
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
    /// Largest key first.
    pub(crate) items: Vec<T>,
    /// Its own cursor; empty at the end.
    pub(crate) next: String,
    /// What the service counts beside its list.
    pub(crate) count: u64,
}

/// A page of all.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// Largest key first, with the service that has it. May be fewer than were asked for before the end.
    pub(crate) items: Vec<(&'static str, T)>,
    /// Empty at the end.
    pub(crate) next: String,
    /// What all that answered count together.
    pub(crate) count: u64,
    /// Those that did not answer.
    pub(crate) unavailable: Vec<&'static str>,
}

/// One thing of a service.
struct Item<K, T> {
    service: &'static str,
    /// The cursor of the page that it was found on.
    page: String,
    key: K,
    item: T,
}

/// What is next in the list of a service.
struct Rest<K, T> {
    items: Vec<Item<K, T>>,
    /// The service's cursor of what was not read.
    next: String,
    /// The key of the last one that was read: what was not read comes after it.
    last: Option<K>,
    count: u64,
}

/// Asks every service for what is next in its list, and takes the first `limit` of all.
///
/// `key` is what the services page by, descending, and tells any two things of a service apart.
pub(crate) async fn page<T, K, F>(
    services: &[&'static str],
    cursor: &Cursor<K>,
    limit: usize,
    ask: impl Fn(&'static str, String) -> F,
    key: impl Fn(&T) -> K,
) -> Result<Page<T>, Failure>
where
    K: Ord + Clone + Serialize + DeserializeOwned,
    F: Future<Output = Result<Part<T>, Status>>,
{
    let (ask, key) = (&ask, &key);
    let place = |service: &str| cursor.0.get(service).cloned().unwrap_or_default();
    let open = services.iter().filter(|service| !place(service).e);
    let asked = open.map(|service| {
        let at = place(service);
        async move { (*service, rest(service, &at, limit, ask, key).await) }
    });
    let mut next = cursor.clone();
    let mut unavailable = Vec::new();
    let mut items = Vec::new();
    let mut count = 0;
    // Where a service has more than was read, nothing that may come after it is told yet.
    let mut floor: Option<K> = None;
    for (service, answer) in join_all(asked).await {
        let rest = match answer.map_err(|status| Failure::of(service, &status)) {
            Ok(rest) => rest,
            Err(failure) if failure.is_away() => {
                unavailable.push(service);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        count += rest.count;
        let end = rest.next.is_empty();
        if !end {
            floor = floor.max(rest.last);
        }
        // Until something is left over, everything that was read is used up.
        let after = Place {
            c: rest.next,
            k: place(service).k,
            e: end,
        };
        next.0.insert(service.to_owned(), after);
        items.extend(rest.items);
    }
    // Stable: things of one service keep their order.
    items.sort_by(|one, other| other.key.cmp(&one.key));
    let told = |item: &&Item<K, T>| floor.as_ref().is_none_or(|floor| item.key >= *floor);
    let fits = items.iter().take(limit).take_while(told).count();
    let left = items.split_off(fits);
    for item in &items {
        if let Some(place) = next.0.get_mut(item.service) {
            place.k = Some(item.key.clone());
        }
    }
    // Backwards, so that the first one that is left of each service decides.
    for item in left.into_iter().rev() {
        if let Some(place) = next.0.get_mut(item.service) {
            place.c = item.page;
            place.e = false;
        }
    }
    let ended = services
        .iter()
        .all(|service| next.0.get(*service).is_some_and(|place| place.e));
    Ok(Page {
        items: items.into_iter().map(|item| (item.service, item.item)).collect(),
        next: if ended { String::new() } else { next.write() },
        count,
        unavailable,
    })
}

/// What is next in the list of one service: `limit` things that were not taken yet, if a few pages have so many.
async fn rest<T, K: Ord, F>(
    service: &'static str,
    at: &Place<K>,
    limit: usize,
    ask: &impl Fn(&'static str, String) -> F,
    key: &impl Fn(&T) -> K,
) -> Result<Rest<K, T>, Status>
where
    F: Future<Output = Result<Part<T>, Status>>,
{
    let mut rest = Rest {
        items: Vec::new(),
        next: at.c.clone(),
        last: None,
        count: 0,
    };
    for asked in 0..MOST_PAGES {
        let part = ask(service, rest.next.clone()).await?;
        if asked == 0 {
            rest.count = part.count;
        }
        let page = std::mem::replace(&mut rest.next, part.next);
        rest.last = part.items.last().map(key).or(rest.last);
        let fresh = part.items.into_iter().map(|item| Item {
            service,
            page: page.clone(),
            key: key(&item),
            item,
        });
        let fresh = fresh.filter(|item| at.k.as_ref().is_none_or(|taken| item.key < *taken));
        rest.items.extend(fresh);
        if rest.next.is_empty() || rest.items.len() >= limit {
            break;
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests;
