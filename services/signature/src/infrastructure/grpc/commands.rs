//! The service `SignatureCommands`: what people do to a request. Each command is done once per key; what it leads to goes on
//! in the trace of the request.

use std::sync::Arc;
use std::time::Duration;

use puente_outbox::Tx;
use puente_proto::signature::signature_commands_server::SignatureCommands as Service;
use puente_proto::signature::{
    BeginAuthorizationRequest, BeginAuthorizationResponse, CheckSignatureRequest, CheckSignatureResponse,
    CompleteAuthorizationRequest, CompleteAuthorizationResponse, MakeSummaryRequest, MakeSummaryResponse,
    MarkToldRequest, MarkToldResponse, RecordScanRequest, RecordScanResponse, ResendSignatureRequest,
    ResendSignatureResponse, RetrySignatureRequest, RetrySignatureResponse, Signature, TakeManuallyRequest,
    TakeManuallyResponse, VoidSignatureRequest, VoidSignatureResponse,
};
use puente_rpc::{Caller, answer};
use time::format_description::well_known::Rfc3339;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use super::scan::Scan;
use super::{Answers, accounts, ask, made, shown};
use crate::domain::signature::{Action, Again};
use crate::domain::signer::Role;
use crate::infrastructure::desk::{CREATE, VOID};
use crate::infrastructure::store::command::{self, Issued, Known};
use crate::infrastructure::store::row::{self, Row};
use crate::infrastructure::store::{claim, effect};

/// Longest reason.
const MAX_REASON: usize = 200;
/// Shorter than a caller waits: the door gives up after five seconds.
const CHECK_PATIENCE: Duration = Duration::from_secs(4);

/// Does what commands say.
pub(super) struct Commands(pub(super) Arc<Answers>);

/// What a person wants done.
enum Wish {
    Resend,
    Void { reason: String },
    Manual { reason: String },
    Retry,
    Scan(Box<Scan>),
    Told(Role),
}

#[tonic::async_trait]
impl Service for Commands {
    async fn resend_signature(
        &self,
        request: Request<ResendSignatureRequest>,
    ) -> Result<Response<ResendSignatureResponse>, Status> {
        answer(
            "SignatureCommands/ResendSignature",
            request,
            async |caller, wish| {
                let id = ask::id(&wish.request_id, "a request")?;
                let issued = ask::issued(&caller, wish.idempotency_key, &["resend", &id.to_string()])?;
                let signature = Some(self.run(&caller, id, issued, Wish::Resend).await?);
                Ok(ResendSignatureResponse { signature })
            },
        )
        .await
    }

    async fn void_signature(
        &self,
        request: Request<VoidSignatureRequest>,
    ) -> Result<Response<VoidSignatureResponse>, Status> {
        answer(
            "SignatureCommands/VoidSignature",
            request,
            async |caller, wish| {
                let id = ask::id(&wish.request_id, "a request")?;
                let reason = ask::needed(wish.reason, "a reason", MAX_REASON)?;
                let said = ["void", &id.to_string(), &reason];
                let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
                let signature = Some(self.run(&caller, id, issued, Wish::Void { reason }).await?);
                Ok(VoidSignatureResponse { signature })
            },
        )
        .await
    }

    async fn check_signature(
        &self,
        request: Request<CheckSignatureRequest>,
    ) -> Result<Response<CheckSignatureResponse>, Status> {
        answer(
            "SignatureCommands/CheckSignature",
            request,
            async |caller, wish| {
                let id = ask::id(&wish.request_id, "a request")?;
                let signature = Some(self.check(&caller, id).await?);
                Ok(CheckSignatureResponse { signature })
            },
        )
        .await
    }

    async fn take_manually(
        &self,
        request: Request<TakeManuallyRequest>,
    ) -> Result<Response<TakeManuallyResponse>, Status> {
        answer("SignatureCommands/TakeManually", request, async |caller, wish| {
            let id = ask::id(&wish.request_id, "a request")?;
            let reason = ask::text(wish.reason, "a reason", MAX_REASON)?;
            let said = ["manual", &id.to_string(), &reason];
            let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
            let signature = Some(self.run(&caller, id, issued, Wish::Manual { reason }).await?);
            Ok(TakeManuallyResponse { signature })
        })
        .await
    }

