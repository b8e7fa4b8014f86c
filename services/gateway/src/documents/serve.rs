//! `GET /archivos/{container}/{key}`: what a link leads to. The link is the proof: whoever holds it may read, for as long
//! as it lives; each reading leaves a row in the audit trail.

use std::net::SocketAddr;

use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use puente_blob::{BlobKey, Container, LINK_PATH, LinkClaims, LinkError, MAX_OBJECT_BYTES, MediaType};
use serde_json::json;

use super::blobs;
use crate::application::failure::Failure;
use crate::audit::{self, Actor, Entry};
use crate::auth::identify::Identity;
use crate::state::App;
use crate::web::places::Held;
use crate::web::{Problem, guard, trace};

/// Its path, as links name it.
pub(crate) const PATH: &str = "/archivos/{container}/{*key}";
const _: () = assert!(LINK_PATH.len() == "/archivos".len());
/// A file is shown and does nothing else: no scripts, no forms, nothing loaded, no origin of its own.
const CSP: &str = "default-src 'none'; sandbox";

/// `GET` and `HEAD` of a file.
pub(crate) async fn serve(
    State(app): State<App>,
    method: Method,
    Path((container, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Extension(identity): Extension<Identity>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let answer = follow(&app, &method, (&container, &key), &query, &identity).await;
    let problem = match answer {
        Ok(response) => return response,
        Err(problem) => problem,
    };
    // Whoever tries links that we did not make has to wait like whoever tries passwords.
    if problem.slug == TAMPERED
        && let Err(refusal) = guard::stranger(&app, peer.as_ref().map(|peer| &peer.0), &headers)
    {
        return trace::written(Problem::from(&refusal).into_response());
    }
    trace::written(problem.into_response())
}

const TAMPERED: &str = "link-tampered";

fn refused(error: LinkError) -> Problem {
    let new = |slug, title, detail| Problem::new(StatusCode::FORBIDDEN, slug, title, detail);
    match error {
        LinkError::Tampered => new(TAMPERED, "The link is not valid", "ask for the document again"),
        LinkError::Expired => new(
            "link-expired",
            "The link has expired",
            "links live for an hour: ask for the document again",
        ),
        LinkError::NotAllowed => new(
            "link-wrong-permission",
            "The link does not allow this",
            "a link to write cannot be read, and the other way round",
        ),
    }
}

async fn follow(
    app: &App,
    method: &Method,
    (container, key): (&str, &str),
    query: &str,
    identity: &Identity,
) -> Result<Response, Problem> {
    let blobs = blobs(app)?;
    let place = container.parse::<Container>().ok().zip(BlobKey::parse(key).ok());
    let (container, key) = place.ok_or_else(Problem::not_found)?;
    let claims = blobs.open_link(method, container, &key, query).map_err(refused)?;
    if *method == Method::GET {
        row(app, identity, &claims).await?;
    }
    let place = app.places.read().await.ok_or(Failure::Busy("storage"))?;
    let bytes = blobs
        .get(container, &key, MAX_OBJECT_BYTES, claims.sha256.as_ref())
        .await
        .map_err(Failure::from)?;
    let held = Held::new(bytes, place);
    Ok(held_file(app, &claims.disposition(), claims.media_type, held))
}

async fn row(app: &App, identity: &Identity, claims: &LinkClaims) -> Result<(), Failure> {
    let tenant = claims.key.tenant();
    let actor = match identity.principal() {
        Some(principal) => Actor::from(principal),
        None => Actor {
            tenant: None,
            subject: "link".to_owned(),
            name: "link".to_owned(),
        },
    };
    let entry = Entry {
        action: "document.downloaded",
        object: claims.key.as_str(),
        after: Some(json!({ "container": claims.container.as_str(), "key": claims.key.as_str() })),
        ..Entry::default()
    };
    let actor = Actor {
        tenant: tenant.map(|tenant| tenant.to_string()),
        ..actor
    };
    audit::record_by(app, &actor, &entry).await?;
    Ok(())
}

/// A file of the store as an answer, which keeps its place until it is read.
pub(crate) fn held_file(app: &App, disposition: &str, media_type: MediaType, held: Held) -> Response {
    let length = HeaderValue::from(held.bytes.len());
    let mut response = file(disposition, media_type, app.places.body(held));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

/// A file as an answer. Pictures are shown; a PDF is saved, since viewers do not run in a sandbox.
pub(crate) fn file(disposition: &str, media_type: MediaType, bytes: impl Into<Body>) -> Response {
    let disposition = match media_type {
        MediaType::Jpeg | MediaType::Png | MediaType::Webp => disposition.to_owned(),
        MediaType::Pdf | MediaType::Heic | MediaType::Tiff => disposition.replacen("inline", "attachment", 1),
    };
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    // Names are made of ASCII by `puente_blob::name`.
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    let told: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_TYPE, media_type.mime()),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    for (name, value) in told {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
