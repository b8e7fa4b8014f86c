//! The table of routes. A router is made of nothing else, so that a route without a line here, with the right that it
//! needs, cannot be served.
//!
//! ```text
//! Routes::new(FACE)
//!     .get("/api/orders", Access::Needs(Right::ReadOrders), list)     reads
//!     .post("/api/orders/{id}/assignment", …, assign)                 changes; asks for an Idempotency-Key under /api
//!     .put("/api/directory/{id}", …, put)                             likewise, and may be repeated as it is
//!     .patch("/api/assets/{id}", …, change)                          changes a part of what is there
//!     .upload("/api/orders/{id}/documents", …, upload)                a change that brings a file
//!     .ask("/api/replays/plan", …, plan)                              a POST that may be repeated as it is
//! ```

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::request::Parts;

use super::guard::{self, Refusal};
use crate::domain::Right;
use crate::state::App;

/// Bytes of a request's body at most. The longest that is meant is a reason of 500 characters.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// Bytes of a file at most: the largest scan or photo that a phone makes.
pub(crate) const MAX_FILE: usize = 25 * 1024 * 1024;
/// Bytes of a form that brings a file.
const MAX_UPLOAD: usize = MAX_FILE + MAX_BODY;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever comes: the log-in page, style sheets.
    Anyone,
    /// Whoever is let in, with any role.
    Known,
    /// Who has the right.
    Needs(Right),
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// Changes something: under `/api` a repeated request is known by its `Idempotency-Key`.
    Write,
    /// Is sent by POST and may be repeated as it is.
    Ask,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET`, `POST`, `PUT` or `PATCH`.
    pub method: &'static str,
    /// As axum and OpenAPI write it: `/api/orders/{id}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// What it does.
    pub kind: Kind,
    /// Bytes of a request's body at most.
    pub max_body: usize,
}

/// How a part of the gateway speaks to whom it refuses.
#[derive(Clone, Copy)]
pub(crate) struct Face {
    /// The answer to a refused request, of which the head is given.
    pub(crate) refuse: fn(&Refusal, &Parts) -> Response,
    /// Whether writes need an `Idempotency-Key`.
    pub(crate) idempotent: bool,
}

/// Routes that are being collected.
pub(crate) struct Routes {
    face: Face,
    list: Vec<(Route, MethodRouter<App>)>,
}

impl Routes {
    /// None yet.
    pub(crate) fn new(face: Face) -> Self {
        Self {
            face,
            list: Vec::new(),
        }
    }

    /// A route that reads.
    pub(crate) fn get<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("GET", path, access, (Kind::Read, MAX_BODY), handler)
    }

    /// A route that changes something.
    pub(crate) fn post<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("POST", path, access, (Kind::Write, MAX_BODY), handler)
    }

    /// A route that puts something in the place of what was there.
    pub(crate) fn put<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("PUT", path, access, (Kind::Write, MAX_BODY), handler)
    }

    /// A route that changes a part of what is there.
    pub(crate) fn patch<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("PATCH", path, access, (Kind::Write, MAX_BODY), handler)
    }

    /// A route that changes something, and is brought a file.
    pub(crate) fn upload<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("POST", path, access, (Kind::Write, MAX_UPLOAD), handler)
    }

    /// A POST that may be repeated as it is.
    pub(crate) fn ask<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("POST", path, access, (Kind::Ask, MAX_BODY), handler)
    }

    fn add<H, T>(
        mut self,
        method: &'static str,
        path: &'static str,
        access: Access,
        (kind, max_body): (Kind, usize),
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let filter = match method {
            "POST" => MethodFilter::POST,
            "PUT" => MethodFilter::PUT,
            "PATCH" => MethodFilter::PATCH,
            _ => MethodFilter::GET,
        };
        let route = Route {
            method,
            path,
            access,
            kind,
            max_body,
        };
        // What a body may have is decided by the guard alone.
        let handler = on(filter, handler).layer(DefaultBodyLimit::disable());
        self.list.push((route, handler));
        self
    }

    /// The table.
    pub(crate) fn table(&self) -> Vec<Route> {
        self.list.iter().map(|(route, _)| *route).collect()
    }

    /// The routes, each behind its guard.
    pub(crate) fn into_router(self, app: &App) -> Router<App> {
        let face = self.face;
        self.list
            .into_iter()
            .fold(Router::new(), |router, (route, handler)| {
                let guarded = guard::Guarded {
                    app: app.clone(),
                    face,
                    route,
                };
                router.route(
                    route.path,
                    handler.layer(from_fn_with_state(guarded, guard::pass)),
                )
            })
    }
}
