//! What captures of serial plates come to, applied in the transaction of the inbox mark: the asset, its photographs, the
//! word to the person, and a note at the order.
//!
//! Only ends count; on the way to them ocr speaks with the person. A capture leads to one fact, however often its end is
//! told. What a person said that ocr did not hear any more is given back to the conversation.

use puente_blob::{BlobKey, Container, Sha256Hash, Stored};
use puente_bus::Envelope;
use puente_documents::{About, Documents, NewDocument, RecordError};
use puente_outbox::{ApplyError, NewEvent, Tx};
use puente_proto::ocr::{CaptureContact, CaptureStateChanged, StoredPhoto};
use puente_types::{Phone, Region, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::asset::{Asset, AssetId, AssetNumber, Fact, Happened, Reading};
use crate::domain::event::Notice;
use crate::domain::order::Reach;
use crate::infrastructure::store::{Cause, asset, capture, signature};
use crate::infrastructure::wire::assets::{End, ended};
use crate::infrastructure::{documents, wire};

/// Photographs of one capture that are kept with its asset; ocr allows fewer attempts.
const MAX_PHOTOS: usize = 20;

/// Applies one event.
pub(crate) async fn apply(
    tx: &mut Tx,
    event: &Envelope,
    kept: &Documents,
    now: OffsetDateTime,
) -> Result<(), ApplyError> {
    let told: CaptureStateChanged = event.decode()?;
    let end = ended(&told).map_err(|reason| ApplyError::Dead(reason.to_owned()))?;
    let Some((id, end)) = end else { return Ok(()) };
    if let End::Serial(reading, asset) = end {
        record(tx, event, &told, *reading, asset, kept, now).await?;
    }
    // Last: a conversation's turn waits for this row, and no longer than it must.
    let mine = capture::end(tx, &event.tenant, id, &told.after, now).await?;
    if mine && told.turn > 0 {
        let unheard = capture::give_back(tx, &event.tenant, id, told.turn).await?;
        if unheard > 0 {
            tracing::debug!(unheard, "what a capture did not hear is worked by the bot");
        }
    }
    Ok(())
}

async fn record(
    tx: &mut Tx,
    event: &Envelope,
    told: &CaptureStateChanged,
    mut reading: Reading,
    meant: Option<AssetId>,
    kept: &Documents,
    now: OffsetDateTime,
) -> Result<(), ApplyError> {
    let tenant = &event.tenant;
    let last = asset::queue_up(tx, tenant).await?;
    if asset::knows(tx, tenant, reading.capture).await? {
        return Ok(());
    }
    let order = match reading.order {
        Some(order) => signature::order(tx, tenant, order).await?,
        None => None,
    };
    reading.order = order.as_ref().map(|(order, _)| order.snapshot().id);
    let (asset, happened) = settle(tx, tenant, last, &reading, meant, now).await?;
    let cause = event.id.to_string();
    asset::tell(tx, tenant, &asset, &happened, now, &cause).await?;
    let mut photo = String::new();
    // The photograph of another plate does not belong into this record; ocr keeps it.
    if happened.fact != Fact::Mismatch {
        photo = photos(tx, event, told, &asset, kept).await?;
    }
    if let Some((order, trace)) = &order {
        let words = format!("{} · serial {}", asset.number, reading.serial.printed());
        let cause = Cause {
            event: event.id,
            by: &reading.by,
            trace: trace.as_deref(),
        };
        signature::noted_with(tx, tenant, order, &words, &photo, now, cause).await?;
    }
    if let Some(contact) = &told.contact {
        let notice = notice(contact, &asset, &happened);
        let event = NewEvent::new(tenant, asset.id, &wire::requested(notice));
        tx.append(event.caused_by(&cause));
    }
    tracing::info!(asset.id = %asset.id, "asset {} is {}", asset.number, happened.fact.name());
    Ok(())
}

/// The asset that was meant, or that has this serial, or a new one; and what happened to it.
async fn settle(
    tx: &mut Tx,
    tenant: &TenantId,
    last: i64,
    reading: &Reading,
    meant: Option<AssetId>,
    now: OffsetDateTime,
) -> Result<(Asset, Happened), ApplyError> {
    let serial = Some(&reading.serial).filter(|_| meant.is_none());
    let found = asset::lock(tx, tenant, meant, serial).await?;
    if let Some(mut asset) = found {
        let happened = asset.see(reading);
        asset::update(tx, tenant, &asset, now).await?;
        return Ok((asset, happened));
    }
    if meant.is_some() {
        return Err(ApplyError::Dead("the tenant has no asset of this id".to_owned()));
    }
    let number = AssetNumber::new(last.saturating_add(1))
        .ok_or_else(|| ApplyError::Dead("the asset counter is full".to_owned()))?;
    let (asset, happened) = Asset::register(Uuid::now_v7().into(), number, reading);
    asset::insert(tx, tenant, &asset, now).await?;
    Ok((asset, happened))
}

/// Records the photographs with the asset; returns the id of the last one. One that cannot be a document of ours is left to
/// ocr: the record does not depend on it.
async fn photos(
    tx: &mut Tx,
    event: &Envelope,
    told: &CaptureStateChanged,
    asset: &Asset,
    kept: &Documents,
) -> Result<String, ApplyError> {
    let mut last = String::new();
    for (at, photo) in told.photos.iter().take(MAX_PHOTOS).enumerate() {
        let Some(stored) = stored(photo) else {
            tracing::warn!(asset.id = %asset.id, "a photograph of asset {} cannot be kept: it says no place", asset.number);
            continue;
        };
        let extension = stored.media_type.extension();
        let new = NewDocument {
            tenant: event.tenant.clone(),
            idempotency_key: format!("photo:{}:{}", asset.id, stored.sha256),
            about: About::new(documents::ASSET, asset.id),
            kind: documents::PHOTO.to_owned(),
            file_name: format!("{}-placa-{}.{extension}", asset.number, at + 1),
            stored,
            by: wire::word(&told.by),
            expires_on: None,
            note: String::new(),
            cause: Some(event.id.to_string()),
        };
        match kept.record(tx, &new).await {
            Ok(recorded) => last = recorded.document().id.to_string(),
            Err(RecordError::Refused(reason)) => {
                tracing::warn!(asset.id = %asset.id, reason, "a photograph of asset {} cannot be kept", asset.number);
            }
            Err(RecordError::Database(error)) => return Err(error.into()),
        }
    }
    Ok(last)
}

fn stored(photo: &StoredPhoto) -> Option<Stored> {
    Some(Stored {
        container: photo.container.parse::<Container>().ok()?,
        key: BlobKey::parse(&photo.key).ok()?,
        media_type: photo.media_type.parse().ok()?,
        bytes: photo.bytes,
        sha256: photo.sha256.parse::<Sha256Hash>().ok()?,
    })
}

fn notice(contact: &CaptureContact, asset: &Asset, happened: &Happened) -> Notice {
    let template = match happened.fact {
        Fact::Registered => "asset_registered",
        Fact::Mismatch => "asset_mismatch",
        Fact::Seen | Fact::Changed => "asset_seen",
    };
    let reading = happened.reading.as_ref();
    // What was read now; where it does not fit, that is what the person has to know.
    let serial = match happened.fact {
        Fact::Mismatch => reading.map(|reading| &reading.serial),
        _ => None,
    };
    let mut variables = std::collections::BTreeMap::from([
        ("number".to_owned(), asset.number.to_string()),
        (
            "serial".to_owned(),
            serial.unwrap_or(&asset.serial).printed().to_owned(),
        ),
    ]);
    if happened.fact != Fact::Mismatch {
        let confidence = reading.map(|reading| reading.confidence.in_brackets());
        variables.insert("confidence".to_owned(), confidence.unwrap_or_default());
    }
    Notice {
        to: Reach {
            provider: contact.provider.clone(),
            connection: contact.connection.clone(),
            contact_id: contact.contact_id.clone(),
        },
        phone: Phone::parse(&contact.phone, Region::default()).ok(),
        template: template.to_owned(),
        variables,
        about: asset.id.to_string(),
    }
}
