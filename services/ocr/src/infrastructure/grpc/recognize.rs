//! A photograph brought by a command: counted and recorded with it, read by the worker, and waited for a while.

use std::time::Duration;

use puente_blob::Stored;
use puente_outbox::Tx;
use puente_proto::ocr::{RecognizeSerialRequest, RecognizeSerialResponse};
use puente_rpc::Caller;
use puente_types::TenantId;
use time::OffsetDateTime;
use tokio::time::Instant;
use tonic::Status;
use uuid::Uuid;

use super::{Answers, ask, photo, shown};
use crate::domain::capture::Capture;
use crate::domain::state::Action;
use crate::infrastructure::documents::{self, NewPhoto};
use crate::infrastructure::store::attempt;
use crate::infrastructure::store::command::{self, Issued, Known};
use crate::infrastructure::store::row::{self, Change, Row};

/// Longest name of a file.
const MAX_NAME: usize = 200;
/// A caller waits no longer, whatever it says.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Another replica may be the one that reads: it is looked again so often.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// How captures come in that belong to no conversation.
const CHANNEL: &str = "api";

/// What is wanted, checked.
struct Wish {
    capture: Option<Uuid>,
    order: Option<Uuid>,
    asset: Option<Uuid>,
    file_name: String,
    stored: Stored,
}

/// Counts a photograph, and waits for its reading.
pub(super) async fn recognize(
    answers: &Answers,
    caller: Caller,
    wish: RecognizeSerialRequest,
) -> Result<RecognizeSerialResponse, Status> {
    let tenant = caller.tenant()?.clone();
    let given = wish.photo.unwrap_or_default();
    let said = [
        "recognize",
        &given.container,
        &given.key,
        &given.sha256,
        &wish.capture_id,
        &wish.order_id,
        &wish.asset_id,
    ];
    let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
    let capture = ask::maybe(&wish.capture_id, "a capture")?;
    let order = ask::maybe(&wish.order_id, "an order")?;
    let asset = ask::maybe(&wish.asset_id, "an asset")?;
    let file_name = ask::text(wish.file_name, "a file name", MAX_NAME)?;
    if file_name.chars().any(char::is_control) {
        return Err(Status::invalid_argument("a file name has no control characters"));
    }
    let stored = photo::read(answers, &caller, &given).await?;
    let wish_ms = Duration::from_millis(wish.wait_ms.into()).min(LONGEST_WAIT);
    let until = Instant::now() + wish_ms;
    let wish = Wish {
        capture,
        order,
        asset,
        file_name,
        stored,
    };
    let (id, number) = count(answers, &tenant, &issued, wish).await?;
    wait(answers, &tenant, id, number, until).await
}

/// In one transaction: the command, the attempt, its document.
async fn count(
    answers: &Answers,
    tenant: &TenantId,
    issued: &Issued,
    wish: Wish,
) -> Result<(Uuid, u32), Status> {
    let now = answers.desk.clock.now();
    let mut tx = answers.outbox.begin().await.map_err(ask::failed)?;
    let id = wish.capture.unwrap_or_else(Uuid::now_v7);
    match command::note(&mut tx, tenant, issued, id, now)
        .await
        .map_err(ask::failed)?
    {
        Known::New => {}
        Known::Repeated { capture, attempt } => return Ok((capture, attempt)),
        Known::KeyUsed => return Err(ask::key_used()),
    }
    let waiting = attempt::waiting(&mut tx, tenant).await.map_err(ask::failed)?;
    if waiting >= answers.most {
        return Err(Status::resource_exhausted("too many photographs wait to be read"));
    }
    let mut row = capture(answers, &mut tx, tenant, id, &wish, now).await?;
    let number = row.capture.recognize(now).map_err(ask::refused)?;
    attempt::brought(&mut tx, tenant, id, number, now)
        .await
        .map_err(ask::failed)?;
    let photo = NewPhoto {
        tenant,
        capture: id,
        attempt: number,
        stored: &wish.stored,
        file_name: &wish.file_name,
        by: &issued.by,
    };
    let document = documents::record(&answers.documents, &mut tx, &photo)
        .await
        .map_err(ask::unapplied)?;
    attempt::stored(&mut tx, tenant, id, number, document, &wish.stored)
        .await
        .map_err(ask::failed)?;
    command::made(&mut tx, tenant, issued, number)
        .await
        .map_err(ask::failed)?;
    let change = Change {
        cause: &issued.key,
        now,
        touched: true,
        wake: true,
    };
    row::save(&mut tx, &mut row, change).await.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::uncommitted)?;
    answers.desk.wake();
    Ok((id, number))
}

/// The capture that is gone on with, or a new one.
async fn capture(
    answers: &Answers,
    tx: &mut Tx,
    tenant: &TenantId,
    id: Uuid,
    wish: &Wish,
    now: OffsetDateTime,
) -> Result<Row, Status> {
    if wish.capture.is_some() {
        let found = row::lock(tx, tenant, id).await.map_err(ask::failed)?;
        let mut row = found
            .filter(|row| row.capture.version > 0)
            .ok_or_else(ask::unknown)?;
        row.capture.may(Action::Recognize).map_err(ask::refused)?;
        row.order = row.order.or(wish.order);
        row.asset = row.asset.or(wish.asset);
        return Ok(row);
    }
    let settings = answers.desk.settings.of(tenant);
    let new = Capture::new(settings.attempts, settings.threshold);
    let mut row = Row::new(id, tenant, CHANNEL, new, now);
    row.order = wish.order;
    row.asset = wish.asset;
    row::insert(tx, &row).await.map_err(ask::failed)?;
    Ok(row)
}

/// Waits until an attempt was read, or until then. Who may not wait, is shown it as it stands.
async fn wait(
    answers: &Answers,
    tenant: &TenantId,
    id: Uuid,
    number: u32,
    until: Instant,
) -> Result<RecognizeSerialResponse, Status> {
    let mut permit = None;
    loop {
        // Listened for before looking, so that nothing that comes meanwhile is missed.
        let told = answers.desk.read.notified();
        let shown = show(answers, tenant, id, number).await?;
        let open = shown
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.read_at.is_none());
        if !open || Instant::now() >= until {
            return Ok(shown);
        }
        if permit.is_none() {
            permit = answers.waiting.clone().try_acquire_owned().ok();
        }
        if permit.is_none() {
            return Ok(shown);
        }
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

async fn show(
    answers: &Answers,
    tenant: &TenantId,
    id: Uuid,
    number: u32,
) -> Result<RecognizeSerialResponse, Status> {
    let mut tx = answers.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
    let found = row::read(&mut tx, tenant, id).await.map_err(ask::failed)?;
    let attempts = attempt::all(&mut tx, tenant, id).await.map_err(ask::failed)?;
    tx.commit().await.map_err(ask::failed)?;
    let row = found.ok_or_else(ask::unknown)?;
    let photo = attempts.iter().rev().find_map(|attempt| attempt.photo.clone());
    let attempt = attempts.into_iter().find(|attempt| attempt.attempt == number);
    Ok(RecognizeSerialResponse {
        capture: Some(shown::capture(row, photo)),
        attempt: attempt.map(shown::attempt),
    })
}