    async fn record_scan(
        &self,
        request: Request<RecordScanRequest>,
    ) -> Result<Response<RecordScanResponse>, Status> {
        answer("SignatureCommands/RecordScan", request, async |caller, wish| {
            let id = ask::id(&wish.request_id, "a request")?;
            let said = ["scan", &id.to_string(), &wish.key, &wish.sha256, &wish.file_name];
            let issued = ask::issued(&caller, wish.idempotency_key.clone(), &said)?;
            let scan = Scan::read(&self.0, &caller, wish).await?;
            let signature = Some(self.run(&caller, id, issued, Wish::Scan(Box::new(scan))).await?);
            Ok(RecordScanResponse { signature })
        })
        .await
    }

    async fn retry_signature(
        &self,
        request: Request<RetrySignatureRequest>,
    ) -> Result<Response<RetrySignatureResponse>, Status> {
        answer(
            "SignatureCommands/RetrySignature",
            request,
            async |caller, wish| {
                let id = ask::id(&wish.request_id, "a request")?;
                let issued = ask::issued(&caller, wish.idempotency_key, &["retry", &id.to_string()])?;
                let signature = Some(self.run(&caller, id, issued, Wish::Retry).await?);
                Ok(RetrySignatureResponse { signature })
            },
        )
        .await
    }

    async fn mark_told(
        &self,
        request: Request<MarkToldRequest>,
    ) -> Result<Response<MarkToldResponse>, Status> {
        answer("SignatureCommands/MarkTold", request, async |caller, wish| {
            let id = ask::id(&wish.request_id, "a request")?;
            let role: Role = wish
                .role
                .parse()
                .map_err(|_| Status::invalid_argument("give the role of a signer"))?;
            let said = ["told", &id.to_string(), role.as_str()];
            let issued = ask::issued(&caller, wish.idempotency_key, &said)?;
            let signature = Some(self.run(&caller, id, issued, Wish::Told(role)).await?);
            Ok(MarkToldResponse { signature })
        })
        .await
    }

    async fn begin_authorization(
        &self,
        request: Request<BeginAuthorizationRequest>,
    ) -> Result<Response<BeginAuthorizationResponse>, Status> {
        answer("SignatureCommands/BeginAuthorization", request, |caller, wish| {
            accounts::begin(&self.0, caller, wish)
        })
        .await
    }

    async fn complete_authorization(
        &self,
        request: Request<CompleteAuthorizationRequest>,
    ) -> Result<Response<CompleteAuthorizationResponse>, Status> {
        answer(
            "SignatureCommands/CompleteAuthorization",
            request,
            |caller, wish| accounts::complete(&self.0, caller, wish),
        )
        .await
    }

    async fn make_summary(
        &self,
        request: Request<MakeSummaryRequest>,
    ) -> Result<Response<MakeSummaryResponse>, Status> {
        answer("SignatureCommands/MakeSummary", request, |caller, wish| {
            made::summary(&self.0, caller, wish)
        })
        .await
    }
}

impl Commands {
    /// Does it once, in one transaction.
    async fn run(&self, caller: &Caller, id: Uuid, issued: Issued, wish: Wish) -> Result<Signature, Status> {
        let answers = &self.0;
        let tenant = caller.tenant()?;
        let now = answers.desk.clock.now();
        let mut tx = answers.outbox.begin().await.map_err(ask::failed)?;
        // Any command may change the calls of a request, or queue one whose forerunner is being settled.
        effect::lock(&mut tx, tenant, id).await.map_err(ask::failed)?;
        let found = row::lock(&mut tx, tenant, id).await.map_err(ask::failed)?;
        let mut row = found.ok_or_else(ask::unknown)?;
        let known = command::note(&mut tx, tenant, &issued, id, now).await;
        match known.map_err(ask::failed)? {
            Known::New => {}
            Known::Repeated => {
                drop(tx);
                return self.show(caller, id).await;
            }
            Known::KeyUsed => {
                let used = "the idempotency key was used for something else";
                return Err(Status::failed_precondition(used));
            }
        }
        let span = tracing::info_span!("signature.command", otel.kind = "internal", signature.id = %id);
        puente_telemetry::set_parent(&span, row.traceparent.as_deref());
        puente_telemetry::link(&span, puente_telemetry::current_traceparent().as_deref());
        async {
            self.apply(&mut tx, &mut row, &issued, wish).await?;
            row::save(&mut tx, &mut row, &issued.key, now)
                .await
                .map_err(ask::failed)
        }
        .instrument(span)
        .await?;
        tx.commit().await.map_err(ask::uncommitted)?;
        answers.desk.wake();
        (answers.wake)();
        self.show(caller, id).await
    }

