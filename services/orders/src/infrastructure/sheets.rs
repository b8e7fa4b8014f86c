//! Makes the record sheets of assets: set, stored under a key that follows from asset and version, recorded. Again when the
//! asset changes.
//!
//! Killed at any point, the next worker makes the same sheet under the same key. A photograph that is missing or was
//! altered does not stop a sheet: it says so. One sheet at a time in a replica: setting takes a processor.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use puente_blob::{BlobError, BlobKey, Blobs, Container, MediaType, Sha256Hash, Stored};
use puente_documents::{About, Document, Documents, NewDocument, RecordError, Wanted};
use puente_outbox::{Outbox, OutboxError};
use puente_types::Clock;
use puente_typeset::{
    SheetData, SheetFact, SheetFactKind, SheetOrigin, SheetPhoto, Templates, TypesetError, limits,
};
use puente_work::{Claimed, Done, Failure, Hold, Job, Limits, Worker, pause};
use sha2::{Digest as _, Sha256};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tracing::Span;
use uuid::Uuid;

use crate::domain::asset::{AssetId, Fact, Origin};
use crate::domain::error::StoreError;
use crate::infrastructure::documents::{ASSET, PHOTO, SHEET};
use crate::infrastructure::store::sheet::{self, Shown};

/// How long a sheet is held without a word: so soon others take over from a replica that died.
const LEASE: Duration = Duration::from_secs(20);
/// Far longer than fetching eight photographs and setting them takes.
const LONGEST: Duration = Duration::from_secs(120);
/// Other replicas' commits do not wake this one; so often it looks by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The pause after a first failure, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// The largest file that was stored of a sheet before.
const MAX_BYTES: usize = 25 * 1024 * 1024;
/// Photographs that are counted; what is more is not told apart.
const MOST_PHOTOS: u32 = 200;

