//! All tasks of the simulator.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::sim::Hub;

/// Tasks that are kept; the oldest goes first.
const MAX_TASKS: usize = 100_000;
/// Asana's ids are long numbers.
const FIRST_GID: u64 = 1_211_000_000_000_001;

/// The board; empty at first.
#[derive(Default)]
pub(super) struct Board(Mutex<Shelf>);

#[derive(Default)]
pub(super) struct Shelf {
    /// Ids rise with time, so the first is the oldest.
    pub(super) tasks: BTreeMap<u64, Task>,
    /// Goes on after a reset: an id is never given twice.
    made: u64,
}

/// A task as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Task {
    /// Its id.
    pub gid: String,
    /// The workspace that it is in: the simulator's account.
    pub account: String,
    /// Its title.
    pub name: String,
    /// Its notes.
    pub notes: String,
    /// Its project.
    pub project: String,
    /// Its section, where the account has any.
    pub section: Option<String>,
    /// Who does it, as it was given.
    pub assignee: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// Its external id.
    pub external: Option<String>,
    /// The OAuth app that its external id is private to.
    #[serde(skip)]
    pub(super) app: Option<String>,
    /// What the app keeps with it.
    #[serde(skip)]
    pub(super) external_data: Option<String>,
    #[serde(skip)]
    pub(super) created: OffsetDateTime,
    #[serde(skip)]
    pub(super) modified: OffsetDateTime,
}

/// Every task, the oldest first: for tests that look at how they stand.
#[must_use]
pub fn tasks(hub: &Hub) -> Vec<Task> {
    hub.own::<Board>().shelf().tasks.values().cloned().collect()
}

impl Board {
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        self.shelf().tasks.clear();
    }
}

impl Shelf {
    /// The next id.
    pub(super) const fn next_gid(&mut self) -> u64 {
        self.made += 1;
        FIRST_GID + self.made
    }

    pub(super) fn put(&mut self, gid: u64, task: Task) {
        if self.tasks.len() >= MAX_TASKS {
            self.tasks.pop_first();
        }
        self.tasks.insert(gid, task);
    }

    /// The task that a path names: by its id, or by the external id of the caller's app.
    pub(super) fn named(&mut self, account: &str, app: Option<&str>, named: &str) -> Option<&mut Task> {
        let fits = |task: &&mut Task| match named.strip_prefix("external:") {
            Some(external) => {
                app.is_some() && task.app.as_deref() == app && task.external.as_deref() == Some(external)
            }
            None => task.gid == named,
        };
        let found = self.tasks.values_mut().find(fits)?;
        (found.account == account).then_some(found)
    }
}

impl Task {
    /// What the interface shows of it: what is asked for, and its id. External data is seen by its app alone.
    pub(super) fn shown(&self, app: Option<&str>, asked: Option<&str>) -> Value {
        let ours = app.is_some() && self.app.as_deref() == app;
        let external = self.external.as_deref().filter(|_| ours);
        let mut membership =
            json!({"project": {"gid": self.project, "resource_type": "project", "name": "Solicitudes"}});
        if let (Some(section), Some(fields)) = (&self.section, membership.as_object_mut()) {
            let section = json!({"gid": section, "resource_type": "section", "name": "Sección"});
            fields.insert("section".to_owned(), section);
        }
        let person = |gid: &String| json!({"gid": gid, "resource_type": "user"});
        let all = json!({
            "resource_subtype": "default_task", "name": self.name, "notes": self.notes, "completed": self.completed,
            "assignee": self.assignee.as_ref().map(person), "memberships": [membership],
            "projects": [{"gid": self.project, "resource_type": "project", "name": "Solicitudes"}],
            "created_at": moment(self.created), "modified_at": moment(self.modified),
            "permalink_url": format!("https://app.asana.com/0/{}/{}", self.project, self.gid),
            "workspace": {"gid": self.account, "resource_type": "workspace", "name": "Acme"},
            "external": external.map(|gid| match &self.external_data {
                Some(data) => json!({"gid": gid, "data": data}),
                None => json!({"gid": gid}),
            }),
        });
        let wanted = |name: &str| match asked {
            Some(asked) => asked
                .split(',')
                .any(|field| field.trim().split('.').next() == Some(name)),
            // External data comes only where it is asked for.
            None => name != "external" || external.is_some(),
        };
        let mut shown = Map::new();
        shown.insert("gid".to_owned(), json!(self.gid));
        shown.insert("resource_type".to_owned(), json!("task"));
        if let Value::Object(all) = all {
            let fields = all
                .into_iter()
                .filter(|(name, value)| wanted(name) && !(name == "external" && value.is_null()));
            shown.extend(fields);
        }
        Value::Object(shown)
    }
}

pub(super) fn moment(at: OffsetDateTime) -> String {
    let at = at.replace_millisecond(at.millisecond()).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_default()
}