    async fn apply(&self, tx: &mut Tx, row: &mut Row, issued: &Issued, wish: Wish) -> Result<(), Status> {
        let desk = &self.0.desk;
        let now = desk.clock.now();
        match wish {
            Wish::Resend => {
                row.signature.may(Action::Resend).map_err(ask::refused)?;
                let key = command::short(issued);
                desk.resend(tx, row, &key).await.map_err(ask::unapplied)
            }
            Wish::Void { reason } => {
                row.signature
                    .void(&reason, &issued.by, now)
                    .map_err(ask::refused)?;
                row.tries = 0;
                desk.call_back(tx, row, &reason, None)
                    .await
                    .map_err(ask::unapplied)
            }
            Wish::Manual { reason } => {
                row.signature.take_manually(now).map_err(ask::refused)?;
                row.tries = 0;
                desk.call_back(tx, row, &reason, None)
                    .await
                    .map_err(ask::unapplied)
            }
            Wish::Retry => {
                row.tries = 0;
                match row.signature.retry(now).map_err(ask::refused)? {
                    Again::Work => row.due_at = now,
                    Again::Send => {
                        effect::hasten(tx, row, CREATE, &issued.by)
                            .await
                            .map_err(ask::failed)?;
                        desk.send(tx, row, true, None).await.map_err(ask::unapplied)?;
                    }
                    Again::CallBack => {
                        effect::hasten(tx, row, VOID, &issued.by)
                            .await
                            .map_err(ask::failed)?;
                        if row.signature.is_unwanted() {
                            let reason = row.signature.reason.clone();
                            desk.call_back(tx, row, &reason, None)
                                .await
                                .map_err(ask::unapplied)?;
                        }
                    }
                }
                Ok(())
            }
            Wish::Told(role) => row
                .signature
                .told_by_hand(role, &issued.by, now)
                .map_err(ask::refused),
            Wish::Scan(scan) => {
                row.signature.may(Action::Scan).map_err(ask::refused)?;
                let document = scan.record(&self.0, tx, row, issued).await?;
                row.signature
                    .scan_recorded(document, &issued.by, now)
                    .map_err(ask::refused)
            }
        }
    }

    /// Asks the provider, if it may be asked now.
    async fn check(&self, caller: &Caller, id: Uuid) -> Result<Signature, Status> {
        let answers = &self.0;
        let tenant = caller.tenant()?;
        let mut database = answers.outbox.pool().acquire().await.map_err(ask::failed)?;
        let found = row::read(&mut database, tenant, id).await.map_err(ask::failed)?;
        let row = found.ok_or_else(ask::unknown)?;
        row.signature.may(Action::Check).map_err(ask::refused)?;
        let adapter = answers.desk.chooser.adapter(&row.provider);
        let interval = adapter.map_err(|error| ask::provider(&error))?.poll_interval();
        let now = answers.desk.clock.now();
        let ours = claim::one(&mut database, tenant, id, now - interval, now).await;
        drop(database);
        if !ours.map_err(ask::failed)? {
            let next = row.checked_at.unwrap_or(now) + interval;
            let next = next.format(&Rfc3339).unwrap_or_default();
            let problem = format!("the provider may be asked again from {next} on");
            return Err(Status::failed_precondition(problem));
        }
        let asked = tokio::time::timeout(CHECK_PATIENCE, answers.poller.ask(tenant, id)).await;
        match asked {
            Ok(asked) => asked.map_err(ask::troubled)?,
            Err(_) => return Err(Status::unavailable("the provider did not answer in time")),
        }
        self.show(caller, id).await
    }

    async fn show(&self, caller: &Caller, id: Uuid) -> Result<Signature, Status> {
        let tenant = caller.tenant()?;
        let mut tx = self.0.readers.begin(Some(tenant)).await.map_err(ask::failed)?;
        let found = row::read(&mut tx, tenant, id).await.map_err(ask::failed)?;
        tx.commit().await.map_err(ask::failed)?;
        found.map(shown::signature).ok_or_else(ask::unknown)
    }
}
