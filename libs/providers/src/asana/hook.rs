//! What Asana tells of tasks: a handshake at the beginning, then signed reports.
//!
//! The secret of a webhook comes twice: in the handshake, which proves nothing, and in the answer to the call that makes
//! the webhook, which comes over TLS from Asana itself. It is taken from there alone; the handshake is only answered as
//! Asana wants it, so that nobody can give us a secret of theirs. It is expected as long as the connection has none.
//!
//! Reports hold ids and no content, and Asana has none of its own: what happened is known by all of its parts.

use puente_ports::{Connection, HandshakeReply, InboundEvent, InboundPayload, InboundWebhook, ProviderError};
use puente_proto::tasks::TaskReported;
use puente_proto::timestamp;
use puente_webhook_auth::{Encoding, HmacScheme, RawRequest, SignedPart, Verified, WebhookAuth};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Adapter, wire};
use crate::kit::{MAX_ID, cut, key, segment};

/// What a handshake carries, and what its answer carries back.
const SECRET_HEADER: &str = "x-hook-secret";
const SIGNATURE_HEADER: &str = "x-hook-signature";
/// The connection's secret of its webhook.
const SECRET: &str = "webhook_secret";
/// Asana's have 64 characters.
const LONGEST_SECRET: usize = 128;
/// Longest word for a kind of event.
const MAX_KIND: usize = 64;

impl InboundWebhook for Adapter {
    fn auth(&self, _connection: &Connection) -> WebhookAuth {
        WebhookAuth::Hmac(HmacScheme {
            header: SIGNATURE_HEADER.into(),
            prefix: String::new(),
            encoding: Encoding::Hex,
            secret: SECRET.into(),
            signed: SignedPart::Body,
        })
    }

    fn handshake(&self, connection: &Connection, request: &RawRequest) -> Option<HandshakeReply> {
        let offered = request.header(SECRET_HEADER)?;
        let proper = (1..=LONGEST_SECRET).contains(&offered.len())
            && offered.bytes().all(|b| b.is_ascii_alphanumeric());
        let expected = connection.secrets.get(SECRET).is_none();
        Some(
            if proper && expected && request.header(SIGNATURE_HEADER).is_none() {
                HandshakeReply::Header {
                    name: SECRET_HEADER,
                    value: offered.to_owned(),
                }
            } else {
                HandshakeReply::Refuse
            },
        )
    }

    fn translate(&self, request: &Verified) -> Result<Vec<InboundEvent>, ProviderError> {
        translate(&request.request().body)
    }
}

fn translate(body: &[u8]) -> Result<Vec<InboundEvent>, ProviderError> {
    let webhook: wire::Events =
        serde_json::from_slice(body).map_err(|_| ProviderError::malformed("the body is no JSON object"))?;
    let events = webhook
        .events
        .ok_or_else(|| ProviderError::malformed("the body holds no list of events"))?;
    let mut found: Vec<InboundEvent> = Vec::with_capacity(events.len());
    for event in &events {
        let told = translated(event);
        // Quick edits may give the same happening twice in one body.
        if !found.iter().any(|known| known.dedupe_key == told.dedupe_key) {
            found.push(told);
        }
    }
    Ok(found)
}

fn translated(event: &wire::Event) -> InboundEvent {
    let gid = |named: &Option<wire::Named>| named.as_ref().map(|one| one.gid.0.clone()).unwrap_or_default();
    let (actor, parent) = (gid(&event.user), gid(&event.parent));
    let field = event
        .change
        .as_ref()
        .map(|change| change.field.as_str())
        .unwrap_or_default();
    let parts: [&str; 7] = [
        &event.resource.resource_type,
        &event.resource.gid,
        &event.action,
        field,
        &parent,
        &event.created_at,
        &actor,
    ];
    let dedupe_key = key('t', &parts);
    let task = segment(&event.resource.gid).filter(|_| event.resource.resource_type.as_str() == "task");
    let payload = match task {
        Some(task) if !event.action.is_empty() => InboundPayload::Task(Box::new(TaskReported {
            task_id: task.to_owned(),
            action: cut(&event.action, MAX_KIND),
            field: cut(field, MAX_KIND),
            actor: cut(&actor, MAX_ID),
            happened_at: OffsetDateTime::parse(&event.created_at, &Rfc3339)
                .ok()
                .map(timestamp),
            ..TaskReported::default()
        })),
        _ => InboundPayload::Ignored {
            kind: cut(&event.resource.resource_type, MAX_KIND),
            reason: "not about a task",
        },
    };
    InboundEvent {
        dedupe_key,
        account: None,
        payload,
        traceparent: None,
    }
}
