//! Control paths of its own: how tasks stand, and what becomes of grants.
//!
//! ```text
//! GET  _control/tasks            every task, the oldest first
//! POST _control/tasks/{gid}      somebody works on it: {"completed": true}, {"assignee": null}, {"deleted": true}
//! POST _control/grants/expire    every access token of the OAuth host ends now; refresh tokens stay
//! POST _control/grants/revoke    every token of the OAuth host is gone
//! ```

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::board::{Board, tasks};
use super::grants::{Given, Grants};
use super::hooks::{self, STAFF, Told};
use crate::sim::{Hub, reply};

pub(super) fn routes() -> Router<Hub> {
    Router::new()
        .route("/tasks", get(all))
        .route("/tasks/{gid}", post(by_hand))
        .route("/grants/expire", post(expire))
        .route("/grants/revoke", post(revoke))
}

async fn all(State(hub): State<Hub>) -> Response {
    reply(200, &json!({ "tasks": tasks(&hub) }))
}

async fn by_hand(State(hub): State<Hub>, Path(gid): Path<String>, Json(done): Json<Done>) -> Response {
    if work(&hub, &gid, &done) {
        reply(200, &json!({}))
    } else {
        reply(404, &json!({"error": "no such task"}))
    }
}

async fn expire(State(hub): State<Hub>) -> Response {
    hub.own::<Grants>().given().access.clear();
    reply(200, &json!({}))
}

async fn revoke(State(hub): State<Hub>) -> Response {
    *hub.own::<Grants>().given() = Given::default();
    reply(200, &json!({}))
}

/// What somebody does to a task at Asana's own pages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Done {
    completed: Option<bool>,
    #[serde(deserialize_with = "given")]
    assignee: Option<Option<String>>,
    deleted: bool,
}

/// Tells `null` from what is not there.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Somebody works on a task by hand; whether it is there. No call of ours, and so nothing for the journal.
fn work(hub: &Hub, gid: &str, done: &Done) -> bool {
    let board = hub.own::<Board>();
    let mut shelf = board.shelf();
    let Ok(number) = gid.parse::<u64>() else {
        return false;
    };
    let Some(task) = shelf.tasks.get_mut(&number) else {
        return false;
    };
    if let Some(completed) = done.completed {
        task.completed = completed;
        hooks::tell(hub, task, STAFF, Told::field("completed"));
    }
    if let Some(assignee) = &done.assignee {
        task.assignee.clone_from(assignee);
        hooks::tell(hub, task, STAFF, Told::field("assignee"));
    }
    task.modified = hub.now();
    if done.deleted {
        hooks::tell(hub, task, STAFF, Told::of("deleted"));
        shelf.tasks.remove(&number);
    }
    true
}
