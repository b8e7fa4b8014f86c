//! Tokens that were good a short time ago, by their hashes. Whoever shows one is looked up without being counted as a
//! stranger, so that strangers at the same address hold up nobody who is known. It decides nothing else: each request's
//! token is looked up, and one that is good no more is forgotten.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Hashes of one generation at most; two are remembered.
const MOST: usize = 10_000;

/// The hashes: of now, and of before.
#[derive(Debug, Default)]
pub(crate) struct Good(Mutex<(Hashes, Hashes)>);

type Hashes = HashSet<Vec<u8>>;

impl Good {
    /// Whether it was good when it was looked up last.
    pub(crate) fn has(&self, hash: &[u8]) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.contains(hash) || known.1.contains(hash)
    }

    /// It is good.
    pub(crate) fn note(&self, hash: &[u8]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.contains(hash) {
            return;
        }
        if known.0.len() >= MOST {
            known.1 = std::mem::take(&mut known.0);
        }
        known.0.insert(hash.to_vec());
    }

    /// It is good no more.
    pub(crate) fn forget(&self, hash: &[u8]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.remove(hash);
        known.1.remove(hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_the_newest_of_it() {
        let good = Good::default();
        for n in 0..3 * MOST {
            good.note(&n.to_be_bytes());
        }
        let known = (0..3 * MOST).filter(|n| good.has(&n.to_be_bytes())).count();
        assert_eq!(known, 2 * MOST);
        let last = 3 * MOST - 1;
        assert!(good.has(&last.to_be_bytes()));
        good.forget(&last.to_be_bytes());
        assert!(!good.has(&last.to_be_bytes()));
    }
}
