//! A photograph of a serial plate: kept first, whatever becomes of its reading, and read then.

use puente_blob::content;
use puente_blob::{BlobKey, Container, MAX_OBJECT_BYTES, MediaType, Sha256Hash, Stored, name};
use puente_proto::ocr::{Attempt, Capture, RecognizeSerialRequest, StoredPhoto};
use serde_json::json;

use super::bring::{Judged, judge};
use super::{By, blobs};
use crate::application::documents::{find, reaches};
use crate::application::failure::Failure;
use crate::application::questions::Ask;
use crate::audit::{self, Entry};
use crate::domain::documents::{Reach, reach};
use crate::state::App;
use crate::web::form_data::Field;

/// What the first call waits for the reading, in milliseconds: less than a call may take.
const WAIT_MS: u32 = 2_500;

/// Where the photograph is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Photo<'a> {
    /// Brought now.
    File(&'a Field),
    /// A document that is known.
    Document(&'a str),
    /// Stored before under this key of the container `assets`.
    Key(&'a str),
}

/// What it is a photograph of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plate<'a> {
    /// The capture that it is another attempt of; empty for a new one.
    pub(crate) capture_id: &'a str,
    /// The order that it belongs to; empty when to none.
    pub(crate) order_id: &'a str,
    /// The asset whose plate it is; empty for a new one.
    pub(crate) asset_id: &'a str,
}

impl Plate<'_> {
    /// What the trail calls it.
    fn object<'a>(&'a self, key: &'a str) -> &'a str {
        [self.capture_id, self.asset_id, self.order_id]
            .into_iter()
            .find(|id| !id.is_empty())
            .unwrap_or(key)
    }
}

/// Keeps a photograph, and has it read.
pub(crate) async fn recognise(
    app: &App,
    ask: Ask<'_>,
    by: By<'_>,
    photo: Photo<'_>,
    plate: Plate<'_>,
) -> Result<(Capture, Attempt), Failure> {
    if reach(by.principal.role, Container::Assets) < Reach::Bring {
        return Err(Failure::Forbidden);
    }
    match photo {
        Photo::File(file) => brought(app, ask, by, file, plate).await,
        Photo::Document(id) => {
            let (_, document) = find(ask, by.principal, id).await?;
            if reaches(by.principal, &document) < Reach::Open {
                return Err(Failure::NotFound);
            }
            if document.container == Container::Assets.as_str() {
                let name = document.file_name;
                return kept(
                    app,
                    ask,
                    by,
                    (&document.key, &name, Some(&document.sha256)),
                    plate,
                )
                .await;
            }
            // A photograph of an order becomes one of its equipment: the same bytes, kept there as well.
            let (container, key) = place(by, &document.container, &document.key)?;
            let expected = document.sha256.parse().map_err(|_| Failure::Altered)?;
            let _place = app.places.read().await.ok_or(Failure::Busy("storage"))?;
            let bytes = blobs(app)?.get(container, &key, MAX_OBJECT_BYTES, Some(&expected));
            let file = Field {
                name: "photo".to_owned(),
                file_name: Some(document.file_name),
                bytes: bytes.await?,
            };
            brought(app, ask, by, &file, plate).await
        }
        Photo::Key(key) => kept(app, ask, by, (key, "", None), plate).await,
    }
}

/// The place of an object of the principal's own tenant.
fn place(by: By<'_>, container: &str, key: &str) -> Result<(Container, BlobKey), Failure> {
    let tenant = by.principal.scope.tenant().ok_or(Failure::NeedsTenant)?;
    let key = BlobKey::parse(key).map_err(|_| Failure::NotFound)?;
    if key.tenant().as_ref() != Some(tenant) {
        return Err(Failure::NotFound);
    }
    let container = container.parse().map_err(|_| Failure::NotFound)?;
    Ok((container, key))
}

async fn brought(
    app: &App,
    ask: Ask<'_>,
    by: By<'_>,
    file: &Field,
    plate: Plate<'_>,
) -> Result<(Capture, Attempt), Failure> {
    let judged: Judged<'_> = judge(app, by, file, &MediaType::IMAGES)?;
    let key = judged.key.to_string();
    let entry = Entry {
        action: "capture.photo_brought",
        object: plate.object(&key),
        after: Some(judged.about(Container::Assets, "photo", "capture")),
        trace: by.trace,
        ..Entry::default()
    };
    let read = |stored: Stored| read(ask, by, stored, judged.file_name(), plate);
    audit::recorded(app, by.principal, entry, judged.keep(Container::Assets, read)).await
}

/// A photograph that is in the store already; it stays there, whatever is answered.
async fn kept(
    app: &App,
    ask: Ask<'_>,
    by: By<'_>,
    (key, file_name, sha256): (&str, &str, Option<&str>),
    plate: Plate<'_>,
) -> Result<(Capture, Attempt), Failure> {
    let (container, key) = place(by, Container::Assets.as_str(), key)?;
    let expected: Option<Sha256Hash> = sha256.map(str::parse).transpose().map_err(|_| Failure::Altered)?;
    let text = key.to_string();
    let entry = Entry {
        action: "capture.photo_named",
        object: plate.object(&text),
        after: Some(json!({ "container": container.as_str(), "key": text })),
        trace: by.trace,
        ..Entry::default()
    };
    let reading = async {
        let in_memory = app.places.read().await.ok_or(Failure::Busy("storage"))?;
        let bytes = blobs(app)?
            .get(container, &key, MAX_OBJECT_BYTES, expected.as_ref())
            .await?;
        let media_type = content::check(&bytes, &MediaType::IMAGES, MAX_OBJECT_BYTES)
            .map_err(|error| Failure::Kind(error.to_string()))?;
        let stored = Stored {
            container,
            key: key.clone(),
            media_type,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: Sha256Hash::of(&bytes),
        };
        drop((bytes, in_memory));
        read(ask, by, stored, name::clean(file_name), plate).await
    };
    audit::recorded(app, by.principal, entry, reading).await
}

async fn read(
    ask: Ask<'_>,
    by: By<'_>,
    stored: Stored,
    file_name: String,
    plate: Plate<'_>,
) -> Result<(Capture, Attempt), Failure> {
    let question = RecognizeSerialRequest {
        photo: Some(StoredPhoto {
            document_id: String::new(),
            container: stored.container.to_string(),
            key: stored.key.to_string(),
            sha256: stored.sha256.to_string(),
            media_type: stored.media_type.to_string(),
            bytes: stored.bytes,
        }),
        file_name,
        capture_id: plate.capture_id.to_owned(),
        order_id: plate.order_id.to_owned(),
        asset_id: plate.asset_id.to_owned(),
        wait_ms: WAIT_MS,
        idempotency_key: by.key.to_owned(),
    };
    let answer = ask.recognize_serial(question).await;
    let answer = answer.map_err(|status| Failure::of("ocr", &status))?;
    let capture = answer.capture.ok_or(Failure::Broken("ocr"))?;
    Ok((capture, answer.attempt.unwrap_or_default()))
}
