//! The service `CaptureCommands`: what people do to a capture. Each command is done once per key; what it leads to goes on
//! in the trace of the capture.

use std::sync::Arc;

use puente_outbox::Tx;
use puente_proto::ocr::capture_commands_server::CaptureCommands as Service;
use puente_proto::ocr::{
    AskPhotoRequest, AskPhotoResponse, Capture, ConfirmSerialRequest, ConfirmSerialResponse,
    GenerateSerialRequest, GenerateSerialResponse, RecognizeSerialRequest, RecognizeSerialResponse,
    WriteSerialRequest, WriteSerialResponse,
};
use puente_rpc::{Caller, answer};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Answers, ask, recognize, shown};
use crate::domain::capture::Refused;
use crate::domain::reading::Flaw;
use crate::domain::say::Say;
use crate::domain::serial::Serial;
use crate::domain::state::Action;
use crate::infrastructure::store::command::{self, Issued, Known};
use crate::infrastructure::store::row::{self, Change, Row};
use crate::infrastructure::store::{query, serials};

/// Longest text that is looked at for a serial.
const MAX_SERIAL: usize = 64;

/// Does what commands say.
pub(super) struct Commands(pub(super) Arc<Answers>);

/// What a person wants done.
enum Wish {
    Confirm,
    Write(Serial),
    AskPhoto(Option<Flaw>),
    Generate,
}

#[tonic::async_trait]
impl Service for Commands {
    async fn recognize_serial(
        &self,
        request: Request<RecognizeSerialRequest>,
    ) -> Result<Response<RecognizeSerialResponse>, Status> {
        answer("CaptureCommands/RecognizeSerial", request, |caller, wish| {
            recognize::recognize(&self.0, caller, wish)
        })
        .await
    }

    async fn confirm_serial(
        &self,
        request: Request<ConfirmSerialRequest>,
    ) -> Result<Response<ConfirmSerialResponse>, Status> {
        answer("CaptureCommands/ConfirmSerial", request, async |caller, wish| {
            let id = ask::id(&wish.capture_id, "a capture")?;
            let said = ["confirm", &id.to_string(), &wish.version.to_string()];
            let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
            let capture = Some(self.run(&caller, id, wish.version, issued, Wish::Confirm).await?);
            Ok(ConfirmSerialResponse { capture })
        })
        .await
    }

    async fn write_serial(
        &self,
        request: Request<WriteSerialRequest>,
    ) -> Result<Response<WriteSerialResponse>, Status> {
        answer("CaptureCommands/WriteSerial", request, async |caller, wish| {
            let id = ask::id(&wish.capture_id, "a capture")?;
            let written = ask::needed(wish.serial, "a serial", MAX_SERIAL)?;
            let serial =
                Serial::read(&written).map_err(|error| Status::invalid_argument(error.to_string()))?;
            let said = [
                "write",
                &id.to_string(),
                &wish.version.to_string(),
                serial.as_str(),
            ];
            let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
            let wanted = Wish::Write(serial);
            let capture = Some(self.run(&caller, id, wish.version, issued, wanted).await?);
            Ok(WriteSerialResponse { capture })
        })
        .await
    }

    async fn ask_photo(
        &self,
        request: Request<AskPhotoRequest>,
    ) -> Result<Response<AskPhotoResponse>, Status> {
        answer("CaptureCommands/AskPhoto", request, async |caller, wish| {
            let id = ask::id(&wish.capture_id, "a capture")?;
            let flaw = match wish.flaw.as_str() {
                "" => None,
                name => {
                    Some(Flaw::named(name).ok_or_else(|| Status::invalid_argument("there is no such flaw"))?)
                }
            };
            let said = ["photo", &id.to_string(), &wish.version.to_string(), &wish.flaw];
            let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
            let wanted = Wish::AskPhoto(flaw);
            let capture = Some(self.run(&caller, id, wish.version, issued, wanted).await?);
            Ok(AskPhotoResponse { capture })
        })
        .await
    }

