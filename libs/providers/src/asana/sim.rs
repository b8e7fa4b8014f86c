//! The simulator of Asana: tasks of a project with their sections, external ids, and the OAuth host.
//!
//! The journal has an entry for each task that is made (`tasks.create`, with the external id as reference and key), and
//! for each change that changes something (`tasks.update`, `sections.add_task`): who makes a task twice for one order is
//! seen there, where Asana lets it. Webhooks are made by their call alone, with the handshake while it is open, and tell of
//! whatever is done to tasks, by us or at the control paths. An account is a workspace; settings steer it:
//!
//! | Setting | Meaning |
//! |---|---|
//! | `project` | gid of its project; any without it |
//! | `sections` | its sections, the first one first, parted by blanks, each as `<gid>` or `<state>=<gid>`; any without it |
//! | `people` | who can be assigned, ids and addresses parted by blanks; anybody without it |
//! | `token_kind` | what its `access_token` is: `oauth` (the default), or `personal`, which knows no external ids |
//! | `external_repeat` | what a second task with the same external id gets: `403` (the default), `400`, or `allow`: Asana does not say |
//! | `minute_limit` | calls in 60 s of a token (150), refused ones included; 0 for no limit |
//! | `plan_ended` | `true`: whatever writes is answered with 402 |
//! | `token_life_s` | life of access tokens (3600) |
//! | `hook_attempts` | tries of a webhook's delivery (6), the waits doubling from 100 ms; Asana's take a day |
//! | `consent` | `refuse`: the consent page sends people back with `access_denied` |
//! | `redirect_uris` | the registered ones, parted by blanks; any without it |

mod board;
mod caller;
mod control;
mod grants;
mod hooks;
mod oauth_host;
mod rest;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

pub use board::{Task, tasks};

use crate::sim::{Account, Hub, Simulator, reply, reply_later};

const SLUG: &str = "asana";

/// The simulator.
pub(crate) static SIMULATOR: Sim = Sim;

/// The simulator's type; its state is the hub's.
pub(crate) struct Sim;

impl Simulator for Sim {
    fn routes(&self) -> Router<Hub> {
        let task = get(rest::show).put(rest::update).delete(rest::delete);
        let api = Router::new()
            .route("/tasks", post(rest::create))
            .route("/tasks/{task}", task)
            .route("/sections/{section}/addTask", post(rest::add_to_section))
            .route("/users/me", get(rest::me))
            .route("/webhooks", post(hooks::create));
        Router::new()
            .route("/-/oauth_authorize", get(oauth_host::authorize))
            .route("/-/oauth_token", post(oauth_host::token))
            .nest("/api/1.0", api)
    }

    fn control(&self) -> Router<Hub> {
        control::routes()
    }

    fn reset(&self, hub: &Hub) {
        hub.own::<board::Board>().reset();
        hub.own::<hooks::Hooks>().reset();
        hub.own::<caller::Counts>().reset();
    }

    fn rate_limited(&self, retry_after_s: Option<u32>) -> Response {
        let message = "You have made too many requests recently. Please wait before you try again.";
        reply_later(429, &problem(message), retry_after_s)
    }

    fn rate_per_second(&self) -> u32 {
        0
    }
}

/// A refusal in Asana's form.
fn refuse(status: u16, message: &str) -> Response {
    reply(status, &problem(message))
}

fn problem(message: &str) -> serde_json::Value {
    let help = "For more information on API status codes and how to handle them, read the docs on errors";
    json!({"errors": [{"message": message, "help": help}]})
}

/// A number among an account's settings.
fn number(account: &Account, name: &str, default: u64) -> u64 {
    account.setting(name, "").parse().unwrap_or(default)
}

/// Whether a list among an account's settings has an entry; a list that is not there has all.
fn allows(account: &Account, list: &str, entry: &str) -> bool {
    let listed = account.setting(list, "");
    listed.trim().is_empty() || entries(listed).any(|one| one == entry)
}

/// The entries of a list: `<value>` or `<name>=<value>`, parted by blanks.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split_whitespace()
        .map(|one| one.rsplit_once('=').map_or(one, |(_, value)| value))
}
