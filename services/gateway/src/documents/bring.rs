//! A file that somebody brings: judged by its content, stored, and recorded where what it is about is known.

use puente_blob::content::{self, ContentError};
use puente_blob::{BlobKey, Blobs, Container, MediaType, Sha256Hash, Stored, name};
use puente_proto::documents::{Document, RecordDocumentRequest};
use puente_proto::signature::{RecordScanRequest, Signature};
use puente_types::{Clock as _, TenantId};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::Date;
use time::format_description::well_known::Iso8601;
use uuid::Uuid;

use super::blobs;
use crate::application::failure::Failure;
use crate::application::questions::Ask;
use crate::audit::{self, Entry};
use crate::domain::Principal;
use crate::domain::documents::{About, Reach, reach};
use crate::peers::Peers;
use crate::state::App;
use crate::unrecorded::sweep;
use crate::web::form_data::Field;
use crate::web::routes::MAX_FILE;

/// What people bring: what every browser and phone can show again.
const KINDS: [MediaType; 4] = [MediaType::Pdf, MediaType::Jpeg, MediaType::Png, MediaType::Webp];
/// Characters of a remark at most.
const LONGEST_NOTE: usize = 500;

/// A file, and what it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brought<'a> {
    /// What.
    pub(crate) about: About,
    /// Which of them, by id.
    pub(crate) about_id: &'a str,
    /// What the file is: `report`, `arl` …
    pub(crate) kind: &'a str,
    /// The file.
    pub(crate) file: &'a Field,
    /// The last day it is valid, or empty.
    pub(crate) expires_on: &'a str,
    /// A remark, or empty.
    pub(crate) note: &'a str,
}

/// Who brings it, and by which request.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    /// Who.
    pub(crate) principal: &'a Principal,
    /// The request's trace.
    pub(crate) trace: &'a str,
    /// What makes a repeated request harmless.
    pub(crate) key: &'a str,
}

/// A file that may be kept, before it is.
pub(super) struct Judged<'a> {
    tenant: &'a TenantId,
    blobs: &'a Blobs,
    peers: &'a Peers,
    media_type: MediaType,
    pub(super) key: BlobKey,
    sha256: Sha256Hash,
    file: &'a Field,
}

/// Judges a file that may be of these kinds.
pub(super) fn judge<'a>(
    app: &'a App,
    by: By<'a>,
    file: &'a Field,
    kinds: &[MediaType],
) -> Result<Judged<'a>, Failure> {
    let tenant = by.principal.scope.tenant().ok_or(Failure::NeedsTenant)?;
    let media_type = content::check(&file.bytes, kinds, MAX_FILE).map_err(|error| match error {
        ContentError::TooLarge { .. } => Failure::TooLong,
        ContentError::Empty => Failure::Invalid(error.to_string()),
        _ => Failure::Kind(error.to_string()),
    })?;
    // The same request meets the same place, so that its repetition stores nothing more.
    let digest = Sha256::digest(format!("{tenant}/{}", by.key));
    let id = digest
        .first_chunk::<16>()
        .copied()
        .map_or_else(Uuid::now_v7, Uuid::from_bytes);
    Ok(Judged {
        tenant,
        blobs: blobs(app)?,
        peers: &app.peers,
        media_type,
        key: BlobKey::named(tenant, app.clock.now(), id, media_type.extension()),
        sha256: Sha256Hash::of(&file.bytes),
        file,
    })
}

impl Judged<'_> {
    /// What the trail says of it.
    pub(super) fn about(&self, container: Container, kind: &str, about: &str) -> serde_json::Value {
        json!({
            "container": container.as_str(),
            "key": self.key.as_str(),
            "kind": kind,
            "about": about,
            "bytes": self.file.bytes.len(),
            "sha256": self.sha256.to_string(),
        })
    }

    /// The name that people see.
    pub(super) fn file_name(&self) -> String {
        name::clean(self.file.file_name.as_deref().unwrap_or_default())
    }

    /// Stores it, and has it recorded. What is refused for good is not kept, if nobody but this request can know it.
    pub(super) async fn keep<T, F>(
        &self,
        container: Container,
        record: impl FnOnce(Stored) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let bytes = self.file.bytes.clone();
        let (stored, ours) = self
            .blobs
            .create(container, &self.key, bytes, self.media_type)
            .await?;
        let recorded = record(stored).await;
        if let Err(failure) = &recorded
            && ours
            && !failure.is_away()
        {
            self.take_back(container).await;
        }
        recorded
    }

    /// Deletes what this request stored, unless a service has recorded it: the same request may have been sent twice at a
    /// time, and the other one have come through. In doubt it stays, and is found as unrecorded.
    async fn take_back(&self, container: Container) {
        let name = self.key.as_str();
        match sweep::is_recorded(self.peers, container, name).await {
            Ok(true) => return,
            Ok(false) => {}
            Err((service, _)) => {
                tracing::warn!(
                    service,
                    tenant.id = %self.tenant,
                    "a file that was refused stays in the store: nobody says whether it is known"
                );
                return;
            }
        }
        if let Err(error) = self.blobs.delete(container, &self.key).await {
            tracing::warn!(
                code = error.code(),
                tenant.id = %self.tenant,
                "a file that was refused stays in the store"
            );
        }
    }
}

