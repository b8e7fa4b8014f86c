//! A link to a document: for whoever may open it, with a row in the audit trail, and only to what was recorded.

use puente_blob::{BlobKey, Container, Link, MAX_OBJECT_BYTES, MediaType, Sha256Hash, Stored};
use puente_proto::documents::Document;
use serde_json::json;

use super::blobs;
use crate::application::documents::reaches;
use crate::application::failure::Failure;
use crate::audit::{self, Entry};
use crate::domain::Principal;
use crate::domain::documents::Reach;
use crate::state::App;
use crate::web::places::Held;

/// Where a document is.
struct Place {
    container: Container,
    key: BlobKey,
    media_type: MediaType,
}

fn place(principal: &Principal, document: &Document) -> Option<Place> {
    let key = BlobKey::parse(&document.key).ok()?;
    // The service that recorded it holds to this as well: a key of another tenant is never followed.
    let owned = key.tenant().as_ref() == principal.scope.tenant();
    owned.then_some(Place {
        container: document.container.parse().ok()?,
        media_type: document.media_type.parse().ok()?,
        key,
    })
}

/// The row that says that a document is shown.
fn entry<'a>(action: &'static str, trace: &'a str, document: &'a Document) -> Entry<'a> {
    Entry {
        action,
        object: &document.document_id,
        after: Some(json!({
            "container": document.container,
            "key": document.key,
            "kind": document.kind,
            "about": format!("{}/{}", document.about_kind, document.about_id),
        })),
        trace,
        ..Entry::default()
    }
}

/// Where the document is, for whoever may open it.
fn opened(principal: &Principal, document: &Document) -> Result<Place, Failure> {
    if reaches(principal, document) < Reach::Open {
        return Err(Failure::Forbidden);
    }
    place(principal, document).ok_or_else(|| {
        tracing::error!(
            document.id = document.document_id,
            "a document is recorded under a key that is none of its tenant's"
        );
        Failure::Broken("documents")
    })
}

/// Its content, if that is what was recorded, with its place in memory.
async fn content(app: &App, at: &Place, expected: &Sha256Hash) -> Result<Held, Failure> {
    let blobs = blobs(app)?;
    let place = app.places.read().await.ok_or(Failure::Busy("storage"))?;
    let bytes = blobs
        .get(at.container, &at.key, MAX_OBJECT_BYTES, Some(expected))
        .await?;
    Ok(Held::new(bytes, place))
}

/// A link by which the document can be read for an hour.
pub(crate) async fn link(
    app: &App,
    principal: &Principal,
    trace: &str,
    document: &Document,
) -> Result<Link, Failure> {
    let place = opened(principal, document)?;
    let blobs = blobs(app)?;
    let entry = entry("document.linked", trace, document);
    audit::recorded(app, principal, entry, async {
        let expected = document.sha256.parse().map_err(|_| Failure::Altered)?;
        content(app, &place, &expected).await?;
        let stored = Stored {
            container: place.container,
            key: place.key,
            media_type: place.media_type,
            bytes: document.bytes,
            sha256: expected,
        };
        Ok(blobs.read_link_of(&stored, &document.file_name))
    })
    .await
}

/// A picture, for a page that shows it: what links lead to may be another place, which the policy of pages forbids.
/// Anything that browsers do not show as a picture is not there.
pub(crate) async fn picture(
    app: &App,
    principal: &Principal,
    document: &Document,
) -> Result<(MediaType, Held), Failure> {
    let place = opened(principal, document)?;
    if !MediaType::IMAGES.contains(&place.media_type) {
        return Err(Failure::NotFound);
    }
    let entry = entry("document.shown", "", document);
    audit::recorded(app, principal, entry, async {
        let expected = document.sha256.parse().map_err(|_| Failure::Altered)?;
        let held = content(app, &place, &expected).await?;
        Ok((place.media_type, held))
    })
    .await
}
