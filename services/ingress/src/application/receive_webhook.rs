//! From raw bytes to what is stored: find the app that the request is authentic for, translate, route.

use std::sync::Arc;

use puente_outbox::NewEvent;
use puente_ports::{Connection, HandshakeReply, InboundEvent, InboundPayload, InboundWebhook, Provider};
use puente_proto::Event;
use puente_types::DeliveryId;
use puente_webhook_auth::{AuthError, RawRequest, WebhookAuth};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::application::App;
use crate::application::kept_headers::take_headers;
use crate::domain::{Outcome, Refusal};

/// Different secrets that one request is tried against at most; more apps of one provider get URLs of their own.
const MAX_TRIES: usize = 64;

/// How much of a body that is not authentic is kept.
const MAX_REFUSED_BODY: usize = 16 * 1024;

/// What an address may be for.
pub(crate) struct Candidates {
    /// The provider of the address.
    pub(crate) provider: &'static dyn Provider,
    /// Its apps, or the one connection that the address names.
    pub(crate) apps: Arc<[App]>,
}

/// A request as it is stored.
#[derive(Debug)]
pub(crate) struct StoredRequest {
    /// The delivery's id.
    pub(crate) id: DeliveryId,
    /// Its place in the order of receipt.
    pub(crate) receipt_sequence: i64,
    /// The provider's slug.
    pub(crate) provider: &'static str,
    /// The connection, where there is one only.
    pub(crate) connection: Option<String>,
    /// The tenant, where there is one only.
    pub(crate) tenant: Option<String>,
    /// The request itself, but for its headers.
    pub(crate) request: RawRequest,
    /// Its headers as they are kept.
    pub(crate) headers: String,
    /// Whether it is authentic.
    pub(crate) verified: bool,
    /// What became of it; `Accepted` turns to `Duplicate` when nothing in it proves new.
    pub(crate) outcome: Outcome,
    /// Why, where there is something to say.
    pub(crate) reason: Option<String>,
    /// The trace it belongs to.
    pub(crate) traceparent: Option<String>,
}

/// A delivery as it was kept.
pub(crate) struct Kept {
    /// Its id.
    pub(crate) id: DeliveryId,
    /// When it was received.
    pub(crate) received_at: OffsetDateTime,
    /// Its place in the order of receipt.
    pub(crate) receipt_sequence: i64,
    /// The connection, where there was one only.
    pub(crate) connection: Option<String>,
    /// The result of the check of then.
    pub(crate) verification: String,
    /// The request.
    pub(crate) request: RawRequest,
}

/// A delivery and its events, each with the key that it is known by.
#[derive(Debug)]
pub(crate) struct Received {
    /// The request.
    pub(crate) stored: StoredRequest,
    /// Duplicate keys and events.
    pub(crate) events: Vec<(Uuid, NewEvent)>,
}

/// Verifies and translates. The result is stored; only then is the provider answered.
///
/// # Errors
/// The request and why it is not authentic.
pub(crate) fn accept(
    candidates: &Candidates,
    webhook: &dyn InboundWebhook,
    request: RawRequest,
    id: DeliveryId,
    receipt_sequence: i64,
    now: OffsetDateTime,
) -> Result<Received, Box<(RawRequest, AuthError)>> {
    let mut request = request;
    let mut error = AuthError::NoSecret;
    for app in candidates.apps.iter().take(MAX_TRIES) {
        let Some(connection) = app.representative() else {
            continue;
        };
        match webhook.auth(connection).verify(request, &connection.secrets, now) {
            Ok(verified) => {
                let translated = webhook.translate(&verified);
                let delivery = Delivery {
                    id,
                    receipt_sequence,
                    slug: &candidates.provider.manifest().slug,
                    app,
                };
                return Ok(delivery.assemble(verified.into_request(), translated));
            }
            Err(refused) => {
                let (returned, why) = *refused;
                request = returned;
                if error == AuthError::NoSecret {
                    error = why;
                }
            }
        }
    }
    Err(Box::new((request, error)))
}

