//! Files of messages as Meta serves them: asked for by id, then fetched by a URL that ends.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::{SLUG, authorised};
use crate::sim::{Hub, bare, media, reply};

/// Where a file lies: a URL that ends after five minutes (setting `media_url_life_s`).
pub(super) async fn place(
    State(hub): State<Hub>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let account = match authorised(&hub, &headers, |_| hub.file(SLUG, &id).is_some()) {
        Ok(account) => account,
        Err(refused) => return *refused,
    };
    let Some(file) = hub.file(SLUG, &id) else {
        return bare(404);
    };
    let (here, ticket) = (
        media::reached_at(SLUG, &headers),
        media::ticket(&hub, &account, &id),
    );
    reply(
        200,
        &json!({"messaging_product": "whatsapp", "url": format!("{here}/whatsapp_business/attachments/?{ticket}"),
            "mime_type": file.mime, "sha256": hex::encode(file.sha256), "file_size": file.bytes.len().to_string(), "id": id}),
    )
}

/// A file's bytes: only for who brings the token, and while the URL lives.
pub(super) async fn attachment(
    State(hub): State<Hub>,
    Query(ticket): Query<media::Ticket>,
    headers: HeaderMap,
) -> Response {
    match authorised(&hub, &headers, |_| true) {
        Ok(_) => media::open(&hub, SLUG, &ticket),
        Err(_) => bare(401),
    }
}
