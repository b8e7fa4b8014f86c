//! A photograph that was stored before it is brought: looked at before it counts.

use puente_blob::content::{self, ContentError};
use puente_blob::{BlobKey, Container, MediaType, Sha256Hash, Stored};
use puente_proto::ocr::StoredPhoto;
use puente_rpc::Caller;
use tonic::Status;

use super::{Answers, ask};
use crate::infrastructure::documents::MAX_BYTES;

/// Looks at the stored file: its kind is told by its content.
pub(super) async fn read(answers: &Answers, caller: &Caller, photo: &StoredPhoto) -> Result<Stored, Status> {
    let tenant = caller.tenant()?;
    let container = Container::Assets;
    if photo.container != container.as_str() {
        return Err(Status::invalid_argument("photographs of plates are in `assets`"));
    }
    let key = BlobKey::parse(&photo.key).map_err(|_| Status::invalid_argument("the key is none"))?;
    if key.tenant().as_ref() != Some(tenant) {
        return Err(Status::invalid_argument("the key belongs to another tenant"));
    }
    let sha256: Sha256Hash = photo
        .sha256
        .parse()
        .map_err(|_| Status::invalid_argument("sha256 has 64 hexadecimal digits"))?;
    let read = answers.blobs.get(container, &key, MAX_BYTES, Some(&sha256)).await;
    let bytes = read.map_err(ask::stored)?;
    let media_type = content::check(&bytes, &MediaType::IMAGES, MAX_BYTES)
        .map_err(|error: ContentError| Status::invalid_argument(error.to_string()))?;
    Ok(Stored {
        container,
        key,
        media_type,
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        sha256,
    })
}
