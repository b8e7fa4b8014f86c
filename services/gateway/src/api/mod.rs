//! The REST interface under `/api`: decode, ask, encode. What may be asked is in the line of each route.

mod assets;
mod audit;
mod capture_commands;
mod captures;
mod catalogue;
mod changes;
mod clients;
mod conversations;
mod dead_letters;
mod deliveries;
mod describe;
mod directory;
mod documents;
mod effects;
mod events;
mod health;
mod input;
mod keys;
mod lists;
mod me;
mod messages;
mod order_signature;
mod order_task;
mod orders;
mod orders_csv;
mod recognize;
mod replays;
mod schemas;
mod search;
mod signatures;
mod users;

use std::sync::LazyLock;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use serde_json::Value;

use crate::web::guard::Refusal;
use crate::web::{Face, Problem, Routes};
use describe::Api;

/// How it speaks to whom it refuses.
const FACE: Face = Face {
    refuse,
    idempotent: true,
};

/// What handlers answer.
type Answer = Result<Json<Value>, Problem>;

fn refuse(refusal: &Refusal, _: &Parts) -> Response {
    Problem::from(refusal).into_response()
}

fn interface() -> Api {
    let parts: [fn(Api) -> Api; 26] = [
        assets::routes,
        audit::routes,
        captures::routes,
        capture_commands::routes,
        catalogue::routes,
        clients::routes,
        conversations::routes,
        dead_letters::routes,
        deliveries::routes,
        directory::routes,
        documents::routes,
        effects::routes,
        events::routes,
        health::routes,
        keys::routes,
        me::routes,
        messages::routes,
        order_signature::routes,
        order_task::routes,
        orders::routes,
        orders_csv::routes,
        recognize::routes,
        replays::routes,
        search::routes,
        signatures::routes,
        users::routes,
    ];
    parts.into_iter().fold(Api::new(), |api, routes| routes(api))
}

/// Its routes.
pub(crate) fn routes() -> Routes {
    interface().finish().0
}

/// The document about it: the same for everybody, and made once.
fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| interface().finish().1);
    &DOCUMENT
}
