//! Asana's JSON, named as Asana names it.

use serde::Serialize;

use crate::kit::{Text, lenient_structs};

/// Every request is wrapped.
#[derive(Debug, Serialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

/// `POST /tasks`.
#[derive(Serialize)]
pub(super) struct NewTask<'a> {
    pub(super) name: String,
    pub(super) notes: String,
    pub(super) projects: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memberships: Option<[Membership<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assignee: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external: Option<OurReference>,
}

#[derive(Serialize)]
pub(super) struct Membership<'a> {
    pub(super) project: &'a str,
    pub(super) section: &'a str,
}

#[derive(Serialize)]
pub(super) struct OurReference {
    pub(super) gid: String,
}

/// `PUT /tasks/{gid}` with one field: what is left out stays as it is.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Field<'a> {
    Assignee(Option<&'a str>),
    Notes(String),
    Completed(bool),
}

/// `POST /sections/{gid}/addTask`.
#[derive(Serialize)]
pub(super) struct Moved<'a> {
    pub(super) task: &'a str,
}

lenient_structs! {
    Answer { data: Option<Task> }
    Task { gid: Text, permalink_url: Text, external: Option<External> }
    External { gid: Text }

    /// A webhook: many events, or none, which says that Asana is still there.
    Events { events: Option<Vec<Event>> }
    Event {
        user: Option<Named>,
        created_at: Text,
        action: Text,
        resource: Named,
        parent: Option<Named>,
        change: Option<Change>,
    }
    Named { gid: Text, resource_type: Text }
    Change { field: Text }

    /// A refusal: of the interface, or of the OAuth host.
    Refusal {
        errors: Vec<Problem>,
        error: Text,
        #[serde(rename = "error_description")]
        description: Text,
    }
    /// `phrase` is by what Asana's support finds a failure of theirs.
    Problem { message: Text, phrase: Text }

    Me { data: Option<User> }
    User { gid: Text, workspaces: Vec<Workspace> }
    Workspace { gid: Text }
}
