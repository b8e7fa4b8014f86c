//! Addresses that lead nowhere: a page for people, the interface's own words for programs.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Response};

use crate::console::problem::Problem;
use crate::console::view::View;
use crate::state::App;

/// `GET` of anything else.
pub(crate) async fn show(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts.uri.path().starts_with("/api") {
        return crate::web::Problem::not_found().into_response();
    }
    match View::from_request_parts(&mut parts, &app).await {
        Ok(view) => view.answer(Err(Problem::NotFound)),
        Err(answer) => answer,
    }
}
