//! What handlers take: a handler that takes a [`Principal`] or a [`Session`] is reached by nobody else.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::session::Session;
use crate::domain::Principal;
use crate::state::App;

impl FromRequestParts<App> for Principal {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, StatusCode> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, StatusCode> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}
