//! Places for files in memory: so many that come, and so many that go.
//!
//! # Protocol
//! Whoever brings a file takes a place before its first byte is read, and keeps it until the answer: two places of one
//! person or program and half of all of one tenant, so that whoever sends slowly keeps nobody else away. Whoever reads one
//! waits a moment for a place of another kind; it is kept while the file is written out, since all of it is in memory for
//! so long, and given back with the last piece, or when the reader leaves. A reader who is too slow loses it: the file is
//! let go of as soon as somebody else wants the place, and the connection is closed at the next piece.
//!
//! # Never
//! A file of the store in memory without a place.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::guard::Refusal;
use crate::domain::Principal;

/// Files that come at a time.
const COMING: usize = 8;
/// Of those, of one person or program.
const OF_ONE: usize = 2;
/// Of those, of one tenant's people and programs.
const OF_ONE_TENANT: usize = COMING / 2;
/// Files that go at a time.
const GOING: usize = 8;
/// A browser that asks for a page's pictures all at once waits so long for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest file over a slow line: 25 MiB at 2 Mbit/s.
const READ_OUT: Duration = Duration::from_secs(120);
/// Bytes that are handed on at a time; each piece is a copy, so that what waits in a connection holds no file.
const PIECE: usize = 64 * 1024;

/// All places; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    coming: Arc<Semaphore>,
    whose: Arc<Mutex<HashMap<String, usize>>>,
    going: Arc<Semaphore>,
    read_out: Arc<Mutex<Vec<Weak<Slot>>>>,
    patience: Duration,
    time: Duration,
}

/// A place of a file that comes.
#[derive(Debug)]
pub(crate) struct Coming {
    _permit: OwnedSemaphorePermit,
    _counted: Vec<Counted>,
}

/// One of somebody's; it is counted until this is dropped.
#[derive(Debug)]
struct Counted {
    whose: Arc<Mutex<HashMap<String, usize>>>,
    name: String,
}

/// A place of a file that goes.
#[derive(Debug)]
pub(crate) struct Going {
    _permit: OwnedSemaphorePermit,
}

/// A file with its place, for an answer.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _place: Going,
}

impl Held {
    pub(crate) fn new(bytes: Bytes, place: Going) -> Self {
        Self { bytes, _place: place }
    }
}

/// What is being written out; nothing once it was, or took too long.
#[derive(Debug)]
struct Slot {
    held: Mutex<Option<Held>>,
    until: Instant,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self::with(PATIENCE, READ_OUT)
    }

    fn with(patience: Duration, time: Duration) -> Self {
        Self {
            coming: Arc::new(Semaphore::new(COMING)),
            whose: Arc::default(),
            going: Arc::new(Semaphore::new(GOING)),
            read_out: Arc::default(),
            patience,
            time,
        }
    }

    /// A place for a file that `principal` brings, or why there is none now.
    pub(crate) fn bring(&self, principal: Option<&Principal>) -> Result<Coming, Refusal> {
        let mut counted = Vec::new();
        if let Some(principal) = principal {
            let one = self.count(principal.subject(), OF_ONE);
            counted.push(one.ok_or(Refusal::OwnFiles)?);
            if let Some(tenant) = principal.scope.tenant() {
                let one = self.count(format!("tenant:{tenant}"), OF_ONE_TENANT);
                counted.push(one.ok_or(Refusal::Crowded)?);
            }
        }
        let permit = self.coming.clone().try_acquire_owned();
        Ok(Coming {
            _permit: permit.map_err(|_| Refusal::Crowded)?,
            _counted: counted,
        })
    }

    fn count(&self, name: String, most: usize) -> Option<Counted> {
        let mut whose = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
        let now = whose.get(&name).copied().unwrap_or_default();
        if now >= most {
            return None;
        }
        whose.insert(name.clone(), now + 1);
        drop(whose);
        Some(Counted {
            whose: self.whose.clone(),
            name,
        })
    }

    /// A place for a file of the store, once there is one; `None` when there is none for too long.
    pub(crate) async fn read(&self) -> Option<Going> {
        self.take_back();
        let permit = self.going.clone().acquire_owned();
        let permit = tokio::time::timeout(self.patience, permit).await.ok()?.ok()?;
        Some(Going { _permit: permit })
    }

    /// Lets go of files whose readers are too slow.
    fn take_back(&self) {
        let now = Instant::now();
        let mut read_out = self.read_out.lock().unwrap_or_else(PoisonError::into_inner);
        read_out.retain(|slot| {
            let Some(slot) = slot.upgrade() else { return false };
            if now >= slot.until {
                slot.end();
            }
            now < slot.until
        });
    }

    /// The file as the body of an answer, with its place until it is written out.
    pub(crate) fn body(&self, held: Held) -> Body {
        let slot = Arc::new(Slot {
            held: Mutex::new(Some(held)),
            until: Instant::now() + self.time,
        });
        let mut read_out = self.read_out.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that were written out are forgotten here, so that it never grows beyond the places.
        read_out.retain(|slot| slot.strong_count() > 0);
        read_out.push(Arc::downgrade(&slot));
        drop(read_out);
        Body::from_stream(stream::unfold(Some(slot), |slot| async move {
            let slot = slot?;
            match slot.piece() {
                Ok(Some(piece)) => Some((Ok(piece), Some(slot))),
                Ok(None) => None,
                Err(late) => Some((Err(late), None)),
            }
        }))
    }
}

