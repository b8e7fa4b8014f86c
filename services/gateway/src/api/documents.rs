//! Documents: what there is, links to them, and what people bring.

use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::dead_letters::of_service;
use super::describe::{Api, Shape, doc};
use super::input::{Asking, Form, Query};
use super::lists::{Limit, cursor, words};
use crate::application::documents::{DOCUMENT, Wanted as Which, find, list as listed};
use crate::application::orders::order;
use crate::application::reflect::{Show, json as seen};
use crate::documents::{self, Brought, By};
use crate::domain::Right;
use crate::domain::documents::About;
use crate::web::{Access, Problem};

/// Texts of a form beside its file.
const TEXTS: [&str; 4] = ["file", "kind", "expires_on", "note"];

pub(super) fn routes(api: Api) -> Api {
    let read = Access::Needs(Right::ReadDocuments);
    let bring = Access::Needs(Right::BringDocuments);
    api.get(
        "/api/documents",
        read,
        list,
        doc(
            "listDocuments",
            "Documents of all services, newest first, as far as the role reaches",
        )
        .query::<Wanted>()
        .object(&[
            ("documents", Shape::OfServices(DOCUMENT)),
            ("next_cursor", Shape::Text),
            ("unavailable", Shape::Texts),
        ]),
    )
    .get(
        "/api/documents/{id}",
        read,
        get,
        doc("getDocument", "What is known of a document").message(DOCUMENT),
    )
    .ask(
        "/api/documents/{id}/link",
        read,
        link,
        doc(
            "linkDocument",
            "A link to its content that lives for an hour; leaves a row in the audit trail",
        )
        .answer::<LinkAnswer>(),
    )
    .get(
        "/api/documents/{id}/content",
        read,
        content,
        doc(
            "openDocument",
            "Leads to its content by such a link; leaves a row in the audit trail",
        )
        .answered(302)
        .or(&[409]),
    )
    .upload(
        "/api/orders/{order}/documents",
        bring,
        to_order,
        doc("bringOrderDocument", "Keeps a document about an order")
            .form(&[
                ("kind", "`report`, `photo`, `quotation` or `other`.", true),
                ("expires_on", "The last day it is valid: 2026-12-31.", false),
                ("note", "A remark, at most 500 characters.", false),
            ])
            .message(DOCUMENT),
    )
    .upload(
        "/api/directory/{person}/documents",
        bring,
        to_provider,
        doc("bringProviderDocument", "Keeps a document of a service provider")
            .form(&[
                (
                    "kind",
                    "`arl`, `eps`, `rut`, `camara_comercio`, `policy`, `certificate` or `other`.",
                    true,
                ),
                ("expires_on", "The last day it is valid: 2026-12-31.", false),
                ("note", "A remark, at most 500 characters.", false),
            ])
            .message(DOCUMENT),
    )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Documents in one answer; 50 when not said.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "cursor")]
    #[param(value_type = Option<String>, max_length = 4096)]
    cursor: String,
    /// What they are about: `order`, `service_provider`, `asset`, `capture`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    about_kind: String,
    /// Which of them, by id; an order by its number as well. Needs `about_kind`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    about_id: String,
    /// `contract`, `signed`, `report` …, with commas between them.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    kinds: String,
    /// In force, and ending on or before this day: 2026-12-31.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    expires_until: String,
}

async fn list(asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let which = Which {
        about_kind: wanted.about_kind,
        about_id: wanted.about_id,
        kinds: words(&wanted.kinds),
        expires_until: wanted.expires_until,
    };
    let (cursor, limit) = (&wanted.cursor, wanted.limit.0);
    let page = listed(asking.ask(), &asking.principal, &which, cursor, limit).await?;
    let show = Show::to(&asking.principal);
    let documents: Vec<Value> = page
        .items
        .iter()
        .map(|(service, document)| of_service(service, seen(DOCUMENT, document, show)))
        .collect();
    Ok(Json(json!({
        "documents": documents,
        "next_cursor": page.next,
        "unavailable": page.unavailable,
    })))
}

async fn get(asking: Asking, Path(id): Path<String>) -> Answer {
    let (_, document) = find(asking.ask(), &asking.principal, &id).await?;
    Ok(Json(seen(DOCUMENT, &document, Show::to(&asking.principal))))
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
struct LinkAnswer {
    /// Whoever has it may read the document: it is not to be kept.
    url: String,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
}

async fn linked(asking: &Asking, id: &str) -> Result<LinkAnswer, Problem> {
    let (_, document) = find(asking.ask(), &asking.principal, id).await?;
    let made = documents::link(&asking.app, &asking.principal, &asking.trace, &document).await?;
    Ok(LinkAnswer {
        url: made.url,
        expires_at: made.expires_at,
    })
}

async fn link(asking: Asking, Path(id): Path<String>) -> Result<Json<LinkAnswer>, Problem> {
    linked(&asking, &id).await.map(Json)
}

async fn content(asking: Asking, Path(id): Path<String>) -> Result<Response, Problem> {
    let link = linked(&asking, &id).await?;
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let place =
        HeaderValue::from_str(&link.url).map_err(|_| Problem::of(StatusCode::INTERNAL_SERVER_ERROR))?;
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

async fn to_order(asking: Asking, Path(which): Path<String>, form: Form) -> Answer {
    let order = order(asking.ask(), &asking.principal, &which).await?;
    bring(asking, About::Order, &order.order_id, &form).await
}

async fn to_provider(asking: Asking, Path(person): Path<String>, form: Form) -> Answer {
    super::directory::named(&person)?;
    bring(asking, About::ServiceProvider, &person, &form).await
}

async fn bring(asking: Asking, about: About, about_id: &str, form: &Form) -> Answer {
    form.only(&TEXTS)?;
    let brought = Brought {
        about,
        about_id,
        kind: form.text("kind")?,
        file: form.file()?,
        expires_on: form.text("expires_on")?,
        note: form.text("note")?.trim(),
    };
    let by = By {
        principal: &asking.principal,
        trace: &asking.trace,
        key: &asking.key,
    };
    let document = documents::bring(&asking.app, asking.ask(), by, brought).await?;
    Ok(Json(seen(DOCUMENT, &document, Show::to(&asking.principal))))
}