    async fn generate_serial(
        &self,
        request: Request<GenerateSerialRequest>,
    ) -> Result<Response<GenerateSerialResponse>, Status> {
        answer("CaptureCommands/GenerateSerial", request, async |caller, wish| {
            let id = ask::id(&wish.capture_id, "a capture")?;
            let said = ["generate", &id.to_string(), &wish.version.to_string()];
            let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
            let capture = Some(
                self.run(&caller, id, wish.version, issued, Wish::Generate)
                    .await?,
            );
            Ok(GenerateSerialResponse { capture })
        })
        .await
    }
}

impl Commands {
    /// Does it once, in one transaction.
    async fn run(
        &self,
        caller: &Caller,
        id: Uuid,
        version: i64,
        issued: Issued,
        wish: Wish,
    ) -> Result<Capture, Status> {
        let answers = &self.0;
        let tenant = caller.tenant()?;
        let now = answers.desk.clock.now();
        let mut tx = answers.outbox.begin().await.map_err(ask::failed)?;
        let found = row::lock(&mut tx, tenant, id).await.map_err(ask::failed)?;
        let mut row = found
            .filter(|row| row.capture.version > 0)
            .ok_or_else(ask::unknown)?;
        let known = command::note(&mut tx, tenant, &issued, id, now).await;
        match known.map_err(ask::failed)? {
            Known::New => {}
            Known::Repeated { .. } => {
                drop(tx);
                return self.show(caller, id).await;
            }
            Known::KeyUsed => return Err(ask::key_used()),
        }
        if version != 0 && version != row.capture.version {
            return Err(Status::aborted("the capture changed meanwhile: look at it again"));
        }
        let span = tracing::info_span!("capture.command", otel.kind = "internal", capture.id = %id);
        puente_telemetry::set_parent(&span, row.traceparent.as_deref());
        puente_telemetry::link(&span, puente_telemetry::current_traceparent().as_deref());
        async {
            let say = apply(&mut tx, &mut row, &issued, wish, now).await?;
            answers.desk.say(&mut tx, &row, Some(say), &issued.key);
            let change = Change {
                cause: &issued.key,
                now,
                touched: true,
                wake: false,
            };
            row::save(&mut tx, &mut row, change).await.map_err(ask::failed)
        }
        .instrument(span)
        .await?;
        tx.commit().await.map_err(ask::uncommitted)?;
        answers.desk.told();
        self.show(caller, id).await
    }

    async fn show(&self, caller: &Caller, id: Uuid) -> Result<Capture, Status> {
        let tenant = caller.tenant()?;
        let mut tx = self.0.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
        let found = row::read(&mut tx, tenant, id).await.map_err(ask::failed)?;
        let photos = query::last_photos(&mut tx, tenant, &[id]).await;
        let mut photos = photos.map_err(ask::failed)?;
        tx.commit().await.map_err(ask::failed)?;
        let row = found.ok_or_else(ask::unknown)?;
        Ok(shown::capture(row, photos.remove(&id)))
    }
}

async fn apply(
    tx: &mut Tx,
    row: &mut Row,
    issued: &Issued,
    wish: Wish,
    now: OffsetDateTime,
) -> Result<Say, Status> {
    let by = issued.by.as_str();
    let done: Result<Say, Refused> = match wish {
        Wish::Confirm => row.capture.confirm(by, now),
        Wish::Write(serial) => row.capture.write(serial, by, now),
        Wish::AskPhoto(flaw) => row.capture.ask_photo(flaw, by, now),
        Wish::Generate => {
            row.capture.may(Action::Generate).map_err(ask::refused)?;
            let id = serials::generate(tx, &row.tenant).await.map_err(ask::failed)?;
            row.capture.generate(id, by, now)
        }
    };
    done.map_err(ask::refused)
}