impl Slot {
    fn end(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The next piece; nothing after the last one.
    fn piece(&self) -> io::Result<Option<Bytes>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= self.until {
            *held = None;
        }
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the file was read too slowly");
        let file = held.as_mut().ok_or_else(late)?;
        if file.bytes.is_empty() {
            return Ok(None);
        }
        let piece = file.bytes.split_to(PIECE.min(file.bytes.len()));
        Ok(Some(Bytes::copy_from_slice(&piece)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut whose = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = whose.get_mut(&self.name) {
            *now -= 1;
            if *now == 0 {
                whose.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::domain::{Role, Who};

    fn somebody(tenant: &str) -> Principal {
        Principal {
            who: Who::Key(uuid::Uuid::now_v7()),
            name: "programa".to_owned(),
            role: Role::Agent,
            scope: puente_rpc::Scope::Tenant(tenant.parse().unwrap()),
        }
    }

    #[test]
    fn one_person_has_two_places_one_tenant_half_of_them_and_each_comes_back() {
        let places = Places::new();
        let (ana, luis, eva) = (somebody("algesta"), somebody("algesta"), somebody("algesta"));
        let hers = [
            places.bring(Some(&ana)).unwrap(),
            places.bring(Some(&ana)).unwrap(),
        ];
        assert_eq!(places.bring(Some(&ana)).unwrap_err(), Refusal::OwnFiles);
        let his = [
            places.bring(Some(&luis)).unwrap(),
            places.bring(Some(&luis)).unwrap(),
        ];
        assert_eq!(places.bring(Some(&eva)).unwrap_err(), Refusal::Crowded);
        places.bring(Some(&somebody("norte"))).unwrap();
        drop((hers, his));
        places.bring(Some(&eva)).unwrap();
        assert!(places.whose.lock().unwrap().is_empty(), "nobody is remembered");
    }

    async fn held(places: &Places) -> Option<Held> {
        let place = places.read().await?;
        Some(Held::new(Bytes::from(vec![7; 3 * PIECE + 1]), place))
    }

    #[tokio::test]
    async fn a_file_has_its_place_until_it_is_read_or_its_reader_leaves() {
        let places = Places::with(Duration::from_millis(1), READ_OUT);
        let mut bodies = Vec::new();
        for _ in 0..GOING {
            bodies.push(places.body(held(&places).await.unwrap()));
        }
        assert!(held(&places).await.is_none(), "all places are taken");
        let read = to_bytes(bodies.pop().unwrap(), usize::MAX).await.unwrap();
        assert_eq!(read.len(), 3 * PIECE + 1);
        let again = held(&places).await.unwrap();
        assert!(held(&places).await.is_none());
        drop(bodies.pop());
        held(&places).await.unwrap();
        drop(again);
    }

    #[tokio::test]
    async fn a_reader_who_is_too_slow_loses_the_place_and_the_rest_of_the_file() {
        let places = Places::with(Duration::from_millis(1), Duration::ZERO);
        let mut bodies = Vec::new();
        for _ in 0..GOING {
            bodies.push(places.body(held(&places).await.unwrap()));
        }
        held(&places).await.unwrap();
        let late = to_bytes(bodies.pop().unwrap(), usize::MAX).await;
        assert!(late.is_err(), "a part is never taken for the whole");
    }
}