/// Translates a stored delivery as [`accept`] would today. `None` when it cannot be: nothing can tell any more for
/// which app it was authentic, or today's adapter cannot read it.
///
/// Its proof is checked anew, as of the time of receipt. Where that fails, because the secret was changed or the
/// credential was not kept, the result of then counts for the connection that it was found with, and for no other.
#[must_use]
pub(crate) fn accept_again(
    candidates: &Candidates,
    webhook: &dyn InboundWebhook,
    kept: Kept,
) -> Option<Received> {
    let received = match accept(
        candidates,
        webhook,
        kept.request,
        kept.id,
        kept.receipt_sequence,
        kept.received_at,
    ) {
        Ok(received) => received,
        Err(refused) => {
            let connection = kept.connection?;
            let app = candidates
                .apps
                .iter()
                .find(|app| app.connections().iter().any(|one| one.id.as_str() == connection))?;
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that takes the store's word: intake verified the request before it was stored"
            )]
            let verified = WebhookAuth::recall(refused.0, &kept.verification)?;
            let translated = webhook.translate(&verified);
            let delivery = Delivery {
                id: kept.id,
                receipt_sequence: kept.receipt_sequence,
                slug: &candidates.provider.manifest().slug,
                app,
            };
            delivery.assemble(verified.into_request(), translated)
        }
    };
    (received.stored.outcome != Outcome::Malformed).then_some(received)
}

/// A request that is not authentic, as it is kept for the operator. The body is cut: an attacker fills no disk.
#[must_use]
pub(crate) fn refused(
    candidates: &Candidates,
    mut request: RawRequest,
    error: AuthError,
    id: DeliveryId,
    receipt_sequence: i64,
) -> Received {
    // A copy: a cut view would keep the whole body in memory while it waits.
    let kept = request.body.get(..MAX_REFUSED_BODY).unwrap_or(&request.body);
    request.body = bytes::Bytes::copy_from_slice(kept);
    let only = match &*candidates.apps {
        [app] => app.route(None),
        _ => None,
    };
    let stored = StoredRequest {
        id,
        receipt_sequence,
        provider: &candidates.provider.manifest().slug,
        connection: only.map(|one| one.id.to_string()),
        tenant: None,
        headers: take_headers(&mut request),
        request,
        verified: false,
        outcome: Outcome::Refused,
        reason: Some(error.code().to_owned()),
        traceparent: None,
    };
    Received {
        stored,
        events: Vec::new(),
    }
}

/// Answers a subscription handshake, with anything but a refusal: the first connection that accepts it wins.
///
/// # Errors
/// When no connection accepts, or the request is no handshake.
pub(crate) fn answer_handshake(
    candidates: &Candidates,
    request: &RawRequest,
) -> Result<HandshakeReply, Refusal> {
    let webhook = candidates.provider.webhook().ok_or(Refusal::UnknownAddress)?;
    let mut refusal = Refusal::Method;
    for connection in candidates.apps.iter().flat_map(App::connections) {
        match webhook.handshake(connection, request) {
            Some(HandshakeReply::Refuse) => refusal = Refusal::Handshake,
            Some(answer) => return Ok(answer),
            None => {}
        }
    }
    Err(refusal)
}

struct Delivery<'a> {
    id: DeliveryId,
    receipt_sequence: i64,
    slug: &'static str,
    app: &'a App,
}

