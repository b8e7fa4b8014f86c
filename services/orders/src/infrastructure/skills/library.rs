//! The sets in use, by tenant, exchanged while the service runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use puente_types::TenantId;

use super::{Files, Problem, file, load};
use crate::domain::skill::SkillSet;

/// Every tenant's set. A lookup never waits for a file.
pub struct Library {
    dir: Option<PathBuf>,
    state: RwLock<State>,
}

struct State {
    default: Arc<SkillSet>,
    tenants: BTreeMap<String, Arc<SkillSet>>,
    seen: Vec<(PathBuf, Option<SystemTime>, u64)>,
}

impl Library {
    /// Reads the folder, or only what is compiled in. The problems are those of sets that are not used.
    ///
    /// # Errors
    /// When what is compiled in is not valid.
    pub fn open(dir: Option<PathBuf>) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let default = Arc::new(super::embedded()?);
        let state = State {
            default,
            tenants: BTreeMap::new(),
            seen: Vec::new(),
        };
        let library = Self {
            dir,
            state: RwLock::new(state),
        };
        let problems = library.reload();
        Ok((library, problems))
    }

    /// The tenant's set, else the default one.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Arc<SkillSet> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state
            .tenants
            .get(tenant.as_str())
            .unwrap_or(&state.default)
            .clone()
    }

    /// Reads all files again. A set with a problem stays as it was; the problems are returned.
    pub fn reload(&self) -> Vec<Problem> {
        let Some(dir) = &self.dir else { return Vec::new() };
        let seen = self.fingerprint();
        let tenants = match file::tenants(dir) {
            Ok(tenants) => tenants,
            Err(problem) => return vec![problem],
        };
        let mut problems = Vec::new();
        let mut read = Vec::new();
        for tenant in tenants {
            match load(&Files::of_tenant(Some(dir), &tenant)) {
                Ok(set) => read.push((tenant, Some(Arc::new(set)))),
                Err(found) => {
                    problems.extend(found);
                    read.push((tenant, None));
                }
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.seen = seen;
        // A tenant whose folder is gone goes back to the default set.
        state
            .tenants
            .retain(|tenant, _| read.iter().any(|(name, _)| name == tenant));
        for (tenant, set) in read {
            match set {
                Some(set) if tenant == "default" => state.default = set,
                Some(set) => {
                    state.tenants.insert(tenant, set);
                }
                None => {}
            }
        }
        problems.sort();
        problems.dedup();
        problems
    }

    /// Reads the files again if one of them has changed; `None` when none has.
    pub fn reload_if_changed(&self) -> Option<Vec<Problem>> {
        let changed = self.fingerprint() != self.state.read().unwrap_or_else(PoisonError::into_inner).seen;
        changed.then(|| self.reload())
    }

    /// Every file with its time and size.
    fn fingerprint(&self) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
        let entries = |dir: &PathBuf| {
            std::fs::read_dir(dir)
                .into_iter()
                .flatten()
                .flatten()
                .map(|e| e.path())
        };
        let mut files: Vec<_> = self
            .dir
            .iter()
            .flat_map(entries)
            .filter(|path| path.is_dir())
            .flat_map(|folder| entries(&folder).collect::<Vec<_>>())
            .filter_map(|path| {
                std::fs::metadata(&path)
                    .ok()
                    .map(|meta| (path, meta.modified().ok(), meta.len()))
            })
            .collect();
        files.sort();
        files
    }
}