/// Keeps a document about an order or a service provider.
pub(crate) async fn bring(
    app: &App,
    ask: Ask<'_>,
    by: By<'_>,
    brought: Brought<'_>,
) -> Result<Document, Failure> {
    let Brought { about, kind, .. } = brought;
    let container = about.container(kind).ok_or_else(|| {
        let words: Vec<_> = about.kinds().iter().map(|(word, _)| *word).collect();
        Failure::Invalid(format!("kind: one of {}", words.join(", ")))
    })?;
    if reach(by.principal.role, container) < Reach::Bring {
        return Err(Failure::Forbidden);
    }
    if !brought.expires_on.is_empty() && Date::parse(brought.expires_on, &Iso8601::DATE).is_err() {
        return Err(Failure::Invalid("expires_on: a date like 2026-12-31".to_owned()));
    }
    if brought.note.chars().count() > LONGEST_NOTE {
        return Err(Failure::Invalid(format!(
            "note: at most {LONGEST_NOTE} characters"
        )));
    }
    let judged = judge(app, by, brought.file, &KINDS)?;
    let subject = format!("{}/{}", about.word(), brought.about_id);
    let entry = Entry {
        action: "document.brought",
        object: brought.about_id,
        after: Some(judged.about(container, kind, &subject)),
        trace: by.trace,
        ..Entry::default()
    };
    let orders = || ask.named("orders").ok_or(Failure::Away("orders"));
    let record = |stored: Stored| {
        let question = RecordDocumentRequest {
            about_kind: about.word().to_owned(),
            about_id: brought.about_id.to_owned(),
            kind: kind.to_owned(),
            container: stored.container.to_string(),
            key: stored.key.to_string(),
            file_name: judged.file_name(),
            media_type: stored.media_type.to_string(),
            bytes: stored.bytes,
            sha256: stored.sha256.to_string(),
            expires_on: brought.expires_on.to_owned(),
            note: brought.note.to_owned(),
            idempotency_key: by.key.to_owned(),
        };
        async move {
            let recorded = ask.record_document(orders()?, question).await;
            let recorded = recorded.map_err(|status| Failure::of("orders", &status))?;
            recorded.document.ok_or(Failure::Broken("orders"))
        }
    };
    audit::recorded(app, by.principal, entry, judged.keep(container, record)).await
}

/// Keeps the scan of a contract that was signed on paper.
pub(crate) async fn scan(
    app: &App,
    ask: Ask<'_>,
    by: By<'_>,
    request_id: &str,
    file: &Field,
) -> Result<Signature, Failure> {
    if reach(by.principal.role, Container::Contracts) < Reach::Bring {
        return Err(Failure::Forbidden);
    }
    let container = Container::Contracts;
    let judged = judge(app, by, file, &KINDS)?;
    let entry = Entry {
        action: "signature.scanned",
        object: request_id,
        after: Some(judged.about(container, "scan", &format!("signature/{request_id}"))),
        trace: by.trace,
        ..Entry::default()
    };
    let record = |stored: Stored| {
        let question = RecordScanRequest {
            request_id: request_id.to_owned(),
            key: stored.key.to_string(),
            file_name: judged.file_name(),
            sha256: stored.sha256.to_string(),
            bytes: stored.bytes,
            idempotency_key: by.key.to_owned(),
        };
        async move {
            let recorded = ask.record_scan(question).await;
            let recorded = recorded.map_err(|status| Failure::of("signature", &status))?;
            recorded.signature.ok_or(Failure::Broken("signature"))
        }
    };
    audit::recorded(app, by.principal, entry, judged.keep(container, record)).await
}
