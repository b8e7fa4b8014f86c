//! Data keys in memory: for an hour at most, and cleared when they go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use puente_types::TenantId;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::seal::{Form, Sealed};

/// How long an unwrapped data key is kept, and how long one seals.
const LIFE: Duration = Duration::from_secs(3600);

/// How many unwrapped keys are kept; one tenant has a handful.
const MOST: usize = 4096;

/// A data key with its wrapped form. Its bytes are cleared when it is dropped.
pub(crate) struct DataKey {
    pub(crate) form: Form,
    /// Which master key wraps it.
    pub(crate) master: String,
    pub(crate) wrapped: String,
    pub(crate) bytes: Zeroizing<[u8; 32]>,
}

/// Data keys that a vault wrapped.
#[derive(Default)]
pub(crate) struct DataKeys(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// By tenant.
    sealing: HashMap<TenantId, (Instant, Arc<DataKey>)>,
    /// By the digest of their wrapped form.
    opened: HashMap<[u8; 32], (Instant, Zeroizing<[u8; 32]>)>,
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKeys")
    }
}

impl DataKeys {
    /// The tenant's data key, if it is wrapped by this version of the master key.
    pub(crate) fn sealing(&self, tenant: &TenantId, master: &str) -> Option<Arc<DataKey>> {
        let held = self.held();
        let (at, key) = held.sealing.get(tenant)?;
        (at.elapsed() < LIFE && key.master == master).then(|| Arc::clone(key))
    }

    pub(crate) fn keep_sealing(&self, tenant: &TenantId, key: &Arc<DataKey>) {
        let mut held = self.held();
        make_room(&mut held.sealing);
        held.sealing
            .insert(tenant.clone(), (Instant::now(), Arc::clone(key)));
        let digest = digest(&key.master, &key.wrapped);
        make_room(&mut held.opened);
        held.opened.insert(digest, (Instant::now(), key.bytes.clone()));
    }

    pub(crate) fn opened(&self, sealed: &Sealed) -> Option<Zeroizing<[u8; 32]>> {
        let held = self.held();
        let (at, key) = held.opened.get(&digest(sealed.master(), sealed.key()))?;
        (at.elapsed() < LIFE).then(|| key.clone())
    }

    pub(crate) fn keep_opened(&self, sealed: &Sealed, key: &Zeroizing<[u8; 32]>) {
        let mut held = self.held();
        make_room(&mut held.opened);
        held.opened.insert(
            digest(sealed.master(), sealed.key()),
            (Instant::now(), key.clone()),
        );
    }

    /// The next sealing draws a new key.
    pub(crate) fn turn_over(&self) {
        self.held().sealing.clear();
    }

    pub(crate) fn forget_old(&self) {
        let mut held = self.held();
        held.sealing.retain(|_, (at, _)| at.elapsed() < LIFE);
        held.opened.retain(|_, (at, _)| at.elapsed() < LIFE);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Full is rare, and starting over costs a few calls to the vault.
fn make_room<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= MOST {
        map.clear();
    }
}

fn digest(master: &str, wrapped: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(master.as_bytes());
    hash.update([0]);
    hash.update(wrapped.as_bytes());
    hash.finalize().into()
}
