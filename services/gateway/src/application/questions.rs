//! Every question that pages ask of other services, on behalf of one principal: one method each, no HTTP.

use puente_proto::{documents, ingress, notifications, ocr, operations, orders, signature, sync};
use tonic::{Code, Status};

use crate::domain::Principal;
use crate::peers::{Peer, Peers};

/// Why a part of a page cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The service does not answer now.
    Away(&'static str),
    /// The service answers one tenant's people only.
    OneTenant,
    /// There is nothing of this name.
    Nothing,
}

/// A part of a page, or why it cannot be shown.
pub(crate) type Part<T> = Result<T, Missing>;

/// What an answer's status means for a page. `service` is who was asked.
pub(crate) fn missing(service: &'static str, status: &Status) -> Missing {
    match status.code() {
        Code::NotFound => Missing::Nothing,
        Code::InvalidArgument if status.message().contains("tenant") => Missing::OneTenant,
        _ => {
            tracing::warn!(service, code = ?status.code(), "a service gave no answer");
            Missing::Away(service)
        }
    }
}

/// The services, asked on behalf of one principal.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    peers: &'a Peers,
    principal: &'a Principal,
}

macro_rules! questions {
    ($($(#[$doc:meta])* $peer:ident.$client:ident.$name:ident($request:ty) -> $answer:ty;)*) => {
        $($(#[$doc])*
        pub(crate) async fn $name(&self, message: $request) -> Result<$answer, Status> {
            let peer = self.peers.$peer()?;
            let request = peer.ask(self.principal, message)?;
            Ok(peer.$client().$name(request).await?.into_inner())
        })*
    };
}

macro_rules! work {
    ($($(#[$doc:meta])* $client:ident.$name:ident($request:ty) -> $answer:ty;)*) => {
        $($(#[$doc])*
        pub(crate) async fn $name(&self, peer: &Peer, message: $request) -> Result<$answer, Status> {
            let request = peer.ask(self.principal, message)?;
            Ok(peer.$client().$name(request).await?.into_inner())
        })*
    };
}

impl<'a> Ask<'a> {
    /// On behalf of `principal`.
    pub(crate) const fn new(peers: &'a Peers, principal: &'a Principal) -> Self {
        Self { peers, principal }
    }

    /// Every service that is configured.
    pub(crate) fn all(&self) -> Vec<&'a Peer> {
        self.peers.all().collect()
    }

    /// Every service that keeps documents.
    pub(crate) fn keepers(&self) -> Vec<&'a Peer> {
        self.peers.keepers().collect()
    }

    /// The service of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&'a Peer> {
        self.peers.all().find(|peer| peer.name == name)
    }

    questions! {
        /// One order.
        orders.order_queries.get_order(orders::GetOrderRequest) -> orders::GetOrderResponse;
        /// Orders, newest first.
        orders.order_queries.list_orders(orders::ListOrdersRequest) -> orders::ListOrdersResponse;
        /// The facts of one.
        orders.order_queries.get_journal(orders::GetJournalRequest) -> orders::GetJournalResponse;
        /// Clients, newest first.
        orders.order_queries.list_clients(orders::ListClientsRequest) -> orders::ListClientsResponse;
        /// One client.
        orders.order_queries.get_client(orders::GetClientRequest) -> orders::GetClientResponse;
        /// The client of a tax id.
        orders.order_queries.look_up_client(orders::LookUpClientRequest) -> orders::LookUpClientResponse;
        /// Conversations.
        orders.order_queries.list_conversations(orders::ListConversationsRequest) -> orders::ListConversationsResponse;
        /// One of them.
        orders.order_queries.get_conversation(orders::GetConversationRequest) -> orders::GetConversationResponse;
        /// How many orders stand where.
        orders.order_queries.count_orders(orders::CountOrdersRequest) -> orders::CountOrdersResponse;
        /// Moves an order.
        orders.order_commands.move_order(orders::MoveOrderRequest) -> orders::MoveOrderResponse;
        /// Assigns it.
        orders.order_commands.assign_order(orders::AssignOrderRequest) -> orders::AssignOrderResponse;
        /// Sends its contract to the signers.
        orders.order_commands.send_to_signature(orders::SendToSignatureRequest) -> orders::SendToSignatureResponse;
        /// Agents and service providers.
        orders.directory.list_people(orders::ListPeopleRequest) -> orders::ListPeopleResponse;
        /// One of them.
        orders.directory.get_person(orders::GetPersonRequest) -> orders::GetPersonResponse;
        /// Adds or replaces one.
        orders.directory.put_person(orders::PutPersonRequest) -> orders::PutPersonResponse;
        /// One asset with its history.
        orders.assets.get_asset(orders::GetAssetRequest) -> orders::GetAssetResponse;
        /// Assets, the one last changed first.
        orders.assets.list_assets(orders::ListAssetsRequest) -> orders::ListAssetsResponse;
        /// Changes what is known of one.
        orders.assets.update_asset(orders::UpdateAssetRequest) -> orders::UpdateAssetResponse;
        /// One capture with its attempts.
        ocr.captures.get_capture(ocr::GetCaptureRequest) -> ocr::GetCaptureResponse;
        /// Captures.
        ocr.captures.list_captures(ocr::ListCapturesRequest) -> ocr::ListCapturesResponse;
        /// How many stand where.
        ocr.captures.count_captures(ocr::CountCapturesRequest) -> ocr::CountCapturesResponse;
        /// Photographs with their truth.
        ocr.captures.list_samples(ocr::ListSamplesRequest) -> ocr::ListSamplesResponse;
        /// How often readings are right.
        ocr.captures.get_accuracy(ocr::GetAccuracyRequest) -> ocr::GetAccuracyResponse;
        /// Has a photograph read.
        ocr.capture_commands.recognize_serial(ocr::RecognizeSerialRequest) -> ocr::RecognizeSerialResponse;
        /// The reading is right.
        ocr.capture_commands.confirm_serial(ocr::ConfirmSerialRequest) -> ocr::ConfirmSerialResponse;
        /// The serial is this one.
        ocr.capture_commands.write_serial(ocr::WriteSerialRequest) -> ocr::WriteSerialResponse;
        /// Another photograph is wanted.
        ocr.capture_commands.ask_photo(ocr::AskPhotoRequest) -> ocr::AskPhotoResponse;
        /// Nobody can read it.
        ocr.capture_commands.generate_serial(ocr::GenerateSerialRequest) -> ocr::GenerateSerialResponse;
        /// One signature request.
        signature.signatures.get_signature(signature::GetSignatureRequest) -> signature::GetSignatureResponse;
        /// Signature requests, newest first.
        signature.signatures.list_signatures(signature::ListSignaturesRequest) -> signature::ListSignaturesResponse;
        /// How many stand where.
        signature.signatures.count_signatures(signature::CountSignaturesRequest) -> signature::CountSignaturesResponse;
        /// Accounts at signature providers.
        signature.signatures.list_accounts(signature::ListAccountsRequest) -> signature::ListAccountsResponse;
        /// The contract with sample data.
        signature.signatures.preview_contract(signature::PreviewContractRequest) -> signature::PreviewContractResponse;
        /// Asks the signers again.
        signature.signature_commands.resend_signature(signature::ResendSignatureRequest) -> signature::ResendSignatureResponse;
        /// Calls a request back.
        signature.signature_commands.void_signature(signature::VoidSignatureRequest) -> signature::VoidSignatureResponse;
        /// Asks the provider now.
        signature.signature_commands.check_signature(signature::CheckSignatureRequest) -> signature::CheckSignatureResponse;
        /// Goes on by hand.
        signature.signature_commands.take_manually(signature::TakeManuallyRequest) -> signature::TakeManuallyResponse;
        /// The scan of the signed paper.
        signature.signature_commands.record_scan(signature::RecordScanRequest) -> signature::RecordScanResponse;
        /// Goes on after a failure.
        signature.signature_commands.retry_signature(signature::RetrySignatureRequest) -> signature::RetrySignatureResponse;
        /// A person has told somebody of a rejection.
        signature.signature_commands.mark_told(signature::MarkToldRequest) -> signature::MarkToldResponse;
        /// Where an administrator authorises an account.
        signature.signature_commands.begin_authorization(signature::BeginAuthorizationRequest) -> signature::BeginAuthorizationResponse;
        /// What came back from there.
        signature.signature_commands.complete_authorization(signature::CompleteAuthorizationRequest) -> signature::CompleteAuthorizationResponse;
        /// The summary of an order as a PDF.
        signature.signature_commands.make_summary(signature::MakeSummaryRequest) -> signature::MakeSummaryResponse;
        /// The task of an order.
        sync.tasks.get_task(sync::GetTaskRequest) -> sync::GetTaskResponse;
        /// Makes the task of an order that has none.
        sync.tasks.create_task(sync::CreateTaskRequest) -> sync::CreateTaskResponse;
        /// Messages to people.
        notifications.messages.list_messages(notifications::ListMessagesRequest) -> notifications::ListMessagesResponse;
        /// One of them.
        notifications.messages.get_message(notifications::GetMessageRequest) -> notifications::GetMessageResponse;
        /// Whether a contact may be written to.
        notifications.messages.get_contact(notifications::GetContactRequest) -> notifications::GetContactResponse;
        /// How many were sent and failed.
        notifications.messages.count_messages(notifications::CountMessagesRequest) -> notifications::CountMessagesResponse;
        /// What came in.
        ingress.deliveries.list_deliveries(ingress::ListDeliveriesRequest) -> ingress::ListDeliveriesResponse;
        /// One of them.
        ingress.deliveries.get_delivery(ingress::GetDeliveryRequest) -> ingress::GetDeliveryResponse;
        /// How many came in.
        ingress.deliveries.get_traffic(ingress::GetTrafficRequest) -> ingress::GetTrafficResponse;
        /// What a replay would do.
        ingress.replays.plan_replay(ingress::PlanReplayRequest) -> ingress::PlanReplayResponse;
        /// Starts one.
        ingress.replays.start_replay(ingress::StartReplayRequest) -> ingress::StartReplayResponse;
        /// How far it is.
        ingress.replays.get_replay(ingress::GetReplayRequest) -> ingress::GetReplayResponse;
        /// Those of late.
        ingress.replays.list_replays(ingress::ListReplaysRequest) -> ingress::ListReplaysResponse;
        /// Stops one.
        ingress.replays.cancel_replay(ingress::CancelReplayRequest) -> ingress::CancelReplayResponse;
    }

    work! {
        /// Events that it published.
        operations.list_events(operations::ListEventsRequest) -> operations::ListEventsResponse;
        /// Events that it could not handle.
        operations.list_dead_letters(operations::ListDeadLettersRequest) -> operations::ListDeadLettersResponse;
        /// One of them.
        operations.get_dead_letter(operations::GetDeadLetterRequest) -> operations::GetDeadLetterResponse;
        /// Handles one again.
        operations.retry_dead_letter(operations::RetryDeadLetterRequest) -> operations::RetryDeadLetterResponse;
        /// Leaves one.
        operations.close_dead_letter(operations::CloseDeadLetterRequest) -> operations::CloseDeadLetterResponse;
        /// Calls to providers.
        operations.list_effects(operations::ListEffectsRequest) -> operations::ListEffectsResponse;
        /// One of them.
        operations.get_effect(operations::GetEffectRequest) -> operations::GetEffectResponse;
        /// Decides about one in doubt.
        operations.resolve_effect(operations::ResolveEffectRequest) -> operations::ResolveEffectResponse;
        /// How its connections do.
        operations.list_connection_health(operations::ListConnectionHealthRequest) -> operations::ListConnectionHealthResponse;
        /// Documents, newest first.
        documents.list_documents(documents::ListDocumentsRequest) -> documents::ListDocumentsResponse;
        /// One of them.
        documents.get_document(documents::GetDocumentRequest) -> documents::GetDocumentResponse;
        /// A file that was stored.
        documents.record_document(documents::RecordDocumentRequest) -> documents::RecordDocumentResponse;
    }
}