/// Makes sheets.
pub(crate) struct Sheets {
    pub(crate) outbox: Outbox,
    pub(crate) blobs: Blobs,
    pub(crate) documents: Documents,
    pub(crate) templates: Templates,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why a sheet was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the sheet cannot be set: {0}")]
    Typeset(#[from] TypesetError),
    #[error("the sheet was not set to its end")]
    Stopped,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<OutboxError> for Trouble {
    fn from(error: OutboxError) -> Self {
        Self::Store(error.into())
    }
}

impl Trouble {
    /// Whether the same asset would fail again.
    const fn lasts(&self) -> bool {
        matches!(
            self,
            Self::Typeset(_) | Self::Store(StoreError::Corrupt(_)) | Self::Record(RecordError::Refused(_))
        )
    }
}

impl Sheets {
    /// What takes sheets up: one at a time in a replica, and looked for without being woken once in a while.
    pub(crate) fn worker(self, wake: Arc<Notify>) -> Worker<Self> {
        let clock = self.clock.clone();
        let limits = Limits {
            parallel: 1,
            lease: LEASE,
            longest: LONGEST,
            tick: LOOK_AGAIN,
        };
        Worker::new(self, clock, wake, limits)
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.outbox.pool().acquire().await
    }

    async fn make(&self, due: &Claimed) -> Result<(), Trouble> {
        let asset = AssetId::from(due.id);
        let mut connection = self.connection().await?;
        let Some(shown) = sheet::shown(&mut connection, &due.tenant, asset).await? else {
            return Ok(());
        };
        let wanted = Wanted {
            about_kind: ASSET.to_owned(),
            about_id: due.id.to_string(),
            kinds: vec![PHOTO.to_owned()],
            limit: MOST_PHOTOS,
            ..Wanted::default()
        };
        let photos = self.documents.list(&mut connection, &due.tenant, &wanted).await?;
        drop(connection);
        let stored = self.file(due, &shown, &photos).await?;
        let mut tx = self.outbox.begin().await?;
        if !sheet::still_at(&mut tx, &due.tenant, asset, shown.version).await? {
            // The newer one is due already.
            return Ok(());
        }
        let new = NewDocument {
            tenant: due.tenant.clone(),
            idempotency_key: format!("sheet:{}:{}", due.id, shown.version),
            about: About::new(ASSET, due.id),
            kind: SHEET.to_owned(),
            file_name: format!("hoja-de-vida-{}.pdf", shown.number),
            stored,
            by: String::new(),
            expires_on: None,
            note: String::new(),
            cause: None,
        };
        let document = self.documents.record(&mut tx, &new).await?.document();
        sheet::made(&mut tx, &due.tenant, asset, shown.version, document.id).await?;
        tx.commit().await?;
        tracing::info!(asset.id = %due.id, "sheet of asset {} made at version {}", shown.number, shown.version);
        Ok(())
    }

    /// The stored sheet: the one that is there from an attempt that was cut off, or one that is made now.
    async fn file(&self, due: &Claimed, shown: &Shown, photos: &[Document]) -> Result<Stored, Trouble> {
        let key = key(due, shown);
        match self.kept(&key).await {
            Err(BlobError::NotFound) => {}
            kept => return Ok(kept?),
        }
        let mut data = data(shown);
        data.more_photos = photos.len().saturating_sub(limits::PHOTOS);
        for photo in photos.iter().take(limits::PHOTOS) {
            data.photos.push(self.photo(photo).await?);
        }
        let (templates, tenant) = (self.templates.clone(), due.tenant.clone());
        let set = tokio::task::spawn_blocking(move || templates.sheet(&tenant, &data)).await;
        let pdf = Bytes::from(set.map_err(|_| Trouble::Stopped)??.pdf);
        match self
            .blobs
            .put(Container::Reports, &key, pdf, MediaType::Pdf)
            .await
        {
            // Somebody was faster, with a photograph more or less: what was stored first counts.
            Err(BlobError::AlreadyExists) => Ok(self.kept(&key).await?),
            stored => Ok(stored?),
        }
    }

    async fn kept(&self, key: &BlobKey) -> Result<Stored, BlobError> {
        let there = self.blobs.get(Container::Reports, key, MAX_BYTES, None).await?;
        Ok(Stored {
            container: Container::Reports,
            key: key.clone(),
            media_type: MediaType::Pdf,
            bytes: u64::try_from(there.len()).unwrap_or(u64::MAX),
            sha256: Sha256Hash::of(&there),
        })
    }

    async fn photo(&self, photo: &Document) -> Result<SheetPhoto, BlobError> {
        let fetched = self
            .blobs
            .get(
                photo.container,
                &photo.key,
                limits::PHOTO_BYTES,
                Some(&photo.sha256),
            )
            .await;
        let bytes = match fetched {
            Ok(bytes) => Some(bytes.to_vec()),
            Err(error @ (BlobError::NotFound | BlobError::Tampered | BlobError::TooLarge { .. })) => {
                tracing::warn!(document.id = %photo.id, error = %error, "a photograph cannot be shown");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(SheetPhoto {
            name: photo.file_name.clone(),
            sha256: photo.sha256.to_string(),
            bytes,
        })
    }
}

#[async_trait]
impl Job for Sheets {
    type Row = Claimed;
    type Trouble = Trouble;

    async fn take(&self, hold: Hold, now: OffsetDateTime) -> Result<Option<Claimed>, sqlx::Error> {
        sheet::claim(&mut *self.connection().await?, hold, now).await
    }

    async fn hold(&self, due: &Claimed, hold: Hold) -> Result<bool, sqlx::Error> {
        sheet::hold(&mut *self.connection().await?, due, hold).await
    }

    async fn release(&self, due: &Claimed, by: Uuid) -> Result<(), sqlx::Error> {
        sheet::release(&mut *self.connection().await?, due, by).await
    }

    async fn work(&self, due: &Claimed) -> Result<Done, Trouble> {
        self.make(due).await.map(|()| Done::All)
    }

    async fn failed(&self, due: &Claimed, why: Failure<Trouble>) -> Result<(), sqlx::Error> {
        let error = match why {
            Failure::Trouble(error) => error,
            Failure::TooLong => Trouble::Stopped,
        };
        let again = if error.lasts() {
            tracing::error!(asset.id = %due.id, error = %error, "a sheet is not made until its asset changes");
            None
        } else {
            tracing::warn!(asset.id = %due.id, attempt = due.tries, error = %error, "a sheet is made later");
            Some(self.clock.now() + pause(due.tries, FIRST_PAUSE, LONGEST_PAUSE))
        };
        sheet::failed(&mut *self.connection().await?, due, again).await
    }

    fn span(&self, due: &Claimed) -> Span {
        let span = tracing::info_span!("asset.sheet", tenant.id = %due.tenant, asset.id = %due.id);
        puente_telemetry::set_parent(&span, due.traceparent.as_deref());
        span
    }
}

/// Where the sheet of this version lies: whoever makes it again meets the same place.
fn key(due: &Claimed, shown: &Shown) -> BlobKey {
    let mut hash = Sha256::new();
    hash.update(due.id.as_bytes());
    hash.update(SHEET);
    hash.update(shown.version.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    BlobKey::named(&due.tenant, shown.registered_at, Uuid::from_bytes(id), "pdf")
}

fn data(shown: &Shown) -> SheetData {
    let history = shown.history.iter().map(|fact| SheetFact {
        at: fact.at,
        kind: kind(fact.fact),
        serial: fact.serial.clone(),
        by: fact.by.clone(),
        order_number: fact.order.map(|number| number.to_string()),
        data: fact.data.clone(),
    });
    SheetData {
        number: shown.number.to_string(),
        serial: shown.serial.clone(),
        origin: match shown.origin {
            Origin::Read => SheetOrigin::Read,
            Origin::Confirmed => SheetOrigin::Confirmed,
            Origin::Corrected => SheetOrigin::Corrected,
            Origin::Manual => SheetOrigin::Manual,
            Origin::Generated => SheetOrigin::Generated,
        },
        confidence_permille: shown.confidence.get(),
        by: shown.by.clone(),
        order_number: shown.order.map(|number| number.to_string()),
        data: shown.data.clone(),
        photos: Vec::new(),
        more_photos: 0,
        history: history.collect(),
        registered_at: shown.registered_at,
        as_of: shown.changed_at,
    }
}

const fn kind(fact: Fact) -> SheetFactKind {
    match fact {
        Fact::Registered => SheetFactKind::Registered,
        Fact::Seen => SheetFactKind::Seen,
        Fact::Changed => SheetFactKind::Changed,
        Fact::Mismatch => SheetFactKind::Mismatch,
    }
}
