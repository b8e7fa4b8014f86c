//! The event catalogue and the document about this interface.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::describe::{Api, doc};
use crate::domain::Right;
use crate::web::Access;

/// Generated; a check holds it against `proto/`.
const ASYNCAPI: &str = include_str!("../../../../docs/asyncapi.json");

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadCatalogue);
    api.get(
        "/api/openapi.json",
        Access::Anyone,
        openapi,
        doc("getOpenApi", "This document").object(&[]),
    )
    .get(
        "/api/events/catalogue",
        read,
        catalogue,
        doc("getCatalogue", "Every event: type, subject, owner, meaning").answer::<Catalogue>(),
    )
    .get(
        "/api/events/asyncapi.json",
        read,
        asyncapi,
        doc("getAsyncApi", "The events as an AsyncAPI 3 document").object(&[]),
    )
    .get(
        "/api/events/descriptors.binpb",
        read,
        descriptors,
        doc(
            "getDescriptors",
            "All protobuf files as a FileDescriptorSet, with comments",
        )
        .bytes(),
    )
}

async fn openapi() -> Json<&'static Value> {
    Json(super::document())
}

/// Every event.
#[derive(Debug, Serialize, ToSchema)]
struct Catalogue {
    /// By name.
    events: Vec<Entry>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    /// The full protobuf name, as in `ce-type`.
    name: &'static str,
    /// Where it travels; `*` stands for the tenant.
    subject: String,
    /// The service that publishes it.
    owner: &'static str,
    /// What it means.
    about: &'static str,
}

async fn catalogue() -> Json<Catalogue> {
    let events = puente_proto::CATALOGUE.iter().map(|event| Entry {
        name: event.name,
        subject: format!("puente.v1.*.{}.{}.{}", event.domain, event.entity, event.verb),
        owner: event.owner,
        about: event.about,
    });
    Json(Catalogue {
        events: events.collect(),
    })
}

async fn asyncapi() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, ASYNCAPI).into_response()
}

async fn descriptors() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    (kind, puente_proto::DESCRIPTORS).into_response()
}