impl Delivery<'_> {
    fn assemble(
        self,
        mut request: RawRequest,
        translated: Result<Vec<InboundEvent>, puente_ports::ProviderError>,
    ) -> Received {
        let mut stored = StoredRequest {
            id: self.id,
            receipt_sequence: self.receipt_sequence,
            provider: self.slug,
            connection: None,
            tenant: None,
            headers: take_headers(&mut request),
            request,
            verified: true,
            outcome: Outcome::Ignored,
            reason: None,
            traceparent: puente_telemetry::current_traceparent(),
        };
        let found = match translated {
            Ok(found) => found,
            Err(error) => {
                stored.outcome = Outcome::Malformed;
                stored.reason = Some(error.detail().to_owned());
                return Received {
                    stored,
                    events: Vec::new(),
                };
            }
        };
        let mut events = Vec::with_capacity(found.len());
        let mut owners: Vec<&Arc<Connection>> = Vec::new();
        let mut unroutable = None;
        for event in found {
            let InboundEvent {
                dedupe_key,
                account,
                payload,
                traceparent,
            } = event;
            if let InboundPayload::Ignored { kind, reason } = &payload {
                stored.reason.get_or_insert_with(|| format!("{reason}: {kind}"));
                continue;
            }
            let Some(connection) = self.app.route(account.as_deref()) else {
                unroutable = Some(account.unwrap_or_default());
                continue;
            };
            if !owners.iter().any(|owner| owner.id == connection.id) {
                owners.push(connection);
            }
            let trace = traceparent.or_else(|| stored.traceparent.clone());
            if let Some(event) = self.event(connection, payload, trace) {
                events.push((duplicate_key(self.slug, connection, &dedupe_key), event));
            }
        }
        if !events.is_empty() {
            stored.outcome = Outcome::Accepted;
        } else if unroutable.is_some() {
            stored.outcome = Outcome::Unroutable;
        }
        if let Some(account) = unroutable {
            stored.reason = Some(format!(
                "no connection has the account `{}`",
                account.chars().take(64).collect::<String>()
            ));
        }
        if let [only] = owners.as_slice() {
            stored.connection = Some(only.id.to_string());
            stored.tenant = Some(only.tenant.to_string());
        }
        Received { stored, events }
    }

    fn event(
        &self,
        connection: &Connection,
        payload: InboundPayload,
        trace: Option<String>,
    ) -> Option<NewEvent> {
        let (provider, name, delivery) = (
            self.slug.to_owned(),
            connection.id.to_string(),
            self.id.to_string(),
        );
        Some(match payload {
            InboundPayload::Message(mut message) => {
                // A hash: the contact's id often is a phone number, and aggregate ids are shown in logs and traces.
                let conversation = identity(&[&name, &message.contact_id]);
                message.provider = provider;
                message.connection = name;
                message.receipt_sequence = self.receipt_sequence;
                message.delivery_id = delivery;
                self.new_event(connection, &conversation.to_string(), &*message, trace)
            }
            InboundPayload::Receipt(mut receipt) => {
                let subject = receipt.provider_message_id.clone();
                receipt.provider = provider;
                receipt.connection = name;
                receipt.delivery_id = delivery;
                self.new_event(connection, &subject, &*receipt, trace)
            }
            InboundPayload::Template(mut template) => {
                let subject = template.name.clone();
                template.provider = provider;
                template.connection = name;
                template.delivery_id = delivery;
                self.new_event(connection, &subject, &*template, trace)
            }
            InboundPayload::Envelope(mut envelope) => {
                let subject = envelope.envelope_id.clone();
                envelope.provider = provider;
                envelope.connection = name;
                envelope.delivery_id = delivery;
                self.new_event(connection, &subject, &*envelope, trace)
            }
            InboundPayload::Task(mut task) => {
                let subject = task.task_id.clone();
                task.provider = provider;
                task.connection = name;
                task.delivery_id = delivery;
                self.new_event(connection, &subject, &*task, trace)
            }
            InboundPayload::Ignored { .. } => return None,
        })
    }

    fn new_event<E: Event>(
        &self,
        connection: &Connection,
        aggregate: &str,
        event: &E,
        trace: Option<String>,
    ) -> NewEvent {
        NewEvent::traced(&connection.tenant, aggregate, event, trace).caused_by(self.id)
    }
}

/// A happening's identity in this installation, from signed content.
fn duplicate_key(slug: &str, connection: &Connection, key: &str) -> Uuid {
    identity(&[slug, connection.id.as_str(), key])
}

/// The first half of a SHA-256 over the parts and their lengths.
fn identity(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    Uuid::from_bytes(half)
}
